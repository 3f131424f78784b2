"""The pause between downloads, kept by each worker process so that no source takes us for an attack."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from app.domain.records import Rank


class Pace:
    """Lets downloads start one gap after the last ended, and back-fill only after the longer gap."""

    def __init__(self, gap: timedelta, backfill_gap: timedelta) -> None:
        self._gap = gap.total_seconds()
        self._backfill_gap = backfill_gap.total_seconds()
        self._ended: float | None = None

    def max_rank(self) -> Rank:
        """Give the least urgent rank that may start now."""
        rested = self._ended is None or time.monotonic() - self._ended >= self._backfill_gap
        return Rank.BACKFILL if rested else Rank.RETRY

    async def turn(self) -> Rank:
        """Wait until a download may start; gives the least urgent rank that may."""
        if self._ended is not None:
            await asyncio.sleep(max(0.0, self._ended + self._gap - time.monotonic()))
        return self.max_rank()

    def ended(self) -> None:
        """Note that a download ended."""
        self._ended = time.monotonic()
