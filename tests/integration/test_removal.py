"""A deleted connection: gone for its user at once, emptied in batches, and nothing else is touched or held up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from app.db import removals
from app.db.tables import metadata
from app.domain.records import Rank
from app.errors import ArrUnreachable, LeaseLost
from app.pipeline import removal
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connections import get_connection
from app.pipeline.housekeeping import recover_lost_attempts
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

MANY = 2 * removal.BATCH + 100


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def password_of(bench: Bench, connection_id: int) -> str:
    connection = await get_connection(bench.deps, connection_id)
    return bench.deps.vault.decrypt(connection.webhook_password).get_secret_value()


async def fill(bench: Bench, connection_id: int) -> None:
    """More rows than two batches in every table, and a trailer of the first title."""
    async with bench.deps.db.transaction() as tx:
        for statement in (
            """INSERT INTO event (connection_id, event_type, arr_id, payload, state)
               SELECT :id, 'Download', n, '', 'pending' FROM generate_series(1, :many) n""",
            """INSERT INTO item_sync (connection_id, arr_id, requested_seq)
               SELECT :id, n, 1 FROM generate_series(1, :many) n""",
            """INSERT INTO media (connection_id, arr_id, tmdb_id, kind, title, arr_path, path_mapped, media_exists,
                                  tags, genres, arr_monitored, monitor, wanted_rank)
               SELECT :id, n, n, 'movie', 'Title ' || n, '/m/' || n, false, true, '{}', '{}', true, true, 3
               FROM generate_series(1, :many) n""",
            "INSERT INTO unannounced_deletion (connection_id) SELECT :id FROM generate_series(1, :many)",
            """INSERT INTO run (connection_id, trigger, outcome, started_at, finished_at)
               SELECT :id, 'schedule', 'completed', now(), now() FROM generate_series(1, :many)""",
            """INSERT INTO trailer (folder_path, rel_path, source, video_id, duration, width, height, video_codec, size,
                                    mtime_ns, media_id)
               SELECT '/m/1', 'x-trailer.mp4', 'arr', 'v', 60, 1280, 720, 'h264', 5, 5, id FROM media
               WHERE connection_id = :id AND arr_id = 1""",
        ):
            await tx.execute(
                text(statement), {"id": connection_id, "many": MANY} if ":many" in statement else {"id": connection_id}
            )


async def counts(bench: Bench, connection_id: int) -> dict[str, int]:
    return {
        table: (await bench.rows(f"SELECT count(*) FROM {table} WHERE connection_id = {connection_id}"))[0][0]
        for table in removals.TABLES
    }


async def until_answered(client: httpx.AsyncClient, password: str, status: int) -> None:
    hook = {"eventType": "Download", "movie": {"id": 7}}
    async with asyncio.timeout(10):
        while (await client.post("/webhooks/radarr", json=hook, auth=("x", password))).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def rest_over(bench: Bench) -> None:
    await bench.rows(
        "UPDATE connection SET deleted_at = now() - interval '1 minute' WHERE deleted_at IS NOT NULL RETURNING 1"
    )


def test_every_table_of_a_connection_is_emptied() -> None:
    leading = {
        table.name
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "connection" and key.ondelete is None
    }
    assert leading == set(removals.TABLES)


async def test_a_deleted_connection_is_gone_at_once_and_its_name_free(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr)
    password = await password_of(bench, connection)
    hook = {"eventType": "Download", "movie": {"id": 7}}
    assert (await client.post("/webhooks/radarr", json=hook, auth=("x", password))).status_code == 202
    answer = await client.delete(f"/api/v1/connections/{connection}")
    assert answer.status_code == 202
    assert answer.json() == {
        "id": connection,
        "webhook_removed": True,
        "trailers": {"removed": 0, "kept": 0, "remaining": 0},
        "message": "Radarr is deleted; its trailers stay where they are.",
    }
    assert arr.webhooks == {}
    assert (await client.get("/api/v1/connections")).json()["items"] == []
    assert (await client.get("/api/v1/status")).json()["connections"] == []
    assert (await client.delete(f"/api/v1/connections/{connection}")).status_code == 404
    assert (await client.post(f"/api/v1/connections/{connection}/reconcile")).status_code == 404
    await until_answered(client, password, 404)
    assert await bench.connect(FakeArr()) != connection
    await until_answered(client, password, 401)


async def test_it_is_emptied_in_batches_while_others_go_on(bench: Bench, client: httpx.AsyncClient) -> None:
    deleted, other = await bench.connect(FakeArr()), await bench.connect(FakeArr(), "Other")
    await fill(bench, deleted)
    await bench.refresh(other)
    password = await password_of(bench, other)
    kept = await counts(bench, other)
    await client.delete(f"/api/v1/connections/{deleted}")
    await rest_over(bench)
    two_workers = asyncio.gather(removal.empty_deleted(bench.deps), removal.empty_deleted(bench.deps))
    accepted = 0
    while not two_workers.done() or not accepted:
        hook = {"eventType": "Download", "movie": {"id": 1 + accepted}}
        assert (await client.post("/webhooks/other", json=hook, auth=("x", password))).status_code == 202
        accepted += 1
    await two_workers
    await removal.empty_deleted(bench.deps)
    assert await bench.rows("SELECT id FROM connection") == [(other,)]
    assert set((await counts(bench, deleted)).values()) == {0}
    added = {"event": accepted, "item_sync": accepted}
    assert await counts(bench, other) == {table: count + added.get(table, 0) for table, count in kept.items()}
    assert await bench.rows("SELECT rel_path, media_id FROM trailer") == [("x-trailer.mp4", None)]


async def test_what_is_interrupted_goes_on(bench: Bench) -> None:
    deleted = await bench.connect(FakeArr())
    await fill(bench, deleted)
    await removal.delete_connection(bench.deps, deleted)
    await rest_over(bench)
    working = asyncio.create_task(removal.empty_deleted(bench.deps))
    async with asyncio.timeout(20):
        while (await counts(bench, deleted))["item_sync"] == MANY:  # noqa: ASYNC110 - Postgres tells nobody
            await asyncio.sleep(0.002)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await removal.empty_deleted(bench.deps)
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_an_event_that_was_let_in_just_before_holds_nothing_up(bench: Bench) -> None:
    deleted = await bench.connect(FakeArr())
    await removal.delete_connection(bench.deps, deleted)
    await rest_over(bench)
    await bench.event(deleted, 7)
    async with bench.deps.db.transaction() as tx:
        assert not await removals.delete_row(tx, deleted)
        assert (await tx.execute(text("SELECT count(*) FROM event"))).scalar_one() == 1
    await removal.empty_deleted(bench.deps)
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_its_row_waits_for_what_began_before(bench: Bench) -> None:
    deleted = await bench.connect(FakeArr())
    await removal.delete_connection(bench.deps, deleted)
    await removal.empty_deleted(bench.deps)
    assert await bench.rows("SELECT enabled, deleted_at IS NULL FROM connection") == [(False, False)]


async def test_a_sync_under_way_ends_and_writes_nothing(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, gate=asyncio.Event())
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    running = asyncio.create_task((await bench.manager(connection)).sync(7))
    await bench.until(lambda: bool(arr.asked))
    await removal.delete_connection(bench.deps, connection)
    await rest_over(bench)
    await removal.empty_deleted(bench.deps)
    assert arr.gate is not None
    arr.gate.set()
    with pytest.raises(LeaseLost):
        await running
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_a_download_under_way_is_dropped(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    bench.videos.gate = asyncio.Event()
    running = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: bool(bench.videos.fetched))
    await removal.delete_connection(bench.deps, connection)
    assert await bench.rows("SELECT lease_token FROM attempt") == [(2,)]
    await rest_over(bench)
    await removal.empty_deleted(bench.deps)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    bench.videos.gate.set()
    assert await running is AcquireOutcome.HANDED_BACK
    assert sorted(path.name for path in folder.iterdir()) == [item["movieFile"]["relativePath"]]
    await bench.rows("UPDATE attempt SET lease_until = now() - interval '1 s' RETURNING 1")
    await recover_lost_attempts(bench.deps)
    assert await bench.rows("SELECT outcome, media_id FROM attempt") == [("lost", None)]
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_an_arr_that_is_away_does_not_keep_a_connection(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr)
    arr.error = ArrUnreachable("Nothing listens where Radarr should be.")
    answer = json.loads((await client.delete(f"/api/v1/connections/{connection}")).text)
    assert answer["webhook_removed"] is False
    assert "Settings > Connect in Radarr yourself" in answer["message"]
    assert "Nothing listens" in answer["message"]
    await rest_over(bench)
    arr.error = None
    await removal.empty_deleted(bench.deps)
    assert arr.webhooks == {}
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_an_entry_that_a_new_connection_took_over_stays(bench: Bench) -> None:
    arr = FakeArr()
    first = await bench.connect(arr)
    arr.error = ArrUnreachable("Nothing listens where Radarr should be.")
    await removal.delete_connection(bench.deps, first)
    arr.error = None
    second = await bench.connect(arr)
    assert list(arr.webhooks) == [1]
    await rest_over(bench)
    await removal.empty_deleted(bench.deps)
    assert await bench.rows("SELECT id, notification_id FROM connection") == [(second, 1)]
    assert list(arr.webhooks) == [1]
