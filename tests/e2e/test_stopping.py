"""SIGTERM ends everything within its time: no process and no half file is left, and the next start goes on."""

from __future__ import annotations

import time
from pathlib import Path

from app.embedded.ffmpeg import find_ffmpeg
from tests.e2e.conftest import files_below
from tests.e2e.roles import processes_naming
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import Stack, wait_for


def test_a_download_under_way_is_handed_back_and_done_after_the_restart(tmp_path: Path) -> None:
    with (
        VideoHost(find_ffmpeg(None), tmp_path / "clips") as host,
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
    ):
        host.add("slow0000001", "Slow", kind="mp4", rate=20_000)
        stack = Stack(tmp_path / "service", write_plugin(tmp_path / "plugin", host.url), STOP_GRACE="5")
        with stack:
            stack.connect("radarr", radarr.url, radarr.api_key)
            item = radarr.add("Coffee Run", 2020, youtube_trailer_id="slow0000001")
            folder = radarr.import_file(item)
            wait_for("the download", lambda: host.under_way["slow0000001"] == 1)
            assert any(name.startswith(".trailhook-") for name in files_below(folder))
            began = time.monotonic()
            assert stack.stop() == 0
            assert time.monotonic() - began < 10
        wait_for("all processes to end", lambda: not processes_naming(stack.data_dir), 2)
        assert files_below(folder) == {"Coffee Run (2020) Bluray-1080p.mkv"}
        host.add("slow0000001", "Fast now", kind="mp4")
        with stack:
            wait_for("the trailer", lambda: stack.titles()["Coffee Run"]["status"] == "downloaded")
            attempts = stack.api("GET", f"/media/{stack.titles()['Coffee Run']['id']}")["attempts"]
            assert [attempt["outcome"] for attempt in attempts] == ["placed", "handed_back"]
        assert "Coffee Run (2020) Bluray-1080p-trailer.mp4" in files_below(folder)
