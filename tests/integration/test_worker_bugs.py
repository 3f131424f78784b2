"""A title or an item that kills its worker, or hits a bug, is counted and waits; all others go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.context import PlacedFile
from app.db import item_sync
from app.domain.records import Rank
from app.errors import StorageError
from app.files.library import DiskLibrary
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connection_manager import SyncOutcome
from app.pipeline.housekeeping import recover_lost_attempts
from schemas.base import FetchFailure, MonitorStatus, Reason, StorageProblem
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from workers.outcome import settled

END_LEASES = "UPDATE {} SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL RETURNING 1"
DIED = "The worker stopped, or lost the database, during the download."


async def wanted(bench: Bench, *titles: str) -> None:
    items = {number: movie_item(number, bench.root, title) for number, title in enumerate(titles, 1)}
    for item in items.values():
        put_movie_on_disk(item)
    await bench.refresh(await bench.connect(FakeArr(items=items)))


async def die_while_fetching(bench: Bench, title_id: int) -> None:
    """Leave what a worker leaves that was killed during a download: an attempt whose lease runs out."""
    await bench.rows(
        "INSERT INTO attempt (media_id, place, folder_path, rank, lease_until) SELECT id, folder_path, folder_path, 1, "
        f"now() - interval '1 s' FROM media WHERE id = {title_id} RETURNING 1"
    )
    await recover_lost_attempts(bench.deps)


async def test_the_first_try_after_a_worker_died_comes_at_once_and_later_ones_wait(bench: Bench) -> None:
    await wanted(bench, "Sintel")
    waits = []
    for _ in range(3):
        before = bench.deps.now()
        await die_while_fetching(bench, 1)
        title = await bench.title(1)
        assert title is not None
        assert title.next_try_at is not None
        waits.append(round((title.next_try_at - before) / timedelta(minutes=1)))
        assert (title.reason, title.reason_detail, title.last_failure) == (
            Reason.BACKING_OFF,
            DIED,
            FetchFailure.LOST,
        )
    assert waits == [0, 10, 60]
    assert await bench.rows("SELECT tries FROM media") == [(3,)]


async def test_a_title_whose_worker_died_once_is_fetched_by_the_next(bench: Bench) -> None:
    await wanted(bench, "Sintel")
    await die_while_fetching(bench, 1)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    title = await bench.title(1)
    assert title is not None
    assert (title.status, title.tries, title.last_failure) == (MonitorStatus.DOWNLOADED, 0, None)


async def test_an_attempt_that_cannot_be_ended_keeps_no_other(bench: Bench) -> None:
    await wanted(bench, "Sintel", "Spring")

    class Faulty(DiskLibrary):
        async def remove_work_dir(self, folder: Path, name: str) -> None:
            if "Sintel" in folder.name:
                raise RuntimeError("a bug")
            await super().remove_work_dir(folder, name)

    await bench.rows(
        "INSERT INTO attempt (media_id, place, folder_path, rank, lease_until) "
        "SELECT id, folder_path, folder_path, 1, now() - interval '1 s' FROM media RETURNING 1"
    )
    library = Faulty(None)
    with capture_logs() as log:
        await recover_lost_attempts(replace(bench.deps, library=library))
    library.close()
    assert [entry["folder"].rpartition("/")[2] for entry in log if entry.get("exc_info")] == ["Sintel (2010)"]
    unfinished = "SELECT m.title, a.lease_until > now() FROM attempt a JOIN media m ON m.id = a.media_id"
    assert await bench.rows(f"{unfinished} WHERE finished_at IS NULL") == [("Sintel", True)]


async def test_a_disk_that_does_not_answer_is_asked_again_for_what_was_placed(bench: Bench) -> None:
    await wanted(bench, "Sintel")
    await acquire(bench.deps, Rank.BACKFILL)
    await bench.rows("DELETE FROM trailer RETURNING 1")
    await bench.rows("UPDATE media SET trailer_exists = false RETURNING 1")
    await bench.rows("UPDATE attempt SET finished_at = NULL, lease_until = now() - interval '1 s' RETURNING 1")

    class Away(DiskLibrary):
        async def describe(self, path: Path) -> PlacedFile | None:
            raise StorageError("It hangs.", StorageProblem.UNREACHABLE)

    library = Away(None)
    await recover_lost_attempts(replace(bench.deps, library=library))
    library.close()
    assert await bench.rows("SELECT outcome FROM attempt WHERE finished_at IS NOT NULL") == []
    await bench.rows(END_LEASES.format("attempt"))
    await recover_lost_attempts(bench.deps)
    assert await bench.rows("SELECT count(*) FROM trailer") == [(1,)]


async def test_a_bug_in_a_download_is_logged_counted_and_told(bench: Bench) -> None:
    await wanted(bench, "Sintel", "Spring")
    bench.videos.failures["https://www.youtube.com/watch?v=vid00000001"] = RuntimeError("a bug")
    with capture_logs() as log, pytest.raises(RuntimeError):
        async with settled("acquire_trailer"):
            await acquire(bench.deps, Rank.BACKFILL)
    assert [entry["event"] for entry in log if entry.get("exc_info")] == ["failed unexpectedly"]
    title = await bench.title(1)
    assert title is not None
    assert (title.status, title.reason, title.tries) == (MonitorStatus.MONITORED, Reason.BACKING_OFF, 1)
    assert title.reason_detail == "Trailhook failed unexpectedly; its log has the details."
    assert title.next_try_at is not None
    assert title.next_try_at > bench.deps.now()
    await acquire(bench.deps, Rank.BACKFILL)
    assert (await bench.titles())["Spring"].status is MonitorStatus.DOWNLOADED


async def test_a_bug_in_a_sync_is_logged_counted_and_fails_in_the_end(bench: Bench) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in (1, 2)})
    arr.item_errors[1] = RuntimeError("a bug")
    connection = await bench.connect(arr)
    manager = await bench.manager(connection)
    await bench.event(connection, 1)
    await bench.event(connection, 2)
    for attempts in range(1, 11):
        with capture_logs() as log, pytest.raises(RuntimeError):
            async with settled("sync"):
                await manager.sync(1)
        assert [entry["event"] for entry in log if entry.get("exc_info")] == ["failed unexpectedly"]
        rows = "UPDATE item_sync SET next_at = now() WHERE arr_id = 1 RETURNING attempts, failed"
        assert await bench.rows(rows) == [(attempts, attempts == 10)]
    await manager.sync(2)
    assert await bench.rows("SELECT arr_id, state, error FROM event ORDER BY arr_id") == [
        (1, "failed", "Trailhook failed unexpectedly; its log has the details."),
        (2, "processed", None),
    ]


async def test_an_item_that_kills_its_worker_fails_in_the_end_and_a_new_event_revives_it(bench: Bench) -> None:
    connection = await bench.connect(arr := FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.event(connection, 7)
    manager = await bench.manager(connection)
    for _ in range(10):
        async with bench.deps.db.transaction() as tx:
            assert await item_sync.claim(tx, connection, 7) is not None
        await bench.rows(END_LEASES.format("item_sync"))
    assert await manager.sync(7) is SyncOutcome.ITEM_FAILED
    assert await bench.rows("SELECT state, error FROM event") == [
        ("failed", "The worker stopped at each try; its log may say why.")
    ]
    assert arr.asked == []
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
