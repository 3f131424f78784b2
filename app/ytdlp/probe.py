"""Try a yt-dlp out as a job would use it, in a process of its own: `python -P -m app.ytdlp.probe`."""

from __future__ import annotations

import sys
from pathlib import Path

import yt_dlp  # type: ignore[import-untyped]  # yt-dlp has no types

from app.ytdlp import fetch as _fetch  # noqa: F401 - what it takes of yt-dlp must be there
from app.ytdlp.job import Job
from app.ytdlp.options import ytdlp_options


def main() -> int:
    """Make what a job makes, without a request; prints where yt-dlp was taken from."""
    job = Job(op="fetch", target="", ffmpeg="ffmpeg", subtitles=("en",))
    with yt_dlp.YoutubeDL(ytdlp_options(job)) as ydl:
        for extractor in ("Youtube", "YoutubeSearch", "Vimeo"):
            ydl.get_info_extractor(extractor)
    sys.stdout.write(f"{Path(yt_dlp.__file__).parent.parent}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
