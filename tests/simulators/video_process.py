"""The video host as a process of its own, with a catalogue of open films or one from a file."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.simulators.clips import FULL_HD, SMALL, ffmpeg_here
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin

CATALOGUE: list[dict[str, Any]] = [
    {"video_id": "YE7VzlLtp-4", "title": "Big Buck Bunny - Trailer (2008)", "kind": "mp4"},
    {"video_id": "eRsGyueVLvQ", "title": "Sintel - Official Trailer (2010)", "kind": "hls"},
    {"video_id": "R6MlUcmOul8", "title": "Tears of Steel - Trailer (2012)"},
    {"video_id": "pioneerone1", "title": "Pioneer One - Official Trailer (2010)"},
    {"video_id": "reaction001", "title": "Pioneer One trailer reaction (2010)"},
]


def main() -> int:
    """Serve until SIGTERM or SIGINT; its address comes on the first line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.video_host", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cache", type=Path, required=True, help="where the clips are made, once")
    parser.add_argument("--plugin-dir", type=Path, help="where the yt-dlp plugin is written: the PYTHONPATH to give")
    parser.add_argument("--full-hd", action="store_true", help="clips of 1080 lines, as large as a real trailer's")
    parser.add_argument("--catalogue", type=Path, help="a JSON list of objects with the fields of Video")
    given = parser.parse_args()
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    picture = FULL_HD if given.full_hd else SMALL
    with VideoHost(ffmpeg_here(), given.cache.resolve(), given.port, picture) as host:
        for video in json.loads(given.catalogue.read_text()) if given.catalogue else CATALOGUE:
            host.add(**video)
        if given.plugin_dir:
            write_plugin(given.plugin_dir, host.url)
        sys.stdout.write(f"videos at {host.url}\n")
        sys.stdout.flush()
        signal.sigwait(ending)
    return 0
