"""Group commit: webhooks that come together share one transaction, and each waits for its own commit.

No timer: while one batch commits the next one gathers, so a lone webhook waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import DBAPIError

from app.context import Deps
from app.db import events
from app.db.events import NewEvent, StoredEvent
from app.errors import Unavailable

MOST_WAITING = 2000
BATCH = 256
PATIENCE = 1.8  # s; an Arr waits, and Postgres may be away
LOCK_TIMEOUT = timedelta(milliseconds=250)
LOCK_TIMEOUT_ALONE = timedelta(milliseconds=1500)
ALONE_AT_ONCE = 3

_LOCK_NOT_AVAILABLE = "55P03"
_Entry = tuple[NewEvent, "asyncio.Future[StoredEvent]"]


class Inbox:
    """Stores events from entering to leaving; what still waits then is refused."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._waiting: deque[_Entry] = deque()
        self._arrived = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()
        self._alone_at_once = asyncio.Semaphore(ALONE_AT_ONCE)

    async def __aenter__(self) -> Self:
        self._flusher = asyncio.create_task(self._flush_for_ever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = [*self._alone, *([self._flusher] if self._flusher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _refuse(list(self._waiting), Unavailable("Trailhook is stopping; send this webhook again."))

    async def store(self, new: NewEvent) -> StoredEvent:
        """Store one event; returns after its commit. Raises Unavailable where Postgres cannot, or takes too long."""
        if len(self._waiting) >= MOST_WAITING:
            message = "More webhooks wait than can be stored; send this one again in a few seconds."
            raise Unavailable(message)
        stored: asyncio.Future[StoredEvent] = asyncio.get_running_loop().create_future()
        self._waiting.append((new, stored))
        self._arrived.set()
        try:
            async with asyncio.timeout(PATIENCE):
                return await stored
        except TimeoutError as error:
            message = "Postgres takes too long to store the event; it was refused so that it can be sent again."
            raise Unavailable(message) from error

    async def _flush_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                await self._flush([entry for entry in batch if not entry[1].done()])

    async def _flush(self, batch: list[_Entry]) -> None:
        try:
            await self._commit(batch, LOCK_TIMEOUT)
        except Unavailable as error:
            _refuse(batch, error)
        except DBAPIError as error:
            structlog.get_logger(__name__).warning("storing events one by one", events=len(batch), why=str(error.orig))
            for entry in batch:
                task = asyncio.create_task(self._flush_alone(entry))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)

    async def _flush_alone(self, entry: _Entry) -> None:
        """Store one event by itself, so that one locked item or one bad row delays no other."""
        try:
            async with self._alone_at_once:
                await self._commit([entry], LOCK_TIMEOUT_ALONE)
        except Unavailable as error:
            _refuse([entry], error)
        except DBAPIError as error:
            locked = getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE
            _refuse([entry], Unavailable("The item is busy; send this webhook again.") if locked else error)

    async def _commit(self, batch: list[_Entry], lock_timeout: timedelta) -> None:
        if not batch:
            return
        async with self._deps.db.transaction() as tx:
            stored = await events.store_batch(tx, [new for new, _ in batch], lock_timeout)
        for (_, future), event in zip(batch, stored, strict=True):
            if not future.done():
                future.set_result(event)


def _refuse(batch: list[_Entry], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
