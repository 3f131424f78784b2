"""The worker process, from start to an orderly stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import structlog
from arq.connections import ArqRedis

from app.context import Deps
from app.pipeline import housekeeping
from workers.jobs import Workshop
from workers.pace import Pace
from workers.settings import QueueWorker, queues
from workers.sweep import Sweep, keep_beating, keep_pruning

HAND_BACK = 5.0  # s; what cancelled downloads need at most to end their processes and files


async def run_worker(deps: Deps, redis: ArqRedis, names: frozenset[str]) -> None:
    """Serve the queues until SIGTERM or SIGINT, then finish or hand back within STOP_GRACE."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    name = f"{socket.gethostname()}:{os.getpid()}"
    workshop = Workshop(deps, Pace(deps.settings.download_gap, deps.settings.backfill_gap))
    serving = queues(names, deps.settings.download_concurrency)
    workers = [QueueWorker(queue, redis, workshop, name) for queue in serving]
    sweep = Sweep(workshop, syncs="sync" in names, downloads="download" in names)
    if "sync" in names:
        await housekeeping.request_startup_runs(deps)
    structlog.get_logger(__name__).info("worker started", queues=sorted(names), name=name)
    services = [
        sweep.run(),
        keep_beating(workshop, name),
        keep_pruning(workshop),
        *(worker.run() for worker in workers),
    ]
    tasks = [asyncio.create_task(service) for service in services]
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    grace = max(deps.settings.stop_grace.total_seconds() - HAND_BACK, 0.0)
    await asyncio.gather(*(worker.stop(grace) for worker in workers))
    for task in (stopped, *tasks):
        task.cancel()
    await asyncio.gather(stopped, *tasks, return_exceptions=True)
    for task in done - {stopped}:
        task.result()
    structlog.get_logger(__name__).info("worker stopped", name=name)
