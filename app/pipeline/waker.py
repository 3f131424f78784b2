"""Wake-ups after the answer: no webhook waits for Redis; without it the sweep finds what was stored."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from app.context import Deps

GAP = 0.05  # s; one wake-up covers all that was stored before it
AWAY_PAUSE = 0.5  # s


class Waker:
    """Sends wake-ups in the background from entering to leaving; several for one connection become one."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: set[int] = set()
        self._asked = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sender = asyncio.create_task(self._send_for_ever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    def wake(self, connection_id: int) -> None:
        """Ask for the syncs of what is due of a connection."""
        self._waiting.add(connection_id)
        self._asked.set()

    async def _send_for_ever(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            connection_ids = sorted(self._waiting)
            self._waiting.clear()
            woken = await self._deps.wakeups.wake_syncs(connection_ids)
            await asyncio.sleep(GAP if woken else AWAY_PAUSE)
