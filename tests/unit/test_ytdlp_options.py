"""Which formats yt-dlp takes with our options, of a list such as YouTube's."""

from __future__ import annotations

from typing import Any

import pytest
import yt_dlp  # type: ignore[import-untyped]  # yt-dlp has no types

from app.ytdlp.job import Job
from app.ytdlp.options import ytdlp_options


def picture(name: str, codec: str, lines: int, colours: str = "SDR") -> dict[str, Any]:
    size = {"height": lines, "width": lines * 16 // 9}
    return {"format_id": name, "vcodec": codec, "acodec": "none", "ext": "mp4", "dynamic_range": colours, **size}


PICTURES = [
    picture("h264_720", "avc1.64001f", 720),
    picture("h264_1080", "avc1.640028", 1080),
    picture("vp9_1080", "vp09.00.40.08", 1080),
    picture("av1_2160", "av01.0.12M.08", 2160),
    picture("hdr_2160", "av01.0.12M.10", 2160, "HDR10"),
]
SOUNDS = [
    {"format_id": "aac", "acodec": "mp4a.40.2", "vcodec": "none", "ext": "m4a"},
    {"format_id": "opus", "acodec": "opus", "vcodec": "none", "ext": "webm"},
]


class Chooser(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """Stops where the formats are chosen."""

    chosen: tuple[str, ...] = ()

    def process_info(self, info_dict: dict[str, Any]) -> None:
        self.chosen = tuple(each["format_id"] for each in info_dict["requested_formats"])


def choose(*without: str, **wanted: Any) -> list[str]:
    formats = [
        {**each, "url": "http://127.0.0.1/"} for each in [*PICTURES, *SOUNDS] if each["format_id"] not in without
    ]
    facts = {"id": "x", "title": "x", "extractor": "x", "extractor_key": "X", "webpage_url": "http://127.0.0.1/"}
    with Chooser({**ytdlp_options(Job(op="fetch", target="", ffmpeg="ffmpeg", **wanted)), "postprocessors": []}) as ydl:
        ydl.process_ie_result({**facts, "formats": formats})
        return list(ydl.chosen)


@pytest.mark.parametrize(
    ("without", "wanted", "chosen"),
    [
        ("", {}, "h264_1080"),
        ("h264_1080", {}, "h264_720"),
        ("h264_1080", {"compatible": False}, "vp9_1080"),
        ("h264_1080", {"min_height": 1080}, "vp9_1080"),
        ("", {"max_height": 2160}, "h264_1080"),
        ("", {"max_height": 2160, "compatible": False}, "hdr_2160"),
        ("", {"max_height": 2160, "compatible": False, "convert": True}, "av1_2160"),
        ("", {"max_height": 720}, "h264_720"),
    ],
)
def test_the_picture(without: str, wanted: dict[str, Any], chosen: str) -> None:
    assert choose(without, **wanted) == [chosen, "aac"]


def test_what_the_policy_rules_out_is_still_looked_at() -> None:
    """So that the child can say why it refuses the video."""
    assert choose(max_height=480) == ["h264_720", "aac"]
    assert choose(min_height=4000) == ["h264_1080", "aac"]


def test_real_subtitles_are_asked_for_in_all_their_regions() -> None:
    options = ytdlp_options(Job(op="fetch", target="", ffmpeg="ffmpeg", subtitles=("en", "pt-br")))
    assert options["subtitleslangs"] == ["(?i:en(-.+)?)", r"(?i:pt\-br(-.+)?)"]
    assert options["writesubtitles"] is True
    assert "writeautomaticsub" not in options
