"""From a webhook to a verified trailer on disk, on real processes; the tests build on one another's service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest

from tests.e2e.conftest import World, files_below
from tests.stack import wait_for


@pytest.fixture(scope="module")
def connected(world: World) -> World:
    for app, arr in (("radarr", world.radarr), ("sonarr", world.sonarr)):
        said = world.stack.connect(app, arr.url, arr.api_key)
        assert f"Webhook registered: {world.stack.url}/webhooks/{app}" in said
    return world


def status_of(world: World, title: str) -> str:
    return str(world.stack.titles().get(title, {}).get("status"))


def downloaded(world: World, title: str) -> Any:
    wait_for(f"the trailer of {title}", lambda: status_of(world, title) == "downloaded")
    return world.stack.api("GET", f"/media/{world.stack.titles()[title]['id']}")


def test_connecting_registers_a_webhook_whose_test_came_through(connected: World) -> None:
    for arr in (connected.radarr, connected.sonarr):
        (notification,) = arr.notifications.values()
        assert notification["name"] == f"Trailhook ({arr.app_name.lower()})"
        assert [delivery.event_type for delivery in arr.deliveries[:1]] == ["Test"]
        assert all(delivery.ok for delivery in arr.deliveries)
    shown = json.loads(connected.stack.command("connections", "--json").stdout)["items"]
    assert {one["name"]: one["webhook"]["state"] for one in shown} == {"Radarr": "registered", "Sonarr": "registered"}


@pytest.mark.parametrize(
    ("title", "video_id", "kind"), [("Spring", "spring00001", "hls"), ("Charge", "charge00001", "dash")]
)
def test_an_imported_movie_gets_its_trailer(connected: World, title: str, video_id: str, kind: str) -> None:
    connected.host.add(video_id, f"{title} trailer", kind=kind)
    item = connected.radarr.add(title, 2019, youtube_trailer_id=video_id)
    wait_for("the new movie", lambda: title in connected.stack.titles())
    folder = connected.radarr.import_file(item)
    trailer = downloaded(connected, title)["trailer"]
    name = f"{title} (2019) Bluray-1080p"
    assert trailer["path"] == str(folder / f"{name}-trailer.mp4")
    assert files_below(folder) == {f"{name}.mkv", f"{name}-trailer.mp4"}
    assert (trailer["video_codec"], trailer["audio_codec"], trailer["source"]) == ("h264", "aac", "arr")
    with av.open(trailer["path"]) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}


def test_a_series_is_searched_for_by_title_and_year(connected: World) -> None:
    connected.host.add("pioneerwron", "Pioneer One trailer reaction (2010)")
    connected.host.add("pioneerone1", "Pioneer One - Official Trailer (2010)")
    item = connected.sonarr.add("Pioneer One", 2010)
    wait_for("the new series", lambda: "Pioneer One" in connected.stack.titles())
    folder = connected.sonarr.import_file(item)
    trailer = downloaded(connected, "Pioneer One")["trailer"]
    assert (trailer["video_id"], trailer["source"]) == ("pioneerone1", "search")
    assert Path(trailer["path"]).relative_to(folder) == Path("Trailers/Pioneer One (2010)-trailer.mp4")


def test_a_person_chooses_the_trailer_of_a_series(connected: World) -> None:
    connected.host.add("chosen00001", "Something else altogether")
    item = connected.sonarr.add("Caminandes", 2013)
    connected.sonarr.import_file(item)
    wait_for("a reason", lambda: connected.stack.titles().get("Caminandes", {}).get("reason") == "no_candidate")
    media_id = connected.stack.titles()["Caminandes"]["id"]
    connected.stack.api("PATCH", f"/media/{media_id}", json={"trailer_url": "https://youtu.be/chosen00001"})
    assert downloaded(connected, "Caminandes")["trailer"]["source"] == "person"


def test_what_no_event_told_is_found_by_a_reconciliation(connected: World) -> None:
    connected.host.add("sintel00001", "Sintel trailer")
    flags, connected.radarr.notifications = connected.radarr.notifications, {}
    item = connected.radarr.add("Sintel", 2010, youtube_trailer_id="sintel00001")
    connected.radarr.import_file(item)
    connected.radarr.notifications = flags
    done = connected.stack.command("reconcile", "radarr")
    assert done.returncode == 0, done.stderr
    assert "1 new" in done.stdout
    downloaded(connected, "Sintel")


def test_a_movie_that_left_is_gone_and_its_files_are_not_touched(connected: World) -> None:
    connected.host.add("agent327001", "Agent 327 trailer")
    item = connected.radarr.add("Agent 327", 2017, youtube_trailer_id="agent327001")
    folder = connected.radarr.import_file(item)
    downloaded(connected, "Agent 327")
    before = files_below(folder)
    connected.radarr.delete(item)
    wait_for("the movie to leave", lambda: "Agent 327" not in connected.stack.titles())
    assert files_below(folder) == before


def test_a_dead_video_is_told_with_its_reason(connected: World) -> None:
    connected.host.add("private0001", "Private", error="Private video. Sign in if you've been granted access")
    item = connected.radarr.add("Wing It", 2023, youtube_trailer_id="private0001")
    folder = connected.radarr.import_file(item)
    wait_for("a reason", lambda: connected.stack.titles().get("Wing It", {}).get("reason") == "no_candidate")
    assert "Wing It" in connected.stack.command("media", "--status", "monitored").stdout
    assert files_below(folder) == {"Wing It (2023) Bluray-1080p.mkv"}


def test_the_service_is_healthy_and_says_so(connected: World) -> None:
    status = json.loads(connected.stack.command("status", "--json").stdout)
    assert (status["healthy"], status["inbox"]["failed"]) == (True, 0)
    assert connected.stack.command("status").returncode == 0


def test_no_secret_is_in_the_log_or_a_process_list(connected: World) -> None:
    stack = connected.stack
    passwords = [
        field["value"]
        for arr in (connected.radarr, connected.sonarr)
        for notification in arr.notifications.values()
        for field in notification["fields"]
        if field["name"] == "password"
    ]
    files = [stack.data_dir / "api-key", stack.data_dir / "secret-key"]
    secrets = [
        connected.radarr.api_key,
        connected.sonarr.api_key,
        *passwords,
        *(path.read_text().strip() for path in files),
    ]
    log = stack.log()
    commands = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()).decode()
    for secret in secrets:
        assert len(secret) > 8
        assert secret not in log
        assert secret not in commands
    assert "Traceback" not in log
