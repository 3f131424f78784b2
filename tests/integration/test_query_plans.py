"""The statements that run for every event, item, download or batch find their rows by an index, also at 100,000."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy import Engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import events, overview, runs, seen, staging
from app.db.staging import create_or_update_bulk
from app.domain.records import Rank
from app.pipeline.acquire import acquire
from app.pipeline.housekeeping import recover_lost_attempts, request_what_is_due
from app.pipeline.titles import stage
from tests.fakes import FakeArr, as_raw, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench

ROWS = 100_000
BIG = frozenset({"media", "item_sync", "event", "attempt", "trailer", "media_seen"})
FILL = (
    """INSERT INTO media (connection_id, arr_id, tmdb_id, kind, title, arr_path, path_mapped, folder_path, media_exists,
                          tags, genres, arr_monitored, monitor, wanted_rank, status, read_at)
       SELECT :id, 100 + n, 200000 + n, 'movie', 'Title ' || n, '/m/' || n, false, '/m/' || n, true, '{}', '{}', true,
              true, 3, 'downloaded', now() FROM generate_series(1, :rows) n""",
    """INSERT INTO item_sync (connection_id, arr_id, requested_seq, synced_seq)
       SELECT :id, 100 + n, 1, 1 FROM generate_series(1, :rows) n""",
    """INSERT INTO event (connection_id, event_type, arr_id, item_seq, payload, state, processed_at)
       SELECT :id, 'Download', 100 + n, 1, '', 'processed', now() FROM generate_series(1, :rows) n""",
    """INSERT INTO attempt (media_id, place, folder_path, rank, finished_at, outcome)
       SELECT id, folder_path, folder_path, 3, now(), 'placed' FROM media WHERE :rows > 0 AND connection_id = :id""",
    """INSERT INTO trailer (folder_path, rel_path, source, video_id, duration, width, height, video_codec, size,
                            mtime_ns, media_id, connection_id)
       SELECT folder_path, 't.mp4', 'arr', 'v', 60, 1, 1, 'h264', 5, 5, id, :id FROM media WHERE :rows > 0""",
    """INSERT INTO media_seen (media_id, version, digest, mark) SELECT id, 1, '\\x00', '1.1' FROM media
       WHERE :rows > 0 AND connection_id = :id""",
)


async def fill(bench: Bench, connection: int) -> None:
    async with bench.deps.db.transaction() as tx:
        for statement in FILL:
            await tx.execute(text(statement), {"id": connection, "rows": ROWS})
    async with bench.deps.db.transaction() as tx:
        await tx.execute(text("ANALYZE"))


@contextmanager
def recorded() -> Iterator[dict[str, Sequence[Any]]]:
    """Take down every statement that SQLAlchemy sends, with its values."""
    met: dict[str, Sequence[Any]] = {}

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            met.setdefault(statement, values)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield met
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def scans(tx: AsyncConnection, statement: str, values: Sequence[Any]) -> set[str]:
    """Give the big tables that the plan of a statement reads from end to end."""
    await tx.execute(text("SELECT 1"))
    driver = (await tx.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    answer = await driver.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return {node["Relation Name"] for node in _nodes(plan) if node["Node Type"] == "Seq Scan"} & BIG


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


async def test_hot_statements_use_indexes(bench: Bench) -> None:
    items = {number: movie_item(number, bench.root, f"Film {number}") for number in (1, 2)}
    for item in items.values():
        put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items=items))
    await fill(bench, connection)
    with recorded() as met:
        for number in items:
            await bench.sync(connection, number)
        assert (await acquire(bench.deps, Rank.BACKFILL)).value == "placed"
        await request_what_is_due(bench.deps)
        await recover_lost_attempts(bench.deps)
        async with bench.deps.db.transaction() as tx:
            await runs.list_waiting(tx, 20)
            await overview.inbox(tx)
            await events.last_received(tx)
    of_the_test = [statement for statement in met if "next_at = now()" in statement and "WHERE" not in statement]
    for statement in of_the_test:
        del met[statement]
    by_hand: dict[str, Sequence[Any]] = {
        seen._KNOWN: (connection, list(range(100, 300))),
        seen._NOTE: ([1, 2], [1, 1], [b"x", b"y"], [None, None]),
        events._STORE: ("250ms", [connection], ["Download"], [150], [b""], [None]),
    }
    async with bench.deps.db.transaction() as tx:
        assert await scans(tx, "SELECT * FROM media WHERE title = $1", ["x"]) == {"media"}
        found = {one: read for one, values in {**met, **by_hand}.items() if (read := await scans(tx, one, values))}
    assert len(met) > 25
    assert found == {}


async def test_a_batch_of_a_refresh_finds_its_rows_by_index(bench: Bench) -> None:
    connection_id = await bench.connect(FakeArr())
    await fill(bench, connection_id)
    connection = (await bench.manager(connection_id))._connection
    arrs = bench.deps.arr
    staged = [
        stage(
            arrs.parse_movie(as_raw(movie_item(number, bench.root, f"Film {number}", tmdbId=200_000 + number))),
            connection,
        )
        for number in range(101, 101 + 2 * staging.COPY_FROM)
    ]
    async with bench.deps.db.transaction() as tx:
        ((now,),) = await tx.execute(text("SELECT now() + interval '1 hour'"))
        with recorded() as met:
            await create_or_update_bulk(tx, connection_id, staged, now, Rank.BACKFILL)
        with recorded() as of_few:
            await create_or_update_bulk(tx, connection_id, staged[:3], now + timedelta(hours=1), Rank.BACKFILL)
        found = {one: read for one, values in {**met, **of_few}.items() if (read := await scans(tx, one, values))}
    assert len(met) >= 5
    assert found == {}
