"""Webhooks that come together share a commit; each waits for its own, and a locked item delays only itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.db.events import NewEvent, StoredEvent
from app.errors import NotFound, Unavailable
from app.pipeline.inbox import Inbox
from tests.fakes import FakeArr
from tests.integration.conftest import Bench


async def test_many_at_once_need_few_transactions_and_are_numbered_per_item(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    async with Inbox(bench.deps) as inbox:
        stored = await asyncio.gather(
            *(inbox.store(NewEvent(connection, "Download", 1 + number % 10, b"{}")) for number in range(200))
        )
    assert len({one.id for one in stored}) == 200
    rows = await bench.rows("SELECT arr_id, array_agg(item_seq ORDER BY id) FROM event GROUP BY arr_id")
    assert sorted((arr_id, sequence) for arr_id, sequence in rows) == [
        (arr_id, list(range(1, 21))) for arr_id in range(1, 11)
    ]
    assert await bench.rows("SELECT DISTINCT requested_seq FROM item_sync") == [(20,)]
    ((transactions,),) = await bench.rows("SELECT count(DISTINCT CAST(xmin AS text)) FROM event")
    assert transactions <= 3


async def test_a_locked_item_delays_only_itself(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    await bench.event(connection, 1)
    async with Inbox(bench.deps) as inbox, bench.deps.db.transaction() as tx:
        from_here = time.monotonic()
        await tx.exec_driver_sql("SELECT 1 FROM item_sync WHERE arr_id = 1 FOR UPDATE")
        locked = asyncio.create_task(inbox.store(NewEvent(connection, "Download", 1, b"{}")))
        free = await asyncio.gather(*(inbox.store(NewEvent(connection, "Download", 2, b"{}")) for _ in range(5)))
        assert len(free) == 5
        assert time.monotonic() - from_here < 1
        with pytest.raises(Unavailable):
            await locked
        assert time.monotonic() - from_here < 2.5
    assert await bench.rows("SELECT count(*) FROM event WHERE arr_id = 2") == [(5,)]


async def test_many_events_of_a_locked_item_delay_no_other(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    await bench.event(connection, 1)
    async with Inbox(bench.deps) as inbox, bench.deps.db.transaction() as tx:
        await tx.exec_driver_sql("SELECT 1 FROM item_sync WHERE arr_id = 1 FOR UPDATE")
        for _ in range(4):
            locked = [asyncio.create_task(inbox.store(NewEvent(connection, "Download", 1, b"{}"))) for _ in range(10)]
            free = [inbox.store(NewEvent(connection, "Download", number, b"{}")) for number in range(2, 52)]
            assert len(await asyncio.gather(*free)) == 50
        await tx.rollback()
        assert len(await asyncio.gather(*locked)) == 10
    assert await bench.rows("SELECT count(*) FROM event WHERE arr_id > 1") == [(200,)]


async def test_large_bodies_do_not_share_one_batch(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    async with Inbox(bench.deps) as inbox:
        large = [inbox.store(NewEvent(connection, "Download", number, bytes(3 << 20))) for number in range(1, 9)]
        assert len(await asyncio.gather(*large)) == 8
    ((transactions,),) = await bench.rows("SELECT count(DISTINCT CAST(xmin AS text)) FROM event")
    assert transactions >= 4


async def test_a_lone_event_waits_for_nobody(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    async with Inbox(bench.deps) as inbox:
        stored = await inbox.store(NewEvent(connection, None, None, b"{}"))
    assert stored.item_seq is None
    assert await bench.rows("SELECT state, processed_at IS NOT NULL FROM event") == [("ignored", True)]


async def test_what_waits_at_a_stop_is_refused_and_never_left_hanging(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    await bench.event(connection, 1)
    async with bench.deps.db.transaction() as tx:
        await tx.exec_driver_sql("SELECT 1 FROM item_sync WHERE arr_id = 1 FOR UPDATE")
        async with Inbox(bench.deps) as inbox:
            waiting = asyncio.create_task(inbox.store(NewEvent(connection, "Download", 1, b"{}")))
            await asyncio.sleep(0.05)
        with pytest.raises((Unavailable, asyncio.CancelledError)):
            await asyncio.wait_for(waiting, 3)


async def test_a_connection_that_is_deleted_meanwhile_fails_only_its_own_events(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    async with Inbox(bench.deps) as inbox:
        gone, kept = await asyncio.gather(
            inbox.store(NewEvent(connection + 1, "Download", 1, b"{}")),
            inbox.store(NewEvent(connection, "Download", 1, b"{}")),
            return_exceptions=True,
        )
    assert isinstance(gone, NotFound)
    assert isinstance(kept, StoredEvent)
    assert await bench.rows("SELECT connection_id, item_seq FROM event") == [(connection, 1)]
    assert await bench.rows("SELECT connection_id FROM item_sync") == [(connection,)]


async def test_a_broken_connection_to_postgres_costs_no_webhook(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    async with Inbox(bench.deps) as inbox:
        await inbox.store(NewEvent(connection, "Download", 1, b"{}"))
        await bench.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await inbox.store(NewEvent(connection, "Download", 1, b"{}"))
    assert await bench.rows("SELECT count(*) FROM event") == [(2,)]
