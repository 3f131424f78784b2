"""The sweep: every worker looks for due rows in Postgres and starts what nothing told of; it needs no Redis.

An asyncio task and no arq cron. Syncs and reconciliations start in this process; downloads are woken by Redis, which
holds one job for each at most, and without it they run here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from app.db import attempts, item_sync
from app.errors import Unavailable
from app.pipeline import housekeeping, sources
from app.pipeline.settings import tunables
from app.waiting import ended
from workers.jobs import DEPS, acquire_trailer
from workers.workshop import Workshop

INTERVAL = 2.0  # s
BEAT_INTERVAL = 10.0  # s
PRUNE_INTERVAL = 600.0  # s


class Sweep:
    """Starts what is due, in one worker process."""

    def __init__(self, workshop: Workshop, *, syncs: bool, downloads: bool) -> None:
        self._workshop = workshop
        self._syncs = syncs
        self._downloads = downloads
        self._by_hand: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Sweep for ever; while Postgres is away there is nothing to find."""
        try:
            while True:
                try:
                    await self.once()
                except Unavailable as error:
                    self._log.warning("cannot sweep", why=error.message)
                await asyncio.sleep(INTERVAL)
        finally:
            await ended(*self._by_hand)

    async def once(self) -> None:
        """Look once."""
        if self._syncs:
            await housekeeping.request_what_is_due(self._workshop.deps)
            await self._start_syncs()
            self._workshop.wake_refreshes()
        if self._downloads:
            await housekeeping.recover_lost_attempts(self._workshop.deps)
            await self._wake_downloads()

    async def _start_syncs(self) -> None:
        """Start them here, in every worker, and not by Redis: each claims what no other has."""
        async with self._workshop.deps.db.transaction() as tx:
            due = await item_sync.list_due_connections(tx)
        for connection_id in due:
            self._workshop.wake_items(connection_id)

    async def _wake_downloads(self) -> None:
        concurrency = self._workshop.deps.settings.download_concurrency
        async with self._workshop.deps.db.transaction() as tx:
            now = await tunables(self._workshop.deps, tx)
            self._workshop.pace.use(now.download_gap, now.backfill_gap)
            closed = (await sources.gate(self._workshop.deps, tx)).closed
            due = await attempts.list_due(tx, self._workshop.pace.max_rank(), closed, concurrency)
        woken = True
        for media_id in due:
            woken = woken and await self._workshop.deps.wakeups.wake_acquire(media_id)
            if not woken and len(self._by_hand) < concurrency:
                self._do(acquire_trailer({DEPS: self._workshop}, media_id))

    def _do(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)


async def keep_pruning(workshop: Workshop) -> None:
    """Delete old events, runs and attempts, and what downloads left, at start and every ten minutes.

    While Postgres is away there is nothing to delete.
    """
    while True:
        try:
            await housekeeping.prune_events(workshop.deps)
            await housekeeping.prune_the_past(workshop.deps)
            await housekeeping.sweep_work_dirs(workshop.deps)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot prune events", why=error.message)
        await asyncio.sleep(PRUNE_INTERVAL)


async def keep_beating(workshop: Workshop, name: str) -> None:
    """Say every ten seconds that this worker is alive."""
    while True:
        await workshop.deps.live.beat(name, workshop.deps.now())
        await asyncio.sleep(BEAT_INTERVAL)
