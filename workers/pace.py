"""The pause between downloads, kept by each worker process so that no source takes us for an attack."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

from app.domain.records import Rank


class Pace:
    """Lets downloads start one gap after the last ended, and back-fill only after the longer gap."""

    def __init__(self, gap: timedelta, backfill_gap: timedelta) -> None:
        self._ended: float | None = None
        self._changed = asyncio.Event()
        self.use(gap, backfill_gap)

    def use(self, gap: timedelta, backfill_gap: timedelta) -> None:
        """Keep these gaps from now on; who waits already waits by them too."""
        self._gap = gap.total_seconds()
        self._backfill_gap = backfill_gap.total_seconds()
        self._changed.set()
        self._changed.clear()

    def max_rank(self) -> Rank:
        """Give the least urgent rank that may start now."""
        return Rank.BACKFILL if self._left(self._backfill_gap) <= 0 else Rank.RETRY

    async def turn(self) -> Rank:
        """Wait until a download may start; gives the least urgent rank that may."""
        while (left := self._left(self._gap)) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
        return self.max_rank()

    def ended(self) -> None:
        """Note that a download ended."""
        self._ended = time.monotonic()

    def _left(self, gap: float) -> float:
        return 0.0 if self._ended is None else self._ended + gap - time.monotonic()
