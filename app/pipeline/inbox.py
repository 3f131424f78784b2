"""Group commit: webhooks that come together share one transaction, and each waits for its own commit.

No timer: while one batch commits the next one gathers, so a lone webhook waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog

from app.context import Deps
from app.db import events
from app.db.engine import StatementFailed
from app.db.events import NewEvent, StoredEvent
from app.errors import NotFound, Unavailable

MOST_WAITING = 2000
BATCH = 256
PATIENCE = 1.8  # s; an Arr waits, and Postgres may be away
LOCK_TIMEOUT = timedelta(milliseconds=250)
LOCK_TIMEOUT_ALONE = timedelta(milliseconds=1500)
ALONE_AT_ONCE = 3

_LOCK_NOT_AVAILABLE = "55P03"
_NO_SUCH_CONNECTION = "23503"
_Entry = tuple[NewEvent, "asyncio.Future[StoredEvent]"]


class Inbox:
    """Stores events from entering to leaving; what still waits then is refused."""

    def __init__(self, deps: Deps) -> None:
        self._standing = deps.db.standing()
        self._db = deps.db
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
        await self._standing.close()

    async def store(self, new: NewEvent) -> StoredEvent:
        """Store one event; returns after its commit. Raises Unavailable where Postgres cannot, or takes too long."""
        if len(self._waiting) >= MOST_WAITING:
            message = "More webhooks wait than can be stored; send this one again in a few seconds."
            raise Unavailable(message)
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[StoredEvent] = loop.create_future()
        self._waiting.append((new, stored))
        self._arrived.set()
        patience = loop.call_later(PATIENCE, _give_up, stored)
        try:
            return await stored
        finally:
            patience.cancel()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                await self._flush([entry for entry in batch if not entry[1].done()])

    async def _flush(self, batch: list[_Entry]) -> None:
        if not batch:
            return
        new = [new for new, _ in batch]
        try:
            stored = await events.store_batch(self._standing, new, LOCK_TIMEOUT)
        except Unavailable as error:
            _refuse(batch, error)
        except StatementFailed as error:
            log = structlog.get_logger(__name__)
            log.warning("storing events one by one", events=len(batch), why=str(error.__cause__))
            for entry in batch:
                task = asyncio.create_task(self._flush_alone(entry))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)
        except Exception as error:  # noqa: BLE001 - each sender's request raises it; the next batch must be stored
            _refuse(batch, error)
        else:
            _acknowledge(batch, stored)

    async def _flush_alone(self, entry: _Entry) -> None:
        """Store one event by itself, so that one locked item or one bad row delays no other."""
        own = self._db.standing()
        try:
            async with self._alone_at_once:
                stored = await events.store_batch(own, [entry[0]], LOCK_TIMEOUT_ALONE)
        except Unavailable as error:
            _refuse([entry], error)
        except StatementFailed as error:
            _refuse([entry], _refusal(error))
        else:
            _acknowledge([entry], stored)
        finally:
            await own.close()


def _refusal(error: StatementFailed) -> Exception:
    """Give what a sender is told; what is no expected failure stays a bug."""
    if error.sqlstate == _LOCK_NOT_AVAILABLE:
        return Unavailable("The item is busy; send this webhook again.")
    if error.sqlstate == _NO_SUCH_CONNECTION:
        return NotFound("There is no such webhook any more; its connection was deleted.")
    return error


def _acknowledge(batch: list[_Entry], stored: Sequence[StoredEvent]) -> None:
    for (_, future), event in zip(batch, stored, strict=True):
        if not future.done():
            future.set_result(event)


def _give_up(stored: asyncio.Future[StoredEvent]) -> None:
    if not stored.done():
        stored.set_exception(
            Unavailable("Postgres takes too long to store the event; it was refused so that it can be sent again.")
        )


def _refuse(batch: list[_Entry], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
