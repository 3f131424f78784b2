"""Turns of reconciliations: many may wait for their Arrs, few work at a time, each with a kept database connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.context import Statements, Transactions

_REST = 0.5  # of the turn's time


class Turns:
    """`most` turns at a time; a turn is taken for what has arrived, never while waiting for an Arr."""

    def __init__(self, db: Transactions, most: int) -> None:
        self._db = db
        self._free = asyncio.Semaphore(most)
        self._kept: list[Statements] = []

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Statements]:
        """Wait for a turn; it lasts as long as the block, and half as long again nothing is done.

        A webhook or an event's sync on the same machine finds a processor free soon, whatever a large library takes.
        """
        async with self._free:
            statements = self._kept.pop() if self._kept else self._db.standing()
            began = time.monotonic()
            try:
                yield statements
            finally:
                self._kept.append(statements)
            await asyncio.sleep((time.monotonic() - began) * _REST)

    async def aclose(self) -> None:
        """Close what is kept; no turn may be taken."""
        while self._kept:
            await self._kept.pop().aclose()
