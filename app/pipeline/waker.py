"""Wake-ups after the answer: no webhook waits for Redis; without it the sweep finds what was stored."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from app.context import Deps, SyncWake

MOST_WAITING = 10_000
AWAY_PAUSE = 0.5  # s


class Waker:
    """Sends wake-ups in the background from entering to leaving; several for one item become one."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: dict[tuple[int, int], int] = {}
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

    def wake(self, connection_id: int, arr_id: int, seq: int) -> None:
        """Ask for a sync soon; what does not fit is left to the sweep."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[connection_id, arr_id] = seq
            self._asked.set()

    async def _send_for_ever(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            wakes = [SyncWake(*item, seq) for item, seq in self._waiting.items()]
            self._waiting.clear()
            if not await self._deps.wakeups.wake_syncs(wakes):
                await asyncio.sleep(AWAY_PAUSE)
