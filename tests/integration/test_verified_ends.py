"""The end of a fetched file is decoded: damage to the last second is found out, and good files of all kinds pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import pytest

from app.ytdlp.verify import BrokenFile, Wanted, verify
from tests.studio import Studio, run_ffmpeg

SECONDS = 24
WANTED = Wanted(min_seconds=20, max_seconds=600, seconds=SECONDS, audio=True)
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0")
_OPEN = "open-gop=1:bframes=8:b-pyramid=2:ref=8"
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "16", "-auto-alt-ref", "1")
AAC, OPUS = ("-c:a", "aac"), ("-c:a", "libopus")
CODINGS = {
    "many B-frames": (*_X264, "-bf", "8", "-g", "48", *AAC),
    "open GOPs": (*_X264, "-g", "50", "-keyint_min", "50", "-x264-params", _OPEN, *AAC),
    "GOP of 250": (*_X264, "-g", "250", "-keyint_min", "250", *AAC),
    "one key picture": (*_X264, "-g", "99999", *AAC),
    "interlaced": (*_X264, "-x264-params", "slices=4:interlaced=1", *AAC),
    "VP9 and Opus": (*_VP9, "-g", "128", *OPUS),
    "AV1 and Opus": ("-c:v", "libsvtav1", "-preset", "11", "-g", "128", *OPUS),
}
Clip = Callable[[str], Path]


@pytest.fixture(scope="module")
def clips(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Give a file of a coding, made when first asked for."""
    place = tmp_path_factory.mktemp("codings")

    def made(coding: str) -> Path:
        path = place / f"{coding}.mp4"
        if not path.exists():
            _make(studio, path, CODINGS[coding])
        return path

    return made


def _make(studio: Studio, path: Path, coding: Sequence[str]) -> None:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={SECONDS}")
    sound = ("-f", "lavfi", "-i", f"sine=duration={SECONDS}")
    run_ffmpeg(studio, *picture, *sound, *coding, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path))


def damaged(path: Path, kind: str, *, share: float = 1.0, seconds: float = 1.0) -> bytes:
    """Give the file with the last share of each packet of its last seconds zeroed, in one of its streams."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.get({kind: 0})
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        places = [(packet.pos or 0, packet.size, float((packet.pts or 0) * packet.time_base)) for packet in packets]
    body = bytearray(path.read_bytes())
    end = max(time for _, _, time in places)
    for begin, size, time in places:
        if time > end - seconds:
            kept = int(size * (1 - share))
            body[begin + kept : begin + size] = bytes(size - kept)
    return bytes(body)


def refused(tmp_path: Path, body: bytes) -> str:
    path = tmp_path / "trailer.mp4"
    path.write_bytes(body)
    with pytest.raises(BrokenFile) as caught:
        verify(path, WANTED)
    return str(caught.value)


@pytest.mark.parametrize("coding", CODINGS)
def test_good_files_pass(clips: Clip, coding: str) -> None:
    assert verify(clips(coding), WANTED).height == 180


def test_a_short_sound_track_passes_and_its_own_end_is_looked_at(studio: Studio, clips: Clip, tmp_path: Path) -> None:
    whole, short = str(clips("GOP of 250")), tmp_path / "short.mp4"
    run_ffmpeg(studio, "-i", whole, "-t", "9", "-i", whole, "-map", "0:v", "-map", "1:a", "-c", "copy", str(short))
    assert verify(short, WANTED).audio_codec == "aac"
    assert refused(tmp_path, damaged(short, "audio"))


@pytest.mark.parametrize("stream", ["video", "audio"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_zeroed_last_second_is_found_out(clips: Clip, tmp_path: Path, coding: str, stream: str) -> None:
    assert "hole" in refused(tmp_path, damaged(clips(coding), stream))


@pytest.mark.parametrize("coding", ["many B-frames", "open GOPs", "GOP of 250", "interlaced", "AV1 and Opus"])
def test_damaged_pictures_are_found_out(clips: Clip, tmp_path: Path, coding: str) -> None:
    assert refused(tmp_path, damaged(clips(coding), "video", share=0.5))


def test_damaged_sound_is_found_out(clips: Clip, tmp_path: Path) -> None:
    assert refused(tmp_path, damaged(clips("GOP of 250"), "audio", share=0.5))


@pytest.mark.parametrize("share", [0.97, 0.99, 0.999])
def test_a_file_that_lacks_its_last_bytes_is_found_out(clips: Clip, tmp_path: Path, share: float) -> None:
    whole = clips("GOP of 250").read_bytes()
    assert "breaks off" in refused(tmp_path, whole[: int(len(whole) * share)])
