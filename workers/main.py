"""The worker process, from start to an orderly stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading

import structlog
from arq.connections import ArqRedis

from app.context import Deps
from app.pipeline import housekeeping
from app.pipeline.settings import tunables
from app.waiting import ended
from workers.pace import Pace
from workers.settings import QueueWorker, queues
from workers.sweep import Sweep, keep_beating, keep_pruning
from workers.upkeep import keep_cleaning, keep_removing, keep_tools, keep_webhooks
from workers.workshop import Workshop

HAND_BACK = 5.0  # s; what cancelled downloads need at most to end their processes and files


async def run_worker(deps: Deps, redis: ArqRedis, names: frozenset[str]) -> None:
    """Serve the queues until SIGTERM or SIGINT, then finish or hand back within STOP_GRACE.

    Then the process ends, whatever still hangs: children die with it, and the next worker takes up what it held.
    """
    stop = asyncio.Event()
    stop_grace = deps.settings.stop_grace.total_seconds()

    def begin_to_stop() -> None:
        if not stop.is_set():
            stop.set()
            _end_process_after(stop_grace)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, begin_to_stop)
    name = f"{socket.gethostname()}:{os.getpid()}"
    async with deps.db.transaction() as tx:
        now = await tunables(deps, tx)
    workshop = Workshop(deps, Pace(now.download_gap, now.backfill_gap))
    serving = queues(names, deps.settings.download_concurrency)
    workers = [QueueWorker(queue, redis, workshop, name) for queue in serving]
    sweep = Sweep(workshop, syncs="sync" in names, downloads="download" in names)
    if "sync" in names:
        await housekeeping.request_startup_runs(deps)
    structlog.get_logger(__name__).info("worker started", queues=sorted(names), name=name)
    services = [
        keep_beating(workshop, name),
        keep_pruning(workshop),
        keep_removing(workshop),
        keep_cleaning(workshop),
        keep_webhooks(workshop),
        *([keep_tools(workshop)] if "download" in names else []),
        *(worker.run() for worker in workers),
    ]
    sweeping = asyncio.create_task(sweep.run())
    tasks = [sweeping, *(asyncio.create_task(service) for service in services)]
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    begin_to_stop()
    sweeping.cancel()  # before all else: it must start nothing more
    grace = max(stop_grace - HAND_BACK, 0.0)
    await asyncio.gather(asyncio.wait({sweeping}), workshop.stop(grace), *(worker.stop(grace) for worker in workers))
    await ended(stopped, *tasks)
    for task in done - {stopped}:
        task.result()
    structlog.get_logger(__name__).info("worker stopped", name=name)


def _end_process_after(seconds: float) -> None:
    """End this process after the time from a thread, which no disk, database or Redis that hangs can hold up."""

    def end() -> None:
        structlog.get_logger(__name__).warning("worker did not stop in time; its work is taken up by the next one")
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
