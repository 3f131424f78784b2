"""The sweep finds what no wake-up told of, and does some work itself where Redis is away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from arq.connections import ArqRedis
from pydantic import SecretStr

from app.errors import ArrStartingUp
from app.pipeline.housekeeping import prune_events
from app.queue import SYNC_QUEUE, ArqWakeups, open_redis
from schemas.base import MonitorStatus
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from workers.jobs import Workshop
from workers.pace import Pace
from workers.sweep import Sweep


def sweep(bench: Bench) -> Sweep:
    return Sweep(Workshop(bench.deps, Pace(timedelta(0), timedelta(0))), syncs=True, downloads=True)


async def test_what_is_due_is_woken_once(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.event(connection, 7)
    once = sweep(bench)
    for _ in range(3):
        await once.once()
    assert await bench.deps.wakeups.depths() == {"sync": 2, "download": 0}


async def test_a_connection_without_a_recent_run_is_reconciled(bench: Bench) -> None:
    await bench.connect(FakeArr())
    await bench.rows("UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1")
    await sweep(bench).once()
    assert await bench.rows("SELECT count(*) FROM run") == [(1,)]
    await bench.rows(
        "UPDATE run SET requested_at = now() - interval '61 min', finished_at = now() - interval '61 min' RETURNING 1"
    )
    await sweep(bench).once()
    assert await bench.rows("SELECT trigger FROM run WHERE started_at IS NULL") == [("schedule",)]


async def test_a_run_of_a_dead_worker_is_ended(bench: Bench) -> None:
    await bench.connect(FakeArr())
    await bench.rows("UPDATE run SET started_at = now(), lease_until = now() - interval '1 s' RETURNING 1")
    await sweep(bench).once()
    assert await bench.rows("SELECT outcome, finished_at IS NOT NULL FROM run WHERE started_at IS NOT NULL") == [
        ("failed", True)
    ]


async def test_without_redis_the_sweep_does_the_work(bench: Bench) -> None:
    away = open_redis(SecretStr("redis://127.0.0.1:9/0"), retries=0)
    bench.deps = replace(bench.deps, wakeups=ArqWakeups(away))
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.event(connection, 7)
    by_hand = sweep(bench)
    async with asyncio.timeout(20):
        while (title := await bench.title(7)) is None or title.status is not MonitorStatus.DOWNLOADED:
            await by_hand.once()
            await asyncio.sleep(0.05)
    assert (folder / "Sintel (2010) Bluray-1080p-trailer.mp4").exists()
    assert len(bench.videos.fetched) == 1
    await away.aclose()


async def test_handled_events_go_after_their_time_and_others_stay(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    await bench.event(connection, 8)
    await bench.rows("UPDATE event SET received_at = now() - interval '1 year' RETURNING 1")
    await prune_events(bench.deps)
    assert await bench.rows("SELECT count(*) FROM event") == [(2,)]
    await bench.rows("UPDATE event SET processed_at = now() - interval '31 days' WHERE state = 'processed' RETURNING 1")
    await prune_events(bench.deps)
    assert await bench.rows("SELECT arr_id, state FROM event") == [(8, "pending")]


async def test_an_arr_that_was_down_is_asked_again_without_any_event(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    arr.error = ArrStartingUp("Radarr is starting up.")
    await bench.refresh(connection)
    await sweep(bench).once()
    assert await bench.rows("SELECT 1 FROM run WHERE started_at IS NULL") == []
    arr.error = None
    await bench.rows("UPDATE connection SET probe_at = now() RETURNING 1")
    await sweep(bench).once()
    assert await bench.rows("SELECT trigger FROM run WHERE started_at IS NULL") == [("recovery",)]


async def test_a_wake_up_lost_with_its_worker_is_repeated_under_another_name(bench: Bench, redis: ArqRedis) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.event(connection, 7)
    await sweep(bench).once()
    names = {name.decode() for name in await redis.zrange(SYNC_QUEUE, 0, -1)}
    minutes = {int(name.rpartition(":")[2]) for name in names}
    assert all(abs(minute - time.time() / 60) < 2 for minute in minutes)
