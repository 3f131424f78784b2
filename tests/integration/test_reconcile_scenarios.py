"""What can happen to a library between two reconciliations, with a Radarr on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.arr.factory import ArrFactory
from app.db import runs
from app.domain.records import Rank
from app.http import ArrPatience, HttpClients
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connections import add_connection, change_connection
from app.pipeline.housekeeping import request_what_is_due
from app.pipeline.media import update_media
from app.pipeline.refresh import BATCH
from schemas.base import MonitorStatus, Reason, RunOutcome, RunTrigger
from schemas.connection import ConnectionCreate, ConnectionUpdate
from schemas.media import MediaUpdate
from schemas.run import RunRead
from tests.integration.conftest import Bench
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.simulators.faults import Fault

TITLES = 10
LOST = "UPDATE run SET lease_until = now() - interval '1 s' WHERE finished_at IS NULL AND started_at IS NOT NULL"


@dataclass
class World:
    """A Radarr with ten imported movies, every second with its trailer, reconciled once."""

    bench: Bench
    radarr: ArrSimulator
    connection: int

    async def refresh(self, *, accept: bool = False) -> RunRead:
        return await self.bench.refresh(self.connection, accept=accept)

    async def state(self) -> dict[str, tuple[MonitorStatus, Reason | None]]:
        return {title: (one.status, one.reason) for title, one in (await self.bench.titles()).items()}

    async def downloads_nothing(self) -> None:
        """Let workers look for something to fetch that nobody asked for."""
        assert await acquire(self.bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
        assert self.bench.videos.fetched == []

    async def count(self) -> tuple[int, int]:
        """Give how many titles there are and how many count as missing in the Arr."""
        ((total, missing),) = await self.bench.rows("SELECT count(*), count(missing_since) FROM media")
        return total, missing


@pytest.fixture
async def world(bench: Bench) -> AsyncIterator[World]:
    with ArrSimulator("Radarr", bench.root) as radarr:
        for number in range(1, TITLES + 1):
            folder = radarr.import_file(radarr.add(f"Film {number}", 2010, youtube_trailer_id=f"vid{number:08d}"))
            if number % 2:
                (folder / "Film-trailer.mp4").write_bytes(b"somebody's trailer")
        async with HttpClients("test") as clients:
            deps = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())))
            new = {"arr_type": "radarr", "url": radarr.url, "api_key": radarr.api_key, "register_webhook": False}
            connection = (await add_connection(deps, ConnectionCreate.model_validate(new))).connection.id
            made = World(replace(bench, deps=deps), radarr, connection)
            assert (await made.refresh()).created == TITLES
            yield made


def ids(world: World) -> list[int]:
    return sorted(world.radarr.items)


# The Arr fails


def _list_fault(status: int, body: str, content_type: str = "application/json") -> Fault:
    return Fault(status, body, content_type, path="/movie")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.unauthorized(), "API key"),
        (faults.server_error(), "500"),
        (faults.server_error("/movie"), "500"),
        (faults.login_page("/movie"), "no JSON"),
        (faults.proxy_page(502, "/movie"), "502"),
        (faults.starting_up("Radarr"), "starting"),
        (faults.cut("/movie"), ""),
        (faults.cut("/movie", chunked=True), ""),
        (faults.other_app("Lidarr"), "Lidarr"),
        (_list_fault(200, '{"message": "database is locked"}'), "single object"),
        (_list_fault(200, '[{"id": 1, "title": "x"},]'), "no object"),
        (_list_fault(200, '[{"id": 1, "title": "x"}] more'), "after its elements"),
        (_list_fault(200, "[" + json.dumps({"id": 1, "overview": "x" * 4 * 1024 * 1024}) + "]"), "too large"),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
async def test_a_failing_arr_ends_the_run_with_its_reason(world: World, fault: Fault, words: str) -> None:
    for gone in ids(world)[:2]:
        world.radarr.delete(gone)
    world.radarr.fault = fault
    run = await world.refresh()
    assert (run.outcome, run.deleted, run.held_deletions) == (RunOutcome.FAILED, 0, 0)
    assert words in (run.error or "")
    assert await world.count() == (TITLES, 0)
    world.radarr.fault = None
    again = await world.refresh()
    assert (again.outcome, again.deleted, again.unchanged) == (RunOutcome.COMPLETED, 2, TITLES - 2)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_long_list_that_is_cut_keeps_what_it_wrote_and_deletes_nothing(world: World, chunked: bool) -> None:
    for gone in ids(world)[:2]:
        world.radarr.delete(gone)
    for number in range(5 * BATCH // 2):
        world.radarr.add(f"Many {number}", 2011)
    world.radarr.fault = faults.cut("/movie", chunked=chunked, part=0.9)
    run = await world.refresh()
    assert (run.outcome, run.deleted, run.held_deletions) == (RunOutcome.FAILED, 0, 0)
    assert run.error
    assert 2 * BATCH - TITLES <= run.created <= run.fetched < len(world.radarr.items)
    assert await world.count() == (TITLES + run.created, 0)
    world.radarr.fault = None
    again = await world.refresh()
    assert (again.outcome, again.deleted) == (RunOutcome.COMPLETED, 2)
    assert await world.count() == (len(world.radarr.items), 0)


async def test_an_arr_that_is_down_or_slow(world: World) -> None:
    world.radarr.fault = faults.slow(0.3)
    assert (await world.refresh()).outcome is RunOutcome.COMPLETED
    world.radarr.fault = None
    world.radarr.__exit__(None, None, None)  # once more at the end does no harm
    run = await world.refresh()
    assert (run.outcome, await world.count()) == (RunOutcome.FAILED, (TITLES, 0))
    assert "Nothing listens" in (run.error or "")


@pytest.mark.parametrize("packed", [False, True], ids=["bom", "gzip"])
async def test_a_byte_order_mark_and_gzip_are_no_faults(world: World, packed: bool) -> None:
    body = json.dumps(list(world.radarr.items.values()))
    marked = body if packed else "\ufeff" + body
    fault = _Packed(200, marked, path="/movie") if packed else _list_fault(200, marked)
    world.radarr.fault = fault
    run = await world.refresh()
    assert (run.outcome, run.unchanged) == (RunOutcome.COMPLETED, TITLES)


class _Packed(Fault):
    """A body in gzip."""

    __slots__ = ()

    async def answer(self, truth: Any, scope: Any, receive: Any, send: Any, on: Any) -> None:
        packed = gzip.compress(self.body.encode())
        headers = [(b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": packed})


# The library changes


@pytest.mark.parametrize(
    ("gone", "outcome", "deleted"),
    [
        (1, RunOutcome.COMPLETED, 1),
        (3, RunOutcome.COMPLETED, 3),
        (4, RunOutcome.HELD, 0),
        (5, RunOutcome.HELD, 0),
        (10, RunOutcome.HELD, 0),
    ],
)
async def test_a_library_that_shrinks(world: World, gone: int, outcome: RunOutcome, deleted: int) -> None:
    await world.bench.rows(f"UPDATE media SET monitor_pinned = true, monitor = false WHERE arr_id > {gone} RETURNING 1")
    for number in ids(world)[gone:]:
        world.radarr.edit(number, overview="Decided anew, by its pin")
    await world.refresh()
    wanted = await world.bench.rows("SELECT arr_id FROM media WHERE due_rank IS NOT NULL ORDER BY arr_id")
    assert wanted == [(number,) for number in ids(world)[1:gone:2]]
    for number in ids(world)[:gone]:
        world.radarr.delete(number)
    run = await world.refresh()
    assert (run.outcome, run.deleted) == (outcome, deleted)
    held = gone - deleted
    assert run.held_deletions == held
    assert await world.count() == (TITLES - deleted, held)
    await world.downloads_nothing()
    if held:
        accepted = await world.refresh(accept=True)
        assert (accepted.outcome, accepted.deleted) == (RunOutcome.COMPLETED, gone)


async def test_what_was_held_can_be_accepted_after_a_run_that_failed(world: World) -> None:
    for number in ids(world)[:5]:
        world.radarr.delete(number)
    assert (await world.refresh()).outcome is RunOutcome.HELD
    world.radarr.fault = faults.server_error("/movie")
    assert (await world.refresh()).outcome is RunOutcome.FAILED
    world.radarr.fault = None
    assert (await world.refresh(accept=True)).deleted == 5


async def test_an_acceptance_is_for_exactly_what_was_held(world: World) -> None:
    for number in ids(world)[:5]:
        world.radarr.delete(number)
    assert (await world.refresh()).held_deletions == 5
    async with world.bench.deps.db.transaction() as tx:
        accepted = await runs.last_held(tx, world.connection)
        run_id = await runs.request(tx, world.connection, RunTrigger.MANUAL, accepted=accepted or ())
    for number in ids(world)[:4]:
        world.radarr.delete(number)
    async with world.bench.deps.db.transaction() as tx:
        held = await runs.claim(tx, run_id)
    assert held is not None
    await (await world.bench.manager(world.connection)).refresh(held)
    assert await world.count() == (TITLES, 9)


async def test_another_instance_of_the_same_app(world: World) -> None:
    strangers = {
        number: {
            **item,
            "title": f"Other {number}",
            "tmdbId": 900_000 + number,
            "path": f"{world.bench.root}/O {number}",
        }
        for number, item in world.radarr.items.items()
    }
    world.radarr.items.clear()
    world.radarr.items.update(strangers)
    run = await world.refresh()
    assert (run.outcome, run.created, run.deleted) == (RunOutcome.HELD, TITLES, 0)
    assert await world.count() == (2 * TITLES, TITLES)


async def test_ids_shuffled_by_a_rebuild_keep_pins_and_trailers(world: World) -> None:
    before = {title: one.id for title, one in (await world.bench.titles()).items()}
    await update_media(world.bench.deps, before["Film 2"], MediaUpdate(monitor=False))
    assert await acquire(world.bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    owned = await world.bench.rows("SELECT media_id, rel_path FROM trailer")
    shuffled = {TITLES + 1 - number: {**item, "id": TITLES + 1 - number} for number, item in world.radarr.items.items()}
    world.radarr.items.clear()
    world.radarr.items.update(shuffled)
    run = await world.refresh()
    assert (run.outcome, run.created, run.updated, run.deleted) == (RunOutcome.COMPLETED, 0, TITLES, 0)
    after = await world.bench.titles()
    assert {title: one.id for title, one in after.items()} == before
    assert (after["Film 2"].monitor, after["Film 2"].monitor_pinned) == (False, True)
    assert await world.bench.rows("SELECT media_id, rel_path FROM trailer") == owned
    assert (await world.refresh()).unchanged == TITLES


@pytest.mark.parametrize(("tmdb_id", "deleted"), [("as it was", 1), (None, 0), ("text", 0)])
async def test_an_item_that_cannot_be_parsed_keeps_its_row_through_a_rebuild(
    world: World, tmdb_id: str | None, deleted: int
) -> None:
    rebuilt = {100 + number: {**item, "id": 100 + number} for number, item in world.radarr.items.items()}
    unlisted = rebuilt.popitem()[1]
    damaged = rebuilt[101]
    damaged |= {"path": None} if tmdb_id == "as it was" else {"path": None, "tmdbId": tmdb_id}
    world.radarr.items.clear()
    world.radarr.items.update(rebuilt)
    run = await world.refresh()
    assert (run.outcome, run.deleted, len(run.skipped_items)) == (RunOutcome.COMPLETED, deleted, 1)
    titles = await world.bench.titles()
    assert damaged["title"] in titles
    assert (unlisted["title"] in titles) is not bool(deleted)


async def test_a_changed_path_mapping_moves_all_titles(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    world.bench.root.rename(elsewhere)
    mapping = [{"path_from": str(world.bench.root), "path_to": str(elsewhere)}]
    changes = ConnectionUpdate.model_validate({"path_mappings": mapping})
    before = await world.state()
    await change_connection(world.bench.deps, world.connection, changes)
    run = await world.refresh()
    assert (run.outcome, run.updated) == (RunOutcome.COMPLETED, TITLES)
    assert await world.state() == before
    folders = await world.bench.rows("SELECT DISTINCT root_path FROM media")
    assert folders == [(str(elsewhere),)]


# Bad items


@pytest.mark.parametrize(
    ("changes", "skipped"),
    [
        ({"year": None}, False),
        ({"id": "three"}, True),
        ({"path": "/"}, False),
        ({"path": ""}, True),
        ({"path": "ROOT"}, False),
        ({"title": "T\x00" * 2500}, False),
        ({"tmdbId": 2**40}, True),
        ({"path": None}, True),
        ({"tags": "all"}, True),
    ],
    ids=["no-year", "text-id", "path-slash", "no-path", "path-root", "nul", "large-id", "null-path", "tags"],
)
async def test_one_bad_item_is_one_bad_item(world: World, changes: dict[str, Any], skipped: bool) -> None:
    world.radarr.edit(3, **{key: str(world.bench.root) if value == "ROOT" else value for key, value in changes.items()})
    world.radarr.edit(4, title="Film four")
    run = await world.refresh()
    assert (run.outcome, run.fetched, run.deleted) == (RunOutcome.COMPLETED, TITLES, 0)
    assert len(run.skipped_items) == int(skipped)
    titles = await world.bench.titles()
    assert len(titles) == TITLES
    assert "Film four" in titles
    due = await world.bench.rows("SELECT title FROM media WHERE due_rank IS NOT NULL AND folder_path IS NULL")
    assert due == []


async def test_two_items_with_one_tmdb_id_or_one_path(world: World) -> None:
    one, two, three = ids(world)[:3]
    world.radarr.edit(two, tmdbId=world.radarr.items[one]["tmdbId"])
    world.radarr.edit(three, path=world.radarr.items[one]["path"])
    for deleted in (1, 0, 0):  # the title that the second item was has left
        run = await world.refresh()
        assert (run.outcome, run.deleted) == (RunOutcome.COMPLETED, deleted)
        (twin,) = run.skipped_items
        assert twin.arr_id == two
        assert f"lists movie {one} and movie {two} as one title (TMDB id " in twin.error
    assert await world.count() == (TITLES - 1, 0)


async def test_one_bad_item_among_a_thousand(world: World) -> None:
    for number in range(990):
        world.radarr.add(f"Many {number}", 2011)
    world.radarr.edit(500, path=7)
    run = await world.refresh()
    assert (run.outcome, run.fetched, run.created) == (RunOutcome.COMPLETED, 1000, 989)
    assert [item.arr_id for item in run.skipped_items] == [500]


# The disk


async def test_a_share_that_goes_away_and_comes_back_starts_no_download(world: World, tmp_path: Path) -> None:
    await world.bench.rows(
        "UPDATE media SET monitor_pinned = true, monitor = false WHERE NOT trailer_exists RETURNING 1"
    )
    await world.refresh()
    before = await world.state()
    away = tmp_path / "away"
    world.bench.root.rename(away)
    for empty in (False, True):
        if empty:
            world.bench.root.mkdir()
        assert (await world.refresh()).outcome is RunOutcome.COMPLETED
        assert {state for state, _ in (await world.state()).values()} == {state for state, _ in before.values()}
        await world.downloads_nothing()
    world.bench.root.rmdir()
    away.rename(world.bench.root)
    await world.refresh()
    assert await world.state() == before
    await world.downloads_nothing()


async def test_a_pool_that_lost_one_disk_starts_no_download(world: World) -> None:
    await world.bench.rows(
        "UPDATE media SET monitor_pinned = true, monitor = false WHERE NOT trailer_exists RETURNING 1"
    )
    for number in (1, 3):
        folder = world.radarr.folder(number)
        shutil.rmtree(folder)
        if number == 1:
            folder.mkdir()
    await world.refresh()
    assert all(one.trailer_exists for one in (await world.bench.titles()).values() if one.monitor)
    await world.downloads_nothing()


async def test_a_trailer_that_a_person_deletes_is_not_fetched_again(world: World) -> None:
    await world.bench.rows(
        "UPDATE media SET monitor = false, monitor_pinned = true WHERE title <> 'Film 2' RETURNING 1"
    )
    assert await acquire(world.bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    await world.refresh()
    (placed,) = world.radarr.folder(2).glob("*-trailer.mp4")
    placed.unlink()
    world.bench.videos.fetched.clear()
    await world.refresh()
    assert (await world.bench.titles())["Film 2"].reason is Reason.TRAILER_REMOVED
    await world.downloads_nothing()


async def test_a_download_that_ends_during_a_refresh_stays_downloaded(world: World) -> None:
    await world.bench.rows(
        "UPDATE media SET monitor = false, monitor_pinned = true WHERE title <> 'Film 2' RETURNING 1"
    )
    world.radarr.edit(2, overview="Another text")
    world.bench.videos.gate = asyncio.Event()
    download = asyncio.create_task(acquire(world.bench.deps, Rank.BACKFILL))
    await world.bench.until(lambda: bool(world.bench.videos.fetched))
    world.radarr.fault = faults.slow(0.3, "/movie")
    refresh = asyncio.create_task(world.refresh())
    world.bench.videos.gate.set()
    assert await download is AcquireOutcome.PLACED
    assert (await refresh).outcome is RunOutcome.COMPLETED
    assert (await world.bench.titles())["Film 2"].status is MonitorStatus.DOWNLOADED
    assert len(world.bench.videos.fetched) == 1


# Who and when


async def test_of_several_workers_one_gets_the_run(world: World) -> None:
    async def claim(run_id: int) -> bool:
        async with world.bench.deps.db.transaction() as tx:
            return await runs.claim(tx, run_id) is not None

    async with world.bench.deps.db.transaction() as tx:
        run_id = await runs.request(tx, world.connection, RunTrigger.MANUAL)
    assert sum(await asyncio.gather(*(claim(run_id) for _ in range(5)))) == 1
    async with world.bench.deps.db.transaction() as tx:
        waiting = await runs.request(tx, world.connection, RunTrigger.MANUAL)
    assert not await claim(waiting)


async def test_a_dead_holder_is_replaced_but_not_for_ever(world: World) -> None:
    async with world.bench.deps.db.transaction() as tx:
        run_id = await runs.request(tx, world.connection, RunTrigger.SCHEDULE, accepted=[7])
    for _ in range(runs.LOST_IN_A_ROW):
        async with world.bench.deps.db.transaction() as tx:
            (waiting,) = await runs.list_waiting(tx, 5)
            held = await runs.claim(tx, waiting.id)
        assert held is not None
        assert held.accepted_ids == {7}
        assert held.id >= run_id
        await world.bench.rows(f"{LOST} RETURNING 1")
        await request_what_is_due(world.bench.deps)
    async with world.bench.deps.db.transaction() as tx:
        assert await runs.list_waiting(tx, 5) == []
        await runs.request(tx, world.connection, RunTrigger.SCHEDULE)
    await world.bench.rows("UPDATE run SET finished_at = now() - interval '61 min' WHERE lost RETURNING 1")
    async with world.bench.deps.db.transaction() as tx:
        assert len(await runs.list_waiting(tx, 5)) == 1


async def test_a_person_may_try_a_list_that_kills_workers(world: World) -> None:
    await world.bench.rows(
        "INSERT INTO run (connection_id, trigger, outcome, lost, started_at, finished_at)"
        f" SELECT {world.connection}, 'schedule', 'failed', true, now(), now() FROM generate_series(1, 3) RETURNING 1"
    )
    async with world.bench.deps.db.transaction() as tx:
        await runs.request(tx, world.connection, RunTrigger.MANUAL)
        assert len(await runs.list_waiting(tx, 5)) == 1


async def test_runs_are_spread_over_the_interval(bench: Bench) -> None:
    for number in range(4):
        await bench.rows(
            "INSERT INTO connection (name, slug, arr_type, url, api_key, monitor_type, path_mappings, policy,"
            f" webhook_password, webhook_password_sha256) VALUES ('{number}', '{number}', 'radarr', '', '', 'missing',"
            " '[]', '{}', '', '') RETURNING 1"
        )
    due = set()
    for minutes in range(0, 60, 5):
        await bench.rows("DELETE FROM run RETURNING 1")
        await bench.rows(
            "INSERT INTO run (connection_id, trigger, outcome, requested_at, started_at, finished_at)"
            " SELECT id, 'startup', 'completed', t, t, t"
            f" FROM connection, (SELECT now() - interval '{minutes} min' t) x RETURNING 1"
        )
        await request_what_is_due(bench.deps)
        due.add((await bench.rows("SELECT count(*) FROM run WHERE trigger = 'schedule'"))[0][0])
    assert 0 in due
    assert due & {1, 2, 3}
