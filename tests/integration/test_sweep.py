"""The sweep finds what no wake-up told of and starts it, with and without Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from app.db import runs
from app.errors import ArrStartingUp, LeaseLost
from app.pipeline.housekeeping import prune_events
from app.queue import ArqWakeups, open_redis
from schemas.base import MonitorStatus, RunOutcome
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.workers import until_rows
from workers.pace import Pace
from workers.sweep import INTERVAL, Sweep
from workers.workshop import ITEMS_AT_ONCE, Workshop

RUNS_DONE = "UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1"


@pytest.fixture
async def workshop(bench: Bench) -> AsyncIterator[Workshop]:
    opened = Workshop(bench.deps, Pace(timedelta(0), timedelta(0)))
    yield opened
    await opened.stop(0)


@pytest.fixture
def sweep(workshop: Workshop) -> Sweep:
    return Sweep(workshop, syncs=True, downloads=True)


async def test_what_is_due_of_a_big_backlog_is_started_within_seconds_and_floods_no_queue(
    bench: Bench, sweep: Sweep
) -> None:
    hung, arr = FakeArr(gate=asyncio.Event()), FakeArr(items={7: movie_item(7, bench.root)})
    busy, other = await bench.connect(hung, "Hung"), await bench.connect(arr, "Well")
    await bench.rows(RUNS_DONE)
    await bench.rows(
        "INSERT INTO item_sync (connection_id, arr_id, requested_seq)"
        f" SELECT {busy}, n, 1 FROM generate_series(1, 10000) n RETURNING 1"
    )
    before = await bench.deps.wakeups.depths()
    sweeping = asyncio.create_task(sweep.run())
    await bench.until(lambda: len(hung.asked) == ITEMS_AT_ONCE)
    await bench.event(other, 7)
    await bench.until(lambda: bool(arr.asked), 5)
    for _ in range(3):
        await sweep.once()
    assert await bench.deps.wakeups.depths() == before
    assert len(hung.asked) == ITEMS_AT_ONCE
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)


async def test_many_requests_are_one_job_for_each_connection(bench: Bench) -> None:
    for _ in range(1000):
        await bench.deps.wakeups.wake_syncs([1, 2])
    for run_id in (1, 1, 2):
        await bench.deps.wakeups.wake_refresh(run_id)
    assert await bench.deps.wakeups.depths() == {"sync": 4, "download": 0}


async def test_a_connection_without_a_recent_run_is_reconciled(bench: Bench, sweep: Sweep) -> None:
    await bench.connect(FakeArr())
    await bench.rows(RUNS_DONE)
    await sweep.once()
    assert await bench.rows("SELECT count(*) FROM run") == [(1,)]
    await bench.rows(
        "UPDATE run SET requested_at = now() - interval '61 min', finished_at = now() - interval '61 min' RETURNING 1"
    )
    await sweep.once()
    assert await bench.rows("SELECT trigger FROM run ORDER BY id DESC LIMIT 1") == [("schedule",)]


async def test_a_run_of_a_dead_worker_is_ended(bench: Bench, sweep: Sweep) -> None:
    await bench.connect(FakeArr())
    await bench.rows("UPDATE run SET started_at = now(), lease_until = now() - interval '1 s' RETURNING 1")
    await sweep.once()
    dead = "SELECT outcome, finished_at IS NOT NULL FROM run ORDER BY id LIMIT 1"  # the next may have begun by now
    assert await bench.rows(dead) == [("failed", True)]


async def let_pass(bench: Bench, time: timedelta) -> None:
    """Let all that is noted of runs be older by this time."""
    seconds = f"interval '{time.total_seconds()} s'"
    await bench.rows(
        f"UPDATE run SET requested_at = requested_at - {seconds}, started_at = started_at - {seconds},"
        f" lease_until = lease_until - {seconds} RETURNING 1"
    )


async def test_the_run_of_a_dead_worker_goes_to_another_within_a_minute(bench: Bench, sweep: Sweep) -> None:
    await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    async with bench.deps.db.transaction() as tx:
        (waiting,) = await runs.list_waiting(tx, 5)
        held = await runs.claim(tx, waiting.id)
    assert held is not None
    for _ in range(2):  # it lives: it gives word every third of its lease
        await let_pass(bench, runs.LEASE * 0.7)
        await sweep.once()
        async with bench.deps.db.transaction() as tx:
            await runs.progress(tx, held, 1)
    assert await bench.rows("SELECT outcome FROM run") == [(None,)]
    await let_pass(bench, timedelta(seconds=60 - INTERVAL))
    await sweep.once()
    ended: list[tuple[object, ...]] = [("failed", True, 1), ("completed", False, 1)]
    await until_rows(bench, "SELECT outcome, lost, fetched FROM run ORDER BY id", ended)
    async with bench.deps.db.transaction() as tx:
        with pytest.raises(LeaseLost):
            await runs.finish(tx, held, runs.RunResult(outcome=RunOutcome.COMPLETED))


async def test_without_redis_the_sweep_does_the_work(bench: Bench) -> None:
    away = open_redis(SecretStr("redis://127.0.0.1:9/0"), retries=0)
    bench.deps = replace(bench.deps, wakeups=ArqWakeups(away))
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.event(connection, 7)
    workshop = Workshop(bench.deps, Pace(timedelta(0), timedelta(0)))
    by_hand = Sweep(workshop, syncs=True, downloads=True)
    async with asyncio.timeout(20):
        while (title := await bench.title(7)) is None or title.status is not MonitorStatus.DOWNLOADED:
            await by_hand.once()
            await asyncio.sleep(0.05)
    assert (folder / "Sintel (2010) Bluray-1080p-trailer.mp4").exists()
    assert len(bench.videos.fetched) == 1
    await workshop.stop(0)
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


async def test_an_arr_that_was_down_is_asked_again_without_any_event(bench: Bench, sweep: Sweep) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    arr.error = ArrStartingUp("Radarr is starting up.")
    await bench.refresh(connection)
    await sweep.once()
    assert await bench.rows("SELECT outcome FROM run") == [("failed",)]
    arr.error = None
    await bench.rows("UPDATE connection SET probe_at = now() RETURNING 1")
    await sweep.once()
    await until_rows(bench, "SELECT outcome FROM run WHERE trigger = 'recovery'", [("completed",)])
    assert await bench.rows("SELECT down_since, failures FROM connection") == [(None, 0)]
    assert await bench.rows("SELECT count(*) FROM run") == [(2,)]
