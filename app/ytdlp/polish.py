"""Give a fetched file the codecs and the loudness that the policy asks for, with ffmpeg, in the child.

Sound is measured by EBU R 128 and left alone where it is near enough; a picture that plays everywhere is only copied.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from app.ytdlp.job import Job

TARGET_LUFS = -16.0
TRUE_PEAK_DB = -1.5
_LEFT_ALONE_LU = 2.0
_SILENCE_LUFS = -50.0
_MOST_GAIN_DB = 20.0
_CODING_DB = 0.5
"""How much the encoder may add to a peak; where it adds more, the sound is made once more."""
_FROM_THE_START = "aresample=async=1:first_pts=0"
"""Silence before sound that begins late: alone in a file it would move to the front."""
_TRIES = 2
_SOUND = "sound.m4a"
_POLISHED = "polished.mp4"
_PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_PICTURE = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")


class ConversionFailed(Exception):
    """ffmpeg could not do it; the text is its last word."""


@dataclass(frozen=True, slots=True)
class _Streams:
    """What there is; `sound` is None where there is none."""

    picture: str
    pixels: str
    sound: str | None
    channels: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Loudness:
    """Integrated loudness in LUFS, true peak in dB below full scale."""

    lufs: float
    peak: float


def polish(path: Path, job: Job, progress: Callable[[float], None]) -> None:
    """Change the file in place where the policy asks for it; progress is a share of 1. Raises ConversionFailed."""
    streams = _streams(path)
    picture = job.convert and (streams.picture != "h264" or streams.pixels not in _PLAYABLE_PIXELS)
    # Sound is quick: of it comes a sign of life only, the share tells of the picture.
    sound = _sound(_Ffmpeg(job.ffmpeg, streams.seconds, lambda _: progress(0.0)), path, streams, job)
    if not picture and sound is None:
        return
    made = path.with_name(_POLISHED)
    given = ["-i", path.name] if sound is None else ["-i", path.name, "-i", sound.name]
    taken = ["-map", "0:v:0", "-map", "0:a:0?" if sound is None else "1:a:0", "-map", "0:s?"]
    coding = [*_PICTURE, "-threads", str(_threads())] if picture else []
    tool = _Ffmpeg(job.ffmpeg, streams.seconds, progress)
    tool.run(*given, *taken, "-c", "copy", *coding, "-movflags", "+faststart", made.name)
    made.replace(path)
    if sound is not None:
        sound.unlink()


def _streams(path: Path) -> _Streams:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        audio = next(iter(container.streams.audio), None)
        return _Streams(
            picture=video.codec_context.codec.canonical_name,
            pixels=video.codec_context.pix_fmt or "",
            sound=None if audio is None else audio.codec_context.codec.canonical_name,
            channels=0 if audio is None else audio.codec_context.channels,
            seconds=(container.duration or 0) / av.time_base,
        )


def _sound(tool: _Ffmpeg, path: Path, streams: _Streams, job: Job) -> Path | None:
    """Make the sound that the file shall have; None where it has it."""
    if streams.sound is None:
        return None
    made, coding = path.with_name(_SOUND), ["-c:a", "aac", "-b:a", f"{96 * max(streams.channels, 2)}k"]
    before = tool.measure(path) if job.loudness else None
    if before is None or not _is_off(before):
        if not job.convert or streams.sound == "aac":
            return None
        tool.run("-i", path.name, "-map", "0:a:0", "-af", _FROM_THE_START, *coding, made.name)
        return made
    ceiling = TRUE_PEAK_DB - _CODING_DB
    for _ in range(_TRIES):
        tool.run("-i", path.name, "-map", "0:a:0", "-af", _correction(before, ceiling), *coding, made.name)
        over = tool.measure(made).peak - TRUE_PEAK_DB
        if over <= 0:
            break
        ceiling -= over + _CODING_DB
    return made


def _is_off(found: _Loudness) -> bool:
    return found.lufs > _SILENCE_LUFS and abs(found.lufs - TARGET_LUFS) > _LEFT_ALONE_LU


def _correction(before: _Loudness, ceiling: float) -> str:
    """Write the filter: one gain for all, and a limiter that sees peaks between samples where one is needed."""
    gain = min(TARGET_LUFS - before.lufs, _MOST_GAIN_DB)
    if before.peak + gain <= ceiling:
        return f"{_FROM_THE_START},volume={gain:.2f}dB"
    limit = f"alimiter=level=disabled:attack=5:release=50:limit={10 ** (ceiling / 20):.4f}"
    return f"{_FROM_THE_START},volume={gain:.2f}dB,aresample=192000,{limit},aresample=48000"


class _Ffmpeg:
    """Runs ffmpeg in the work directory, which its paths must be in; it is killed with the group of this process."""

    def __init__(self, program: str, seconds: float, progress: Callable[[float], None]) -> None:
        self._program, self._seconds, self._progress = program, max(seconds, 1.0), progress

    def run(self, *arguments: str) -> None:
        """Run it to its end, with progress. Raises ConversionFailed."""
        self._run(["-loglevel", "error", *arguments])

    def measure(self, path: Path) -> _Loudness:
        """Measure the sound by EBU R 128. Raises ConversionFailed."""
        said = self._run(
            ["-i", path.name, "-map", "0:a:0", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
        )
        lufs = re.findall(r"^\s*I:\s+(-?[\d.]+|-?inf|nan) LUFS", said, re.MULTILINE)
        peak = re.findall(r"^\s*Peak:\s+(-?[\d.]+|-?inf|nan) dBFS", said, re.MULTILINE)
        if not lufs or not peak:
            message = "it did not tell the loudness"
            raise ConversionFailed(message)
        return _Loudness(float(lufs[-1]), float(peak[-1]))

    def _run(self, arguments: Sequence[str]) -> str:
        """Give what it said on standard error, which goes to a file so that it never has to wait for us."""
        common = ["-nostdin", "-hide_banner", "-nostats", "-y", "-progress", "pipe:1", "-stats_period", "0.5"]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            with subprocess.Popen(
                [self._program, *common, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process:
                for line in process.stdout or ():
                    self._tell(line)
            log.seek(0)
            said = log.read()
        if process.returncode != 0:
            raise ConversionFailed(said.strip().rpartition("\n")[2] or f"ffmpeg ended with {process.returncode}")
        return said

    def _tell(self, line: str) -> None:
        name, _, value = line.strip().partition("=")
        if name == "out_time_us" and value.lstrip("-").isdecimal():
            self._progress(min(max(int(value) / 1e6 / self._seconds, 0.0), 1.0))


def _threads() -> int:
    """Leave half of the processors to others."""
    return max(len(os.sched_getaffinity(0)) // 2, 1)
