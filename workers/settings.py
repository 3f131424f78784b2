"""arq's settings, and one queue's worker kept alive over Redis's absences."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.queue import ACQUIRE_JOB, DOWNLOAD_QUEUE, REFRESH_JOB, SYNC_JOB, SYNC_QUEUE, deserialize, serialize
from workers.jobs import DEPS, acquire_trailer, refresh_connections, start_work, sync_items
from workers.workshop import Workshop

SYNC_JOBS = 10
SYNC_POLL = 0.1  # s
DOWNLOAD_POLL = 1.0  # s
# s; a killed worker's job counts as running for 10 s longer, and no other of its name is taken meanwhile.
SYNC_TIMEOUT = 5  # it only starts work
DOWNLOAD_TIMEOUT = 86_400  # leases and the pipelines' own limits end work, not arq
REDIS_BACK_OFF = 1.0  # s
LAST_WORDS = 0.5  # s
QUEUE_READ_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Queue:
    """What one queue's worker runs, how many at once and how long, and how often it looks."""

    name: str
    jobs: dict[str, Callable[..., Coroutine[Any, Any, None]]]
    at_once: int
    timeout: int
    poll: float


def queues(names: frozenset[str], download_concurrency: int) -> list[Queue]:
    """Give the queues of a worker that serves `sync`, `download` or both."""
    known = {
        "sync": Queue(
            SYNC_QUEUE, {SYNC_JOB: sync_items, REFRESH_JOB: refresh_connections}, SYNC_JOBS, SYNC_TIMEOUT, SYNC_POLL
        ),
        "download": Queue(
            DOWNLOAD_QUEUE, {ACQUIRE_JOB: acquire_trailer}, download_concurrency, DOWNLOAD_TIMEOUT, DOWNLOAD_POLL
        ),
    }
    return [queue for name, queue in known.items() if name in names]


class QueueWorker:
    """Serves one queue until stopped; a Redis that is away is waited for, and the sweep works meanwhile.

    Jobs that were under way when it went end by themselves; they count for the process's bounds, not for arq's.
    """

    def __init__(self, queue: Queue, redis: ArqRedis, workshop: Workshop, process: str) -> None:
        self._queue = queue
        self._redis = redis
        self._workshop = workshop
        self._process = process
        self._worker: Worker | None = None
        self._left: list[Worker] = []

    async def run(self) -> None:
        """Serve for ever."""
        while True:
            self._worker = self._make()
            try:
                await self._worker.async_run()
            except (RedisError, OSError) as error:
                structlog.get_logger(__name__).warning("redis is away", queue=self._queue.name, error=str(error))
                self._left = [left for left in (*self._left, self._worker) if left.job_tasks]
            await asyncio.sleep(REDIS_BACK_OFF)

    async def stop(self, grace: float) -> None:
        """Pick up no more jobs, give those under way `grace` seconds, then cancel them and wait for them.

        Their last words to Redis are waited for briefly only: it may hang.
        """
        if self._worker is None:
            return
        self._worker.allow_pick_jobs = False
        workers = [*self._left, self._worker]
        tasks = [task for worker in workers for task in worker.tasks.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        jobs = [job for worker in workers for job in worker.job_tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        last_words = asyncio.gather(*tasks, self._redis.delete(self._health_key), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(last_words, LAST_WORDS)

    @property
    def _health_key(self) -> str:
        return f"{self._queue.name}:health:{self._process}"

    def _make(self) -> Worker:
        return Worker(
            functions=[func(job, name=name, max_tries=1_000_000) for name, job in self._queue.jobs.items()],
            queue_name=self._queue.name,
            redis_pool=self._redis,
            ctx={DEPS: self._workshop},
            handle_signals=False,
            max_jobs=self._queue.at_once,
            queue_read_limit=QUEUE_READ_LIMIT,
            job_timeout=self._queue.timeout,
            after_job_end=start_work,
            keep_result=0,
            poll_delay=self._queue.poll,
            health_check_key=self._health_key,
            job_serializer=serialize,
            job_deserializer=deserialize,
            timezone=UTC,
            log_results=False,
        )
