"""One connection never holds up another: neither one that hangs, nor one with much to do, nor one that is refreshed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
from arq.connections import ArqRedis

from app.context import RawItem
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.workers import until_rows, working
from workers.workshop import ITEMS_AT_ONCE

MANY = 1000
SYNCED = "SELECT count(*) FROM item_sync WHERE synced_seq = requested_seq"


@dataclass
class SlowArr(FakeArr):
    """Takes its time for each item; notes how many calls were under way at once."""

    seconds: float = 0.02
    under_way: int = 0
    most_at_once: int = 0
    list_gate: asyncio.Event | None = None
    lists: int = 0

    async def get_media(self, arr_id: int) -> RawItem:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            return await super().get_media(arr_id)
        finally:
            self.under_way -= 1

    async def get_all_media(self) -> AsyncGenerator[RawItem, None]:
        self.lists += 1
        if self.list_gate is not None:
            await self.list_gate.wait()
        async for item in super().get_all_media():
            yield item


async def no_runs(bench: Bench) -> None:
    await bench.rows("UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1")


async def many_due(bench: Bench, connection: int, count: int = MANY) -> None:
    """Let as many items wait as `count`, numbered from 1, the highest number the longest."""
    await bench.rows(
        "INSERT INTO item_sync (connection_id, arr_id, requested_seq, next_at)"
        f" SELECT {connection}, n, 1, now() - n * interval '1 s' FROM generate_series(1, {count}) n RETURNING 1"
    )


def films(bench: Bench, count: int) -> dict[int, dict[str, Any]]:
    """Make movies with their files, so that nothing has to be looked at again."""
    items = {number: movie_item(number, bench.root, f"Film {number}") for number in range(1, count + 1)}
    for item in items.values():
        put_movie_on_disk(item)
    return items


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_arr_that_never_answers_holds_up_no_other(bench: Bench, redis: ArqRedis, workers: int) -> None:
    hung = FakeArr(gate=asyncio.Event())
    first = await bench.connect(hung, "Hung")
    others = [FakeArr("Sonarr", gate=asyncio.Event()) for _ in range(3)]
    for number, other in enumerate(others):
        await many_due(bench, await bench.connect(other, f"Hung {number}"), 20)
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    second = await bench.connect(arr, "Well")
    await no_runs(bench)
    await many_due(bench, first)
    async with working(bench.deps, redis, workers):
        await bench.deps.wakeups.wake_syncs([first])
        await bench.until(lambda: len(hung.asked) == ITEMS_AT_ONCE * workers)
        began = time.monotonic()
        await bench.event(second, 7)
        await bench.deps.wakeups.wake_syncs([second])
        await bench.until(lambda: bool(arr.asked))
        assert time.monotonic() - began < 1
        assert len(hung.asked) == ITEMS_AT_ONCE * workers
    assert await bench.rows("SELECT count(*) FROM item_sync WHERE lease_until IS NOT NULL") == [(0,)]


async def test_a_lone_wake_up_does_all_that_is_due_the_longest_due_first(bench: Bench, redis: ArqRedis) -> None:
    arr = SlowArr(items=films(bench, 50), seconds=0.1)
    connection = await bench.connect(arr)
    await no_runs(bench)
    await many_due(bench, connection, 50)
    async with working(bench.deps, redis, sweeping=False):
        await bench.deps.wakeups.wake_syncs([connection])
        await until_rows(bench, SYNCED, [(50,)])
    assert arr.most_at_once == ITEMS_AT_ONCE
    places = {arr_id: place for place, arr_id in enumerate(arr.asked)}
    assert all(abs(places[arr_id] - (50 - arr_id)) <= 2 * ITEMS_AT_ONCE for arr_id in places)
    assert len(arr.asked) == 50


async def test_lists_that_take_long_hold_up_neither_syncs_nor_other_lists(bench: Bench, redis: ArqRedis) -> None:
    gate = asyncio.Event()
    arrs = [SlowArr(items={7: movie_item(7, bench.root, f"Film {n}")}, list_gate=gate) for n in range(6)]
    connections = [await bench.connect(arr, f"Radarr {number}") for number, arr in enumerate(arrs)]
    async with working(bench.deps, redis):
        await bench.until(lambda: sum(arr.lists for arr in arrs) == len(arrs))
        for connection, arr in zip(connections, arrs, strict=True):
            began = time.monotonic()
            await bench.event(connection, 7)
            await bench.deps.wakeups.wake_syncs([connection])
            await bench.until(lambda arr=arr: bool(arr.asked))  # type: ignore[misc]  # mypy cannot infer a default
            assert time.monotonic() - began < 1
        gate.set()
        await until_rows(bench, "SELECT 1 FROM run WHERE outcome IS DISTINCT FROM 'completed'", [])


async def test_an_item_that_was_synced_just_now_starts_again_as_soon_as_it_may(bench: Bench, redis: ArqRedis) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    await no_runs(bench)
    async with working(bench.deps, redis, sweeping=False):
        for asked in (1, 2):
            await bench.event(connection, 7)
            await bench.deps.wakeups.wake_syncs([connection])
            await bench.until(lambda asked=asked: len(arr.asked) == asked)  # type: ignore[misc]  # as above
            if asked == 1:
                await until_rows(bench, SYNCED, [(1,)])
        late = "SELECT EXTRACT(epoch FROM clock_timestamp() - ended_at) FROM item_sync"
        assert 2.9 < float((await bench.rows(late))[0][0]) < 3.6


async def test_two_workers_share_what_one_connection_has(bench: Bench, redis: ArqRedis) -> None:
    arr = SlowArr(items=films(bench, 60), seconds=0.3)
    connection = await bench.connect(arr)
    await no_runs(bench)
    await many_due(bench, connection, 60)
    async with working(bench.deps, redis, 2):
        await until_rows(bench, SYNCED, [(60,)])
    assert len(arr.asked) == 60
    assert ITEMS_AT_ONCE < arr.most_at_once <= 2 * ITEMS_AT_ONCE


async def test_lists_that_hang_keep_no_refresh_waiting(bench: Bench, redis: ArqRedis) -> None:
    hanging = [SlowArr(items=films(bench, 1), list_gate=asyncio.Event()) for _ in range(5)]
    for number, arr in enumerate(hanging):
        await bench.connect(arr, f"Hung {number}")
    async with working(bench.deps, redis):
        await bench.until(lambda: all(arr.lists for arr in hanging))
        well = await bench.connect(FakeArr(items=films(bench, 3)), "Well")
        await until_rows(
            bench, f"SELECT outcome, fetched FROM run WHERE connection_id = {well}", [("completed", 3)], 10
        )
        for arr in hanging:
            assert arr.list_gate is not None
            arr.list_gate.set()
        await until_rows(bench, "SELECT 1 FROM run WHERE outcome IS DISTINCT FROM 'completed'", [])
