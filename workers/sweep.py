"""The sweep: every worker looks for due rows in Postgres and wakes their jobs; without Redis it runs some itself.

An asyncio task and no arq cron, so that it needs no Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from app.context import SyncWake
from app.db import attempts, item_sync, runs
from app.errors import Unavailable
from app.pipeline import housekeeping
from workers.jobs import DEPS, Workshop, acquire_trailer, refresh_connection, sync_item

INTERVAL = 2.0  # s
BEAT_INTERVAL = 10.0  # s
PRUNE_INTERVAL = 600.0  # s
SYNCS_AT_ONCE = 200
RUNS_AT_ONCE = 20
BY_HAND = 4


class Sweep:
    """Wakes what is due, in one worker process."""

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
            for task in self._by_hand:
                task.cancel()
            await asyncio.gather(*self._by_hand, return_exceptions=True)

    async def once(self) -> None:
        """Look once."""
        if self._syncs:
            await housekeeping.request_what_is_due(self._workshop.deps)
            await self._wake_syncs()
            await self._wake_runs()
        if self._downloads:
            await housekeeping.recover_lost_attempts(self._workshop.deps)
            await self._wake_downloads()

    async def _wake_syncs(self) -> None:
        async with self._workshop.deps.db.transaction() as tx:
            due = await item_sync.list_due(tx, SYNCS_AT_ONCE)
        wakes = [SyncWake(item.connection_id, item.arr_id, item.requested_seq) for item in due]
        if not wakes or await self._workshop.deps.wakeups.wake_syncs(wakes):
            return
        for wake in wakes:
            if not self._do(sync_item({DEPS: self._workshop}, wake.connection_id, wake.arr_id)):
                return

    async def _wake_runs(self) -> None:
        async with self._workshop.deps.db.transaction() as tx:
            waiting = await runs.list_waiting(tx, RUNS_AT_ONCE)
        for run_id in waiting:
            woken = await self._workshop.deps.wakeups.wake_refresh(run_id)
            if not woken and not self._do(refresh_connection({DEPS: self._workshop}, run_id)):
                return

    async def _wake_downloads(self) -> None:
        concurrency = self._workshop.deps.settings.download_concurrency
        async with self._workshop.deps.db.transaction() as tx:
            due = await attempts.list_due(tx, self._workshop.pace.max_rank(), concurrency)
        for media_id in due:
            woken = await self._workshop.deps.wakeups.wake_acquire(media_id)
            if not woken and not self._do(acquire_trailer({DEPS: self._workshop}, media_id)):
                return

    def _do(self, job: Coroutine[Any, Any, None]) -> bool:
        """Run a job here and now, unless enough are under way; what is left waits for the next sweep."""
        if len(self._by_hand) >= BY_HAND:
            job.close()
            return False
        task = asyncio.create_task(job)
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)
        return True


async def keep_pruning(workshop: Workshop) -> None:
    """Delete old events every ten minutes; while Postgres is away there is nothing to delete."""
    while True:
        try:
            await housekeeping.prune_events(workshop.deps)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot prune events", why=error.message)
        await asyncio.sleep(PRUNE_INTERVAL)


async def keep_beating(workshop: Workshop, name: str) -> None:
    """Say every ten seconds that this worker is alive."""
    while True:
        await workshop.deps.live.beat(name, workshop.deps.now())
        await asyncio.sleep(BEAT_INTERVAL)
