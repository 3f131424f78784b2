"""Loudness and codecs of a fetched trailer, with the real ffmpeg."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path

import av
import pytest

from app.context import FetchRequest
from app.domain.policy import Policy
from app.ytdlp.job import Job
from app.ytdlp.polish import TARGET_LUFS, TRUE_PEAK_DB, polish
from tests.studio import Studio, clip, fetch, ignore, names_in, run_ffmpeg


async def test_loudness_is_put_right_and_the_picture_kept(studio: Studio, work_dir: Path) -> None:
    url = studio.add(kind="mp4")
    await fetch(studio.videos(), url, work_dir)
    before = heard_in(studio, work_dir), picture_of(work_dir / "trailer.mp4")
    await fetch(studio.videos(), url, work_dir, Policy(loudness=True))
    after = heard_in(studio, work_dir), picture_of(work_dir / "trailer.mp4")
    assert abs(before[0][0] - TARGET_LUFS) > 3
    assert abs(after[0][0] - TARGET_LUFS) < 1
    assert after[0][1] <= TRUE_PEAK_DB
    assert after[1] == before[1]
    assert names_in(work_dir) == ["trailer.mp4"]


@pytest.mark.parametrize("sound", ["0.99*sin(440*2*PI*t)", "0.03*sin(440*2*PI*t)+0.8*sin(900*t)*lt(mod(t,4),0.1)"])
def test_peaks_stay_below_full_scale(studio: Studio, work_dir: Path, sound: str) -> None:
    make_sound(studio, work_dir / "trailer.mp4", sound)
    with contextlib.chdir(work_dir):
        polish(work_dir / "trailer.mp4", loud_job(studio), ignore)
    lufs, peak = heard_in(studio, work_dir)
    assert abs(lufs - TARGET_LUFS) < 2
    assert peak <= TRUE_PEAK_DB


@pytest.mark.parametrize("sound", ["0.23*sin(440*2*PI*t)", "0"], ids=["right", "silent"])
def test_sound_that_is_near_enough_is_left_alone(studio: Studio, work_dir: Path, sound: str) -> None:
    make_sound(studio, work_dir / "trailer.mp4", sound)
    before = (work_dir / "trailer.mp4").read_bytes()
    with contextlib.chdir(work_dir):
        polish(work_dir / "trailer.mp4", loud_job(studio), ignore)
    assert (work_dir / "trailer.mp4").read_bytes() == before


def test_sound_that_begins_late_stays_late(studio: Studio, work_dir: Path) -> None:
    make_sound(studio, work_dir / "trailer.mp4", "0.99*sin(440*2*PI*t)", late=2)
    before = end_of_sound(work_dir / "trailer.mp4")
    with contextlib.chdir(work_dir):
        polish(work_dir / "trailer.mp4", loud_job(studio), ignore)
    assert abs(before - 14) < 0.1
    assert abs(end_of_sound(work_dir / "trailer.mp4") - before) < 0.1


def end_of_sound(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return max(float((packet.pts or 0) * packet.time_base) for packet in container.demux(stream) if packet.size)


def loud_job(studio: Studio) -> Job:
    return Job(op="fetch", target="", ffmpeg=str(studio.tools.ffmpeg), loudness=True)


def make_sound(studio: Studio, path: Path, sound: str, late: int = 0) -> None:
    picture = ["-f", "lavfi", "-i", f"color=size=64x64:rate=5:duration={12 + late}"]
    tone = ["-itsoffset", str(late), "-f", "lavfi", "-i", f"aevalsrc='{sound}':d=12:s=48000"]
    coding = ["-c:v", "libx264", "-c:a", "aac", str(path)]
    run_ffmpeg(studio, *picture, *tone, *coding)


def heard_in(studio: Studio, work_dir: Path) -> tuple[float, float]:
    """Give the loudness in LUFS and the true peak in dB."""
    measure = ["-i", str(work_dir / "trailer.mp4"), "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
    said = run_ffmpeg(studio, *measure)
    lufs, peak = re.findall(r"^ *I: +(\S+) LUFS", said, re.MULTILINE), re.findall(r"Peak: +(\S+) dBFS", said)
    return float(lufs[-1]), float(peak[-1])


def picture_of(path: Path) -> str:
    with av.open(str(path)) as container:
        packets = b"".join(bytes(packet) for packet in container.demux(video=0))
    return hashlib.sha256(packets).hexdigest()


async def test_what_does_not_play_everywhere_is_converted(studio: Studio, work_dir: Path) -> None:
    url, told = studio.add(kind="webm"), list[float | None]()
    kept = await fetch(studio.videos(), url, work_dir)
    assert (kept.video_codec, kept.audio_codec) == ("vp9", "opus")
    request = FetchRequest(url, work_dir, Policy(convert=True, loudness=True))
    made = await studio.videos().fetch(request, told.append)
    assert (made.video_codec, made.audio_codec, made.height) == ("h264", "aac", 720)
    assert abs(heard_in(studio, work_dir)[0] - TARGET_LUFS) < 1
    known = [percent for percent in told if percent is not None]
    assert known == sorted(known)
    assert any(30 < percent < 100 for percent in known)
    assert names_in(work_dir) == ["trailer.mp4"]


async def test_what_plays_everywhere_is_not_converted(studio: Studio, work_dir: Path) -> None:
    url = studio.add(kind="mp4")
    await fetch(studio.videos(), url, work_dir, Policy(convert=True))
    assert (work_dir / "trailer.mp4").read_bytes() == clip(studio, "clip.mp4")
