"""Workers of the sync queue in this test's own loop: a queue, a sweep and a workshop each, as in their processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from arq.connections import ArqRedis

from app.context import Deps
from tests.integration.conftest import Bench
from workers.pace import Pace
from workers.settings import QueueWorker, queues
from workers.sweep import Sweep
from workers.workshop import Workshop


async def until_rows(bench: Bench, statement: str, expected: list[tuple[object, ...]], seconds: float = 40) -> None:
    """Wait until the database answers so; fails after the time."""
    async with asyncio.timeout(seconds):
        while await bench.rows(statement) != expected:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(deps: Deps, redis: ArqRedis, workers: int = 1, *, sweeping: bool = True) -> AsyncIterator[None]:
    """Run workers as their processes do, each with a workshop of its own."""
    async with AsyncExitStack() as stack:
        for number in range(workers):
            await stack.enter_async_context(_worker(deps, redis, f"worker {number}", sweeping=sweeping))
        yield


@asynccontextmanager
async def _worker(deps: Deps, redis: ArqRedis, name: str, *, sweeping: bool) -> AsyncIterator[None]:
    workshop = Workshop(deps, Pace(timedelta(0), timedelta(0)))
    (queue,) = queues(frozenset({"sync"}), 1)
    worker = QueueWorker(queue, redis, workshop, name)
    tasks = [asyncio.create_task(worker.run())]
    if sweeping:
        tasks.append(asyncio.create_task(Sweep(workshop, syncs=True, downloads=False).run()))
    try:
        yield
    finally:
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(workshop.stop(0), worker.stop(0), *tasks[1:], return_exceptions=True)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
