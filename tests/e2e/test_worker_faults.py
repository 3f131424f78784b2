"""A worker that dies, or has to stop, whatever it is at: nothing is left behind, and the next one goes on."""

from __future__ import annotations

import signal
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.embedded.ffmpeg import find_ffmpeg
from tests.e2e.conftest import files_below
from tests.e2e.roles import Roles, frozen, processes_naming
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import wait_for

SLACK = 2.0  # s


@dataclass
class Site:
    """Everything that a test can reach."""

    roles: Roles
    radarr: ArrSimulator
    host: VideoHost
    connection_id: int

    def add(self, title: str, *, silently: bool = True, **video: Any) -> int:
        """Add a movie with its video; silently: Trailhook hears of it only by the import."""
        name = video_id(title)
        self.host.add(name, title, **{"kind": "mp4", **video})
        heard, self.radarr.notifications = self.radarr.notifications, {} if silently else self.radarr.notifications
        item_id = self.radarr.add(title, 2010, youtube_trailer_id=name)
        self.radarr.notifications = heard
        return item_id

    def downloads(self, title: str) -> int:
        return self.host.downloads[video_id(title)]

    def under_way(self, title: str) -> bool:
        return self.host.under_way[video_id(title)] > 0

    def mend(self, title: str) -> None:
        """Let the title's video be as it should."""
        self.host.add(video_id(title), title, kind="mp4")

    def folder(self, title: str) -> Path:
        return Path(self.radarr.folder(next(n for n, item in self.radarr.items.items() if item["title"] == title)))

    def pending_events(self) -> int:
        return int(self.roles.sql("SELECT count(*) FROM event WHERE state = 'pending'")[0][0])

    def outcomes(self, title: str) -> list[str]:
        """Give how the title's attempts ended, the oldest first."""
        return [attempt["outcome"] for attempt in reversed(self.roles.title(title)["attempts"])]

    def settled(self) -> bool:
        """Say whether no reconciliation is wanted or under way."""
        return self.roles.sql("SELECT count(*) FROM run WHERE finished_at IS NULL") == [(0,)]

    def expect_one_trailer(self, *titles: str) -> None:
        """Wait until each title is downloaded; then it has one trailer that is on record, and nothing else is left."""
        for title in titles:
            wait_for(title, lambda title=title: self.roles.title(title).get("status") == "downloaded", 40)
            name = f"{title} (2010) Bluray-1080p"
            assert files_below(self.folder(title)) == {f"{name}.mkv", f"{name}-trailer.mp4"}
            assert self.roles.title(title)["trailer"]["path"].endswith(f"/{name}-trailer.mp4")


def video_id(title: str) -> str:
    """Give each title a video of its own: 11 characters, as YouTube's."""
    return f"{zlib.crc32(title.encode()):_>11}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("site")
    with (
        VideoHost(find_ffmpeg(None), place / "clips") as host,
        ArrSimulator("Radarr", place / "movies") as radarr,
        Roles(place, write_plugin(place / "plugin", host.url)) as roles,
    ):
        yield Site(roles, radarr, host, roles.connect("Radarr", radarr))


@pytest.fixture
def slow_ffmpeg(tmp_path: Path) -> Path:
    """Make an ffmpeg that says when it gets work, and then does nothing."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" -i "*) touch "{tmp_path}/merging"; sleep 3600;; esac\n'
        f'exec "{find_ffmpeg(None)}" "$@"\n'
    )
    program.chmod(0o755)
    return program


def test_a_worker_killed_at_every_stage_is_replaced(site: Site, tmp_path: Path, slow_ffmpeg: Path) -> None:
    roles, radarr = site.roles, site.radarr
    (tmp_path / "before Ready (2010)").touch()
    (tmp_path / "after Placed (2010)").touch()
    site.add("Written", silently=False)
    slow = {"FFMPEG": str(slow_ffmpeg), "DOWNLOAD_CONCURRENCY": "5", "TEST_STOPS": str(tmp_path)}
    with ExitStack() as meanwhile, roles.worker("tests.e2e.stopping_worker", **slow) as worker:
        wait_for("the first look at everything", lambda: site.settled() and roles.title("Written"))
        asked = site.add("Asked")
        radarr.fault = faults.hang(f"/movie/{asked}")
        meanwhile.callback(setattr, radarr, "fault", None)
        meanwhile.enter_context(roles.locked("SELECT 1 FROM media WHERE title = 'Written' FOR UPDATE"))
        videos: dict[str, dict[str, Any]] = {
            "Fetched": {"hang": True},
            "Merged": {"kind": "dash"},
            "Ready": {},
            "Placed": {},
        }
        for item_id in [asked, *(site.add(title, **video) for title, video in videos.items())]:
            radarr.import_file(item_id)
        radarr.import_file(next(n for n, item in radarr.items.items() if item["title"] == "Written"))
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for("the Arr to be asked", lambda: radarr.requests[f"/movie/{asked}"])
        wait_for("the write", lambda: roles.sql(waiting))
        wait_for("the download", lambda: site.under_way("Fetched"))
        wait_for("the merge", (tmp_path / "merging").exists)
        wait_for("the placing", (tmp_path / "before Ready (2010) reached").exists)
        wait_for("the placed one", (tmp_path / "after Placed (2010) reached").exists)
        radarr.import_file(site.add("Verified"))
        wait_for("the verification", lambda: is_verifying(site.folder("Verified")))
        worker.kill()
        wait_for("all its children to end", lambda: not processes_naming(site.radarr.folder(asked).parent), 5)
        placed = site.folder("Placed") / "Placed (2010) Bluray-1080p-trailer.mp4"
        identity = placed.stat().st_ino
        meanwhile.close()
        site.mend("Fetched")
        roles.end_leases()
        roles.flush_redis()
        with roles.worker(DOWNLOAD_CONCURRENCY="3") as successor:
            site.expect_one_trailer("Asked", "Written", *videos, "Verified")
            wait_for("all events", lambda: site.pending_events() == 0)
            assert "Traceback" not in successor.log()
    assert roles.sql("SELECT DISTINCT state FROM event WHERE arr_id IS NOT NULL") == [("processed",)]
    assert placed.stat().st_ino == identity
    assert site.downloads("Placed") == 1
    assert {title: site.outcomes(title) for title in videos} == {
        "Fetched": ["lost", "placed"],
        "Merged": ["lost", "placed"],
        "Ready": ["lost", "placed"],
        "Placed": ["placed"],
    }
    lost = roles.title("Fetched")["attempts"][-1]
    assert (lost["failure"], lost["text"]) == ("lost", "The worker stopped, or lost the database, during the download.")


@pytest.mark.parametrize(("away", "grace"), [("valkey", 5.5), ("postgres", 2.0)])
def test_a_worker_stops_in_time_whatever_hangs(
    site: Site, tmp_path: Path, slow_ffmpeg: Path, away: str, grace: float
) -> None:
    roles, radarr = site.roles, site.radarr
    fetched, merged, asked = (f"{title} {away}" for title in ("Fetched", "Merged", "Asked"))
    slow = {"FFMPEG": str(slow_ffmpeg), "DOWNLOAD_CONCURRENCY": "2", "STOP_GRACE": f"{grace:g}s"}
    with ExitStack() as meanwhile, roles.worker(**slow) as worker:
        wait_for("the first look at everything", site.settled)
        item_id = site.add(asked)
        radarr.fault = faults.hang(f"/movie/{item_id}")
        meanwhile.callback(setattr, radarr, "fault", None)
        radarr.import_file(item_id)
        radarr.import_file(site.add(fetched, hang=True))
        radarr.import_file(site.add(merged, kind="dash"))
        wait_for("the download", lambda: site.under_way(fetched))
        wait_for("the merge", (tmp_path / "merging").exists)
        wait_for("the Arr to be asked", lambda: radarr.requests[f"/movie/{item_id}"])
        with frozen(getattr(roles, away)):
            began = time.monotonic()
            worker.send(signal.SIGTERM)
            code = worker.wait(grace + SLACK)
            assert time.monotonic() - began < grace + SLACK
            wait_for("all its children to end", lambda: not processes_naming(site.folder(asked).parent), 2)
        meanwhile.close()
        site.mend(fetched)
        site.mend(merged)
        if away == "postgres":
            roles.postgres.stop()
            roles.postgres.start()
            roles.end_leases()
        else:
            assert code == 0, worker.log()
            assert [site.outcomes(title) for title in (fetched, merged)] == [["handed_back"], ["handed_back"]]
            assert [roles.title(title)["reason"] for title in (fetched, merged)] == ["queued", "queued"]
            assert files_below(site.folder(fetched)) == {f"{fetched} (2010) Bluray-1080p.mkv"}
        roles.flush_redis()
        with roles.worker(DOWNLOAD_CONCURRENCY="2"):
            site.expect_one_trailer(asked, fetched, merged)
            wait_for("all events", lambda: site.pending_events() == 0)
    assert site.outcomes(fetched) == ["lost" if away == "postgres" else "handed_back", "placed"]


def is_verifying(folder: Path) -> bool:
    """Say whether a child that works in this folder has loaded PyAV, which only the verification does."""
    for pid in processes_naming(folder):
        try:
            maps = Path(f"/proc/{pid}/maps").read_text()
        except OSError:
            continue
        if "/av/" in maps:
            return True
    return False
