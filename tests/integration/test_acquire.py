"""One trailer, once: claimed, fetched, placed in one step, recorded; and what becomes of every failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.context import FetchRequest, PlacedFile
from app.domain.policy import Policy
from app.domain.records import Rank
from app.domain.videos import FetchedTrailer, SearchHit
from app.errors import FetchError, StorageError
from app.files.library import DiskLibrary
from app.pipeline.acquire import AcquireOutcome, _fetch, acquire
from app.pipeline.housekeeping import recover_lost_attempts, sweep_work_dirs
from app.pipeline.media import download_now, update_media
from schemas.base import CandidateSource, FetchFailure, MonitorStatus, Reason, StorageProblem
from schemas.media import MediaUpdate
from tests.fakes import FakeArr, FakeVideos, movie_item, put_movie_on_disk, put_series_on_disk, series_item
from tests.integration.conftest import Bench

WATCH = "https://www.youtube.com/watch?v="


async def imported_movie(bench: Bench, arr_id: int = 7, title: str = "Sintel") -> Path:
    item = movie_item(arr_id, bench.root, title)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={arr_id: item}))
    await bench.sync(connection, arr_id)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


async def test_a_wanted_trailer_is_fetched_and_placed(bench: Bench) -> None:
    folder = await imported_movie(bench)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert names(folder) == {"Sintel (2010) Bluray-1080p.mkv", "Sintel (2010) Bluray-1080p-trailer.mp4"}
    title = await bench.title(7)
    assert title is not None
    assert (title.status, title.reason, title.trailer_exists) == (MonitorStatus.DOWNLOADED, None, True)
    assert bench.videos.fetched == [WATCH + "vid00000007"]
    recorded = await bench.rows("SELECT rel_path, video_id, source, media_id FROM trailer")
    assert recorded == [("Sintel (2010) Bluray-1080p-trailer.mp4", "vid00000007", "arr", title.id)]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE


GONE = FetchError("It is private.", FetchFailure.DEAD)
PERHAPS = FetchError("The video is not available.", FetchFailure.DEAD, certain=False)
LATER = "UPDATE media SET retry_at = now(), next_try_at = now() RETURNING 1"


async def try_again(bench: Bench, days: int = 0) -> AcquireOutcome:
    """Let time go by, and what is due be tried."""
    await bench.rows(f"UPDATE attempt SET finished_at = finished_at - interval '{days} days' RETURNING 1")
    await bench.rows(LATER)
    return await acquire(bench.deps, Rank.RETRY)


async def test_a_video_that_is_gone_is_not_fetched_again_unless_a_person_asks(bench: Bench) -> None:
    await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = GONE
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await try_again(bench) is AcquireOutcome.FAILED
    assert len(bench.videos.fetched) == 1
    title = await bench.title(7)
    assert title is not None
    assert "The videos that are known are gone" in (title.failure_text or "")
    bench.videos.failures.clear()
    assert await try_again(bench) is AcquireOutcome.FAILED
    await download_now(bench.deps, title.id)
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED


async def test_a_video_that_is_unavailable_is_gone_a_day_later(bench: Bench) -> None:
    await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = PERHAPS
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    for days, fetched in ((0, 2), (1, 3), (1, 3)):
        assert await try_again(bench, days) is AcquireOutcome.FAILED
        assert len(bench.videos.fetched) == fetched


async def test_a_work_directory_that_the_disk_kept_is_removed_later(bench: Bench) -> None:
    class Keeping(DiskLibrary):
        keeps = True

        async def remove_work_dir(self, folder: Path, name: str) -> None:
            if self.keeps:
                message = "It cannot be removed."
                raise StorageError(message, StorageProblem.NOT_WRITABLE)
            await super().remove_work_dir(folder, name)

    library = Keeping()
    bench.deps = replace(bench.deps, library=library)
    folder = await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = GONE
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    for keeps, left in ((True, 1), (False, 0)):
        library.keeps = keeps
        await sweep_work_dirs(bench.deps)
        assert len([name for name in names(folder) if name.startswith(".trailhook-")]) == left
    assert await bench.rows("SELECT work_dir_left FROM attempt") == [(False,)]
    library.close()


async def test_two_workers_run_one_download(bench: Bench) -> None:
    await imported_movie(bench)
    bench.videos.gate = asyncio.Event()
    both = [asyncio.create_task(acquire(bench.deps, Rank.BACKFILL)) for _ in range(2)]
    await bench.until(lambda: any(task.done() for task in both))
    bench.videos.gate.set()
    assert sorted(await asyncio.gather(*both)) == [AcquireOutcome.NOTHING_DUE, AcquireOutcome.PLACED]
    assert len(bench.videos.fetched) == 1


async def test_two_connections_on_one_folder_share_one_trailer(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    for name in ("Radarr", "Radarr-4K"):
        connection = await bench.connect(FakeArr(items={7: item}), name)
        await bench.sync(connection, 7)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FOUND
    assert len(bench.videos.fetched) == 1
    assert len(names(folder)) == 2
    assert await bench.rows("SELECT DISTINCT status FROM media") == [("downloaded",)]


async def test_a_trailer_that_came_meanwhile_ends_the_attempt(bench: Bench) -> None:
    folder = await imported_movie(bench)
    (folder / "Sintel (2010) Bluray-1080p-trailer.mkv").write_bytes(b"a person's")
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FOUND
    assert bench.videos.fetched == []
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED


async def test_a_dead_video_leads_to_the_search(bench: Bench) -> None:
    await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = FetchError("The video is private.", FetchFailure.DEAD)
    bench.videos.hits = [
        SearchHit("wrong000000", "Sintel review (2010)", None, 100, is_live=False),
        SearchHit("right000000", "Sintel - Official Trailer (2010)", None, 100, is_live=False),
    ]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert bench.videos.fetched == [WATCH + "vid00000007", WATCH + "right000000"]
    assert await bench.rows("SELECT source, video_id FROM trailer") == [(CandidateSource.SEARCH, "right000000")]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (FetchFailure.DEAD, Reason.NO_CANDIDATE),
        (FetchFailure.NEEDS_COOKIES, Reason.NEEDS_COOKIES),
        (FetchFailure.TRANSIENT, Reason.BACKING_OFF),
        (FetchFailure.UNKNOWN, Reason.BACKING_OFF),
    ],
)
async def test_a_failure_is_kept_with_its_reason_and_leaves_nothing(
    bench: Bench, failure: FetchFailure, reason: Reason
) -> None:
    folder = await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = FetchError("Why it failed.", failure)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    title = await bench.title(7)
    assert title is not None
    assert (title.status, title.reason) == (MonitorStatus.MONITORED, reason)
    assert title.next_try_at is not None
    assert names(folder) == {"Sintel (2010) Bluray-1080p.mkv"}
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    assert await bench.rows("SELECT outcome, failure, text IS NOT NULL FROM attempt") == [("failed", failure, True)]


async def test_a_stopping_worker_hands_back_uncounted(bench: Bench) -> None:
    folder = await imported_movie(bench)
    bench.videos.gate = asyncio.Event()
    running = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: bool(bench.videos.fetched))
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADING
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    title = await bench.title(7)
    assert title is not None
    assert (title.reason, title.tries) == (Reason.QUEUED, 0)
    assert names(folder) == {"Sintel (2010) Bluray-1080p.mkv"}
    bench.videos.gate.set()
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED


async def test_a_bug_is_counted_so_that_it_cannot_loop(bench: Bench) -> None:
    await imported_movie(bench)
    bench.videos.failures[WATCH + "vid00000007"] = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        await acquire(bench.deps, Rank.BACKFILL)
    title = await bench.title(7)
    assert title is not None
    assert (title.tries, title.last_failure) == (1, FetchFailure.UNKNOWN)


async def test_a_crash_while_fetching_is_taken_up_again(bench: Bench) -> None:
    folder = await imported_movie(bench)
    title = await bench.title(7)
    assert title is not None
    place = folder
    await bench.rows(
        "INSERT INTO attempt (media_id, place, folder_path, rank, lease_until) "
        f"VALUES ({title.id}, '{place}', '{place}', 1, now() - interval '1 s') RETURNING 1"
    )
    work = folder / ".trailhook-1"
    work.mkdir()
    (work / "video.mp4.part").write_bytes(b"half")
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    await recover_lost_attempts(bench.deps)
    assert not work.exists()
    title = await bench.title(7)
    assert title is not None
    assert (title.reason, title.tries) == (Reason.BACKING_OFF, 1)


async def test_a_crash_between_placing_and_recording_is_recognised(bench: Bench) -> None:
    folder = await imported_movie(bench)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    await bench.rows("DELETE FROM trailer RETURNING 1")
    await bench.rows("UPDATE media SET trailer_exists = false, status = 'downloading' RETURNING 1")
    await bench.rows(
        "UPDATE attempt SET finished_at = NULL, outcome = NULL, lease_until = now() - interval '1 s' RETURNING 1"
    )
    await recover_lost_attempts(bench.deps)
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED
    assert await bench.rows("SELECT rel_path FROM trailer") == [("Sintel (2010) Bluray-1080p-trailer.mp4",)]
    assert len(names(folder)) == 2
    assert len(bench.videos.fetched) == 1


async def test_people_come_before_events_and_events_before_back_fill(bench: Bench) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in (1, 2, 3)})
    for item in arr.items.values():
        put_movie_on_disk(item)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    await bench.sync(connection, 2)
    title = await bench.title(3)
    assert title is not None
    await update_media(bench.deps, title.id, MediaUpdate(trailer_url="chosen00000"))
    for _ in range(2):
        await acquire(bench.deps, Rank.RETRY)
    assert await acquire(bench.deps, Rank.RETRY) is AcquireOutcome.NOTHING_DUE
    await acquire(bench.deps, Rank.BACKFILL)
    assert bench.videos.fetched == [WATCH + "chosen00000", WATCH + "vid00000002", WATCH + "vid00000001"]


async def test_a_series_gets_its_trailer_by_search_or_by_a_person(bench: Bench) -> None:
    item = series_item(3, bench.root)
    folder = put_series_on_disk(item)
    connection = await bench.connect(FakeArr("Sonarr", items={3: item}), "Sonarr")
    await bench.sync(connection, 3)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    title = await bench.title(3)
    assert title is not None
    assert title.reason is Reason.NO_CANDIDATE
    await update_media(bench.deps, title.id, MediaUpdate(trailer_url="https://youtu.be/chosen00000"))
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    assert "Trailers/Pioneer One (2010)-trailer.mp4" in names(folder)


async def test_a_folder_that_vanished_charges_the_storage(bench: Bench) -> None:
    folder = await imported_movie(bench)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink()
    folder.rmdir()
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    title = await bench.title(7)
    assert title is not None
    assert title.last_failure is FetchFailure.STORAGE
    assert not folder.exists()


async def test_a_fetched_file_that_vanished_charges_the_storage(bench: Bench) -> None:
    """Its folder went away between the last byte and the placing."""

    class Vanishing(FakeVideos):
        async def fetch(self, request: FetchRequest, progress: Callable[[float | None], None]) -> FetchedTrailer:
            fetched = await super().fetch(request, progress)
            fetched.path.unlink()
            return fetched

    await imported_movie(bench)
    bench.deps = replace(bench.deps, videos=Vanishing())
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await bench.rows("SELECT failure FROM attempt") == [(FetchFailure.STORAGE,)]


async def test_pins_beat_the_rule_until_they_are_taken_back(bench: Bench) -> None:
    await imported_movie(bench)
    title = await bench.title(7)
    assert title is not None
    pinned = await update_media(bench.deps, title.id, MediaUpdate(monitor=False))
    assert (pinned.monitor, pinned.monitor_pinned, pinned.reason) == (False, True, Reason.NOT_MONITORED)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    freed = await update_media(bench.deps, title.id, MediaUpdate(monitor=None))
    assert (freed.monitor, freed.monitor_pinned, freed.reason) == (True, False, Reason.QUEUED)


async def test_titles_that_share_a_folder_keep_their_trailers_apart(bench: Bench) -> None:
    items = {
        number: movie_item(number, bench.root, name, path=f"{bench.root}/flat")
        for number, name in ((1, "Sintel"), (2, "Spring"))
    }
    for item in items.values():
        folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items=items))
    await bench.refresh(connection)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    await bench.refresh(connection)
    statuses = {name: title.status for name, title in (await bench.titles()).items()}
    assert sorted(statuses.values()) == [MonitorStatus.DOWNLOADED, MonitorStatus.MONITORED]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    trailers = {name for name in names(folder) if "trailer" in name}
    assert trailers == {"Sintel (2010) Bluray-1080p-trailer.mp4", "Spring (2010) Bluray-1080p-trailer.mp4"}


async def test_a_choice_made_during_a_download_is_fetched_next(bench: Bench) -> None:
    folder = await imported_movie(bench)
    bench.videos.gate = asyncio.Event()
    running = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: bool(bench.videos.fetched))
    title = await bench.title(7)
    assert title is not None
    await update_media(bench.deps, title.id, MediaUpdate(trailer_url="chosen00000"))
    bench.videos.gate.set()
    assert await running is AcquireOutcome.HANDED_BACK
    assert names(folder) == {"Sintel (2010) Bluray-1080p.mkv"}
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    assert await bench.rows("SELECT video_id FROM trailer") == [("chosen00000",)]


async def test_a_title_that_leaves_during_its_download_gets_no_file(bench: Bench) -> None:
    folder = await imported_movie(bench)
    bench.videos.gate = asyncio.Event()
    running = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: bool(bench.videos.fetched))
    await bench.rows("DELETE FROM media RETURNING 1")
    bench.videos.gate.set()
    assert await running is AcquireOutcome.HANDED_BACK
    assert names(folder) == {"Sintel (2010) Bluray-1080p.mkv"}


async def test_a_stop_while_placing_still_records_what_was_placed(bench: Bench) -> None:
    folder = await imported_movie(bench)
    reached, go_on = asyncio.Event(), asyncio.Event()

    class SlowToPlace(DiskLibrary):
        async def place(self, source: Path, folder: Path, rel_path: str) -> PlacedFile:
            placed = await super().place(source, folder, rel_path)
            reached.set()
            await go_on.wait()
            return placed

    library = SlowToPlace(None)
    running = asyncio.create_task(acquire(replace(bench.deps, library=library), Rank.BACKFILL))
    await asyncio.wait_for(reached.wait(), 10)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(running, return_exceptions=True)
    library.close()
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED
    assert await bench.rows("SELECT rel_path FROM trailer") == [("Sintel (2010) Bluray-1080p-trailer.mp4",)]
    assert len(names(folder)) == 2


async def test_a_recognised_trailer_leaves_no_work_directory(bench: Bench) -> None:
    folder = await imported_movie(bench)
    await acquire(bench.deps, Rank.BACKFILL)
    (folder / ".trailhook-1").mkdir()
    await bench.rows("UPDATE attempt SET finished_at = NULL, lease_until = now() - interval '1 s' RETURNING 1")
    await recover_lost_attempts(bench.deps)
    assert not (folder / ".trailhook-1").exists()


async def test_a_persons_request_outlives_the_next_look(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    await acquire(bench.deps, Rank.BACKFILL)
    (folder / "Sintel (2010) Bluray-1080p-trailer.mp4").unlink()
    await bench.refresh(connection)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.TRAILER_REMOVED
    await update_media(bench.deps, title.id, MediaUpdate(trailer_url="chosen00000"))
    bench.videos.failures[WATCH + "chosen00000"] = FetchError("Busy.", FetchFailure.TRANSIENT)
    await acquire(bench.deps, Rank.PERSON)
    await bench.refresh(connection)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.BACKING_OFF


async def test_two_series_in_one_folder_keep_their_trailers(bench: Bench) -> None:
    items = {
        number: series_item(number, bench.root, name, path=f"{bench.root}/both")
        for number, name in ((1, "Pioneer One"), (2, "Caminandes"))
    }
    for item in items.values():
        put_series_on_disk(item)
    connection = await bench.connect(FakeArr("Sonarr", items=items), "Sonarr")
    await bench.refresh(connection)
    for title in (await bench.titles()).values():
        await update_media(bench.deps, title.id, MediaUpdate(trailer_url=f"chosen{title.id:05d}"))
    assert {await acquire(bench.deps, Rank.PERSON) for _ in range(2)} == {AcquireOutcome.PLACED}
    await bench.refresh(connection)
    assert {title.status for title in (await bench.titles()).values()} == {MonitorStatus.DOWNLOADED}


async def test_the_work_directory_goes_before_the_attempt_ends(bench: Bench) -> None:
    await imported_movie(bench)
    unfinished: list[int] = []

    class Watched(DiskLibrary):
        async def remove_work_dir(self, folder: Path, name: str) -> None:
            await super().remove_work_dir(folder, name)
            unfinished.append(len(await bench.rows("SELECT 1 FROM attempt WHERE finished_at IS NULL")))

    library = Watched(None)
    assert await acquire(replace(bench.deps, library=library), Rank.BACKFILL) is AcquireOutcome.PLACED
    library.close()
    assert unfinished[0] == 1


class Quick(FakeVideos):
    """Each fetch ends at another moment of the first report."""

    async def fetch(self, request: FetchRequest, progress: Callable[[float | None], None]) -> FetchedTrailer:
        await asyncio.sleep(random.uniform(0, 0.004))
        return await super().fetch(request, progress)


async def test_what_reports_progress_always_ends(bench: Bench) -> None:
    """Redis's client swallows some cancellations before Python 3.12; a download must not wait for ever then."""
    deps = replace(bench.deps, videos=Quick())
    request = FetchRequest(WATCH + "vid00000007", bench.root, Policy())
    for _ in range(100):
        async with asyncio.timeout(10):
            await _fetch(deps, 1, request)
