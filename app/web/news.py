"""What is told of progress and changes: each process hears Redis once, for all who watch."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import structlog

from app.context import Deps
from app.errors import TooMany, Unavailable
from app.waiting import ended
from schemas.live import LiveEvent

MOST_WATCHERS = 100
MOST_WAITING = 50
RETRY = 5.0  # s until a Redis that is away is asked again


class News:
    """Hears Redis while anybody watches, and passes on; a watcher that reads too slowly misses some."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._watchers: set[asyncio.Queue[LiveEvent]] = set()
        self._listener: asyncio.Task[None] | None = None

    def join(self) -> asyncio.Queue[LiveEvent]:
        """Add a watcher. Raises TooMany."""
        if len(self._watchers) >= MOST_WATCHERS:
            message = "Too many pages are open; close some."
            raise TooMany(message, 60)
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(MOST_WAITING)
        self._watchers.add(queue)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        return queue

    def leave(self, queue: asyncio.Queue[LiveEvent]) -> None:
        """Remove a watcher; soon after the last one the listening ends."""
        self._watchers.discard(queue)

    async def aclose(self) -> None:
        """End the listening."""
        if self._listener is not None:
            await ended(self._listener)

    async def _listen(self) -> None:
        while self._watchers:
            try:
                async with aclosing(self._deps.live.listen()) as news:
                    async for event in news:
                        if not self._watchers:
                            return
                        if event is not None:
                            self._pass_on(event)
            except Unavailable as error:
                structlog.get_logger(__name__).info("no live news", why=error.message)
            await asyncio.sleep(RETRY)

    def _pass_on(self, event: LiveEvent) -> None:
        for queue in self._watchers:
            if not queue.full():
                queue.put_nowait(event)
