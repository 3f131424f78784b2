"""One item's sync: claim, ask, write, look, decide, complete; and what becomes of every kind of failure."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import ArrItemError, ArrTimeout
from app.pipeline.connection_manager import SyncOutcome
from schemas.base import MonitorStatus, Reason
from tests.fakes import FakeArr, movie_item, put_movie_on_disk, put_series_on_disk, series_item
from tests.integration.conftest import Bench


async def test_an_imported_movie_is_stored_and_wanted(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
    title = await bench.title(7)
    assert title is not None
    assert (title.title, title.year, title.tmdb_id, title.youtube_trailer_id) == ("Sintel", 2010, 45007, "vid00000007")
    assert (title.status, title.reason) == (MonitorStatus.MONITORED, Reason.QUEUED)
    assert await bench.rows("SELECT state FROM event") == [("processed",)]
    assert (await bench.deps.wakeups.depths() or {})["download"] == 1


async def test_nothing_is_asked_without_a_request(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.NOTHING_DUE
    assert arr.asked == []


async def test_an_event_during_a_sync_gives_one_more_sync(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, gate=asyncio.Event())
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    manager = await bench.manager(connection)
    running = asyncio.create_task(manager.sync(7))
    await bench.until(lambda: bool(arr.asked))
    assert await manager.sync(7) is SyncOutcome.NOTHING_DUE
    await bench.event(connection, 7)
    arr.items[7]["title"] = "Sintel, renamed"
    assert arr.gate is not None
    arr.gate.set()
    assert await running is SyncOutcome.SYNCED
    assert [row[0] for row in await bench.rows("SELECT state FROM event ORDER BY id")] == ["processed", "pending"]
    assert await manager.sync(7) is SyncOutcome.NOTHING_DUE
    spacing = await bench.rows("SELECT next_at - now() BETWEEN interval '2 s' AND interval '3 s' FROM item_sync")
    assert spacing == [(True,)]
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    assert await manager.sync(7) is SyncOutcome.SYNCED
    title = await bench.title(7)
    assert title is not None
    assert title.title == "Sintel, renamed"
    assert [row[0] for row in await bench.rows("SELECT state FROM event ORDER BY id")] == ["processed", "processed"]


async def test_a_worker_that_lost_its_lease_writes_nothing(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, gate=asyncio.Event())
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    running = asyncio.create_task((await bench.manager(connection)).sync(7))
    await bench.until(lambda: bool(arr.asked))
    await bench.rows("UPDATE item_sync SET lease_token = lease_token + 1 RETURNING 1")
    assert arr.gate is not None
    arr.gate.set()
    outcome = await asyncio.gather(running, return_exceptions=True)
    assert type(outcome[0]).__name__ == "LeaseLost"
    assert await bench.title(7) is None
    assert await bench.rows("SELECT state FROM event") == [("pending",)]


async def test_a_failing_connection_pauses_and_burns_no_attempts(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, error=ArrTimeout("Radarr does not answer."))
    arr_ok = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr_ok)
    bench.arrs.arrs["http://radarr.example:7878"] = arr
    for _ in range(3):
        assert await bench.sync(connection, 7) in {SyncOutcome.CONNECTION_FAILED, SyncOutcome.NOTHING_DUE}
    assert await bench.rows("SELECT attempts, synced_seq, failed FROM item_sync") == [(0, 0, False)]
    ((down, failures, error),) = await bench.rows("SELECT down_since IS NOT NULL, failures, last_error FROM connection")
    assert (down, failures, error) == (True, 1, "Radarr does not answer.")
    bench.arrs.arrs["http://radarr.example:7878"] = arr_ok
    await bench.rows("UPDATE connection SET probe_at = now() RETURNING 1")
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
    assert await bench.rows("SELECT down_since, failures, last_error FROM connection") == [(None, 0, None)]
    assert {row[0] for row in await bench.rows("SELECT state FROM event")} == {"processed"}


async def test_a_failing_item_is_counted_and_fails_in_the_end(bench: Bench) -> None:
    arr = FakeArr(item_errors={7: ArrItemError("Radarr failed for this item: no such table.")})
    connection = await bench.connect(arr)
    assert await bench.sync(connection, 7) is SyncOutcome.ITEM_FAILED
    assert await bench.rows("SELECT attempts, failed, next_at > now() + interval '9 s' FROM item_sync") == [
        (1, False, True)
    ]
    await bench.rows("UPDATE item_sync SET attempts = 9, next_at = now() RETURNING 1")
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.ITEM_FAILED
    assert await bench.rows("SELECT failed FROM item_sync") == [(True,)]
    assert await bench.rows("SELECT state, error FROM event") == [
        ("failed", "Radarr failed for this item: no such table.")
    ]
    arr.item_errors.clear()
    arr.items[7] = movie_item(7, bench.root)
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED


async def test_an_item_that_is_gone_is_deleted_after_the_arr_is_asked_who_it_is(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    del arr.items[7]
    assert await bench.sync(connection, 7, "MovieDelete") is SyncOutcome.REMOVED
    assert await bench.title(7) is None
    assert {row[0] for row in await bench.rows("SELECT state FROM event")} == {"processed"}


async def test_deletions_that_no_event_announced_are_limited(bench: Bench) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, 11)})
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    for number in range(1, 6):
        del arr.items[number]
        assert await bench.sync(connection, number, "Rename") is SyncOutcome.REMOVED
    titles = await bench.titles()
    assert len(titles) == 7
    assert {title.title for title in titles.values() if title.reason is Reason.MISSING_IN_ARR} == {"Film 4", "Film 5"}


async def test_another_title_under_the_same_id_is_one_that_left_and_one_that_came(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    arr.items[7] = movie_item(7, bench.root, "Spring", tmdbId=593048)
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
    titles = await bench.titles()
    assert (titles["Spring"].arr_id, titles["Spring"].tmdb_id) == (7, 593048)
    assert titles["Sintel"].arr_id is None
    assert titles["Sintel"].missing_since is not None


async def test_the_same_title_under_another_id_keeps_its_row(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    before = await bench.title(7)
    arr.items = {12: movie_item(12, bench.root, tmdbId=45007)}
    await bench.sync(connection, 12)
    after = await bench.title(12)
    assert before is not None
    assert after is not None
    assert (after.id, await bench.title(7)) == (before.id, None)


async def test_a_series_waits_for_its_folder_and_looks_again(bench: Bench) -> None:
    item = series_item(3, bench.root)
    connection = await bench.connect(FakeArr("Sonarr", items={3: item}), "Sonarr")
    (bench.root / "another show").mkdir()
    await bench.sync(connection, 3)
    title = await bench.title(3)
    assert title is not None
    assert title.reason is Reason.WAITING_FOR_FOLDER
    again = await bench.rows("SELECT look_again_at - now() BETWEEN interval '1 s' AND interval '2 s' FROM item_sync")
    assert again == [(True,)]
    put_series_on_disk(item)
    await bench.sync(connection, 3)
    title = await bench.title(3)
    assert title is not None
    assert title.reason is Reason.QUEUED


async def test_a_trailer_on_disk_is_found_and_one_removed_by_a_person_stays_removed(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    foreign = folder / "Sintel (2010) Bluray-1080p-trailer.mkv"
    foreign.write_bytes(b"mine")
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED
    foreign.unlink()
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.TRAILER_REMOVED


@pytest.mark.parametrize("app_name", ["Radarr", "Sonarr"])
@pytest.mark.parametrize("new", [{"tmdbId": 4711}, {"imdbId": "tt4711"}, {"title": "Another", "runtime": 99}])
async def test_another_id_of_the_title_ends_its_back_off(bench: Bench, app_name: str, new: dict[str, object]) -> None:
    item = (movie_item if app_name == "Radarr" else series_item)(7, bench.root)
    arr = FakeArr(app_name, items={7: item})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    await bench.rows("UPDATE media SET tries = 3, retry_at = now() + interval '7 days', imdb_id = 'tt1' RETURNING 1")
    if app_name == "Radarr" and "tmdbId" in new:
        new = {"youTubeTrailerId": "another0001"}  # by its TMDB id it would be another movie
    arr.items[7] = {**item, "imdbId": "tt1", **new}
    await bench.sync(connection, 7)
    ends = "title" not in new
    assert await bench.rows("SELECT tries, retry_at IS NULL FROM media") == [(0 if ends else 3, ends)]


async def test_an_offline_share_keeps_what_was_known(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    trailer = folder / "Sintel (2010) Bluray-1080p-trailer.mp4"
    trailer.write_bytes(b"mine")
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    bench.root.rename(bench.root.with_name("unmounted"))
    bench.root.mkdir()
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED


async def test_pipelines_end_uncounted_when_the_worker_stops(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, gate=asyncio.Event())
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    running = asyncio.create_task((await bench.manager(connection)).sync(7))
    await bench.until(lambda: bool(arr.asked))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await bench.rows("SELECT attempts, lease_until, synced_seq FROM item_sync") == [(0, None, 0)]


async def test_the_names_of_tags_are_asked_for_where_a_policy_needs_them(bench: Bench) -> None:
    item = {**movie_item(7, bench.root), "tags": [4]}
    put_movie_on_disk(item)
    arr = FakeArr(items={7: item}, tags={4: "no-trailer"})
    connection = await bench.connect(arr)
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
    assert await bench.rows("SELECT tag_labels FROM connection") == [({},)]
    await bench.rows("""UPDATE connection SET policy = '{"skip_tags": ["No-Trailer"]}' RETURNING 1""")
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    assert await bench.sync(connection, 7) is SyncOutcome.SYNCED
    title = await bench.title(7)
    assert title is not None
    assert (title.reason, title.reason_detail) == (Reason.EXCLUDED_BY_POLICY, "It has the tag No-Trailer.")
    assert await bench.rows("SELECT tag_labels FROM connection") == [({"4": "no-trailer"},)]
