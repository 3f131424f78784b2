"""A connection's end and its webhook's care, by the real processes."""

from __future__ import annotations

from pathlib import Path

from app.embedded.ffmpeg import find_ffmpeg
from tests.e2e.conftest import files_below
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import Stack, wait_for


def test_a_deleted_connection_stops_and_another_goes_on(tmp_path: Path) -> None:
    with (
        VideoHost(find_ffmpeg(None), tmp_path / "clips") as host,
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        ArrSimulator("Sonarr", tmp_path / "shows") as sonarr,
        Stack(tmp_path / "service", write_plugin(tmp_path / "plugin", host.url)) as stack,
    ):
        host.add("slow0000001", "Slow", kind="mp4", rate=20_000)
        stack.connect("radarr", radarr.url, radarr.api_key)
        stack.connect("sonarr", sonarr.url, sonarr.api_key)
        folder = radarr.import_file(radarr.add("Coffee Run", 2020, youtube_trailer_id="slow0000001"))
        wait_for("the download", lambda: host.under_way["slow0000001"] == 1)
        ids = {one["name"]: one["id"] for one in stack.api("GET", "/connections")["items"]}
        deleted = stack.api("DELETE", f"/connections/{ids['Radarr']}")
        assert deleted["webhook_removed"]
        assert radarr.notifications == {}
        assert [one["name"] for one in stack.api("GET", "/connections")["items"]] == ["Sonarr"]
        sonarr.import_season(sonarr.add("Pioneer One", 2010), 1)
        wait_for("the other's title alone", lambda: set(stack.titles()) == {"Pioneer One"})
        wait_for("the download's end", lambda: host.under_way["slow0000001"] == 0)
        wait_for("a clean folder", lambda: files_below(folder) == {"Coffee Run (2020) Bluray-1080p.mkv"})
        wait_for("its row's end", lambda: "deleted connection emptied" in stack.log())
        assert all(delivery.ok for delivery in (*radarr.deliveries, *sonarr.deliveries))


def test_a_lost_webhook_is_back_after_a_start(tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        stack = Stack(tmp_path / "service", None)
        with stack:
            stack.connect("radarr", radarr.url, radarr.api_key)
        radarr.notifications = {}
        with stack:
            wait_for("the webhook", lambda: radarr.notifications)
            assert radarr.deliveries[-1].ok
