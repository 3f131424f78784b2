"""Group commit: webhooks that come together share one transaction, and each waits for its own commit.

No timer: while one batch commits the next one gathers, so a lone webhook waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog

from app.context import Deps, Statements
from app.db import events
from app.db.engine import StatementFailed
from app.db.events import NewEvent, StoredEvent
from app.errors import NotFound, Unavailable

MOST_WAITING = 2000
MOST_BYTES_WAITING = 256 * 1024 * 1024
BATCH = 256
BATCH_BYTES = 8 * 1024 * 1024
PATIENCE = 1.8  # s; an Arr waits, and Postgres may be away
LOCK_TIMEOUT = timedelta(milliseconds=250)
LOCK_TIMEOUT_PARTED = timedelta(milliseconds=20)
LOCK_TIMEOUT_APART = timedelta(milliseconds=1500)
APART_AT_ONCE = 3

_LOCK_NOT_AVAILABLE = "55P03"
_NO_SUCH_CONNECTION = "23503"
_Item = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One event and who waits for its commit."""

    new: NewEvent
    stored: asyncio.Future[StoredEvent]

    @property
    def item(self) -> _Item:
        return self.new.connection_id, self.new.arr_id


class Inbox:
    """Stores events from entering to leaving; what still waits then is refused.

    A batch that Postgres refuses is parted until the items at fault are found; these have a lane of their own until
    nothing of them waits any more, so that a locked item or a bad row delays only itself.
    """

    def __init__(self, deps: Deps) -> None:
        self._db = deps.db
        self._standing = deps.db.standing()
        self._waiting: deque[_Entry] = deque()
        self._arrived = asyncio.Event()
        self._events_held = 0
        self._bytes_held = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._parting = asyncio.Lock()
        self._apart: dict[_Item, deque[_Entry]] = {}
        self._apart_at_once = asyncio.Semaphore(APART_AT_ONCE)

    async def __aenter__(self) -> Self:
        self._start(self._flush_for_ever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = [*self._waiting, *(entry for lane in self._apart.values() for entry in lane)]
        _refuse(left, Unavailable("Trailhook is stopping; send this webhook again."))
        await self._standing.aclose()

    async def store(self, new: NewEvent) -> StoredEvent:
        """Store one event; returns after its commit. Raises Unavailable where Postgres cannot, or takes too long."""
        size = len(new.payload)
        if self._events_held >= MOST_WAITING or self._bytes_held + size > MOST_BYTES_WAITING:
            message = "More webhooks wait than can be stored; send this one again in a few seconds."
            raise Unavailable(message)
        loop = asyncio.get_running_loop()
        entry = _Entry(new, loop.create_future())
        self._events_held += 1
        self._bytes_held += size
        patience = loop.call_later(PATIENCE, _give_up, entry.stored)
        try:
            self._put(entry)
            return await entry.stored
        finally:
            patience.cancel()
            self._events_held -= 1
            self._bytes_held -= size

    def _put(self, entry: _Entry) -> None:
        if self._apart and entry.item in self._apart:
            self._apart[entry.item].append(entry)
            return
        self._waiting.append(entry)
        self._arrived.set()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._flush(_take_batch(self._waiting))

    async def _flush(self, batch: list[_Entry]) -> None:
        if not await self._settle(batch, self._standing, LOCK_TIMEOUT):
            self._start(self._part(batch))

    async def _part(self, batch: list[_Entry]) -> None:
        """Store what can be stored of a refused batch, half by half, and put the items at fault apart."""
        by_item: dict[_Item, list[_Entry]] = {}
        for entry in batch:
            by_item.setdefault(entry.item, []).append(entry)
        parts = [list(by_item)]
        async with self._parting, aclosing(self._db.standing()) as own:
            while parts:
                items = parts.pop()
                entries = [entry for item in items for entry in by_item[item] if not entry.stored.done()]
                if await self._settle(entries, own, LOCK_TIMEOUT_PARTED):
                    continue
                if len(items) == 1:
                    self._set_apart(items[0], entries)
                else:
                    half = len(items) // 2
                    parts += [items[:half], items[half:]]

    def _set_apart(self, item: _Item, entries: list[_Entry]) -> None:
        if item in self._apart:
            self._apart[item].extend(entries)
            return
        self._apart[item] = deque(entries)
        self._start(self._flush_apart(item))

    async def _flush_apart(self, item: _Item) -> None:
        """Store the events of one item one by one as long as any wait; a refusal is told to its sender."""
        lane = self._apart[item]
        try:
            async with self._apart_at_once, aclosing(self._db.standing()) as own:
                while lane:
                    entry = lane.popleft()
                    if not entry.stored.done():
                        await self._settle_alone(entry, own)
        finally:
            del self._apart[item]
            for entry in lane:
                self._put(entry)

    async def _settle(self, batch: list[_Entry], statements: Statements, lock_timeout: timedelta) -> bool:
        """Store a batch, or refuse it where Postgres is away; False where Postgres refuses something in it."""
        if not batch:
            return True
        try:
            stored = await events.store_batch(statements, [entry.new for entry in batch], lock_timeout)
        except StatementFailed as error:
            log = structlog.get_logger(__name__)
            log.warning("a batch of events is parted", events=len(batch), why=str(error.__cause__))
            return False
        except Exception as error:  # noqa: BLE001 - each sender's request raises it; the next batch must be stored
            _refuse(batch, error)
        else:
            for entry, event in zip(batch, stored, strict=True):
                if not entry.stored.done():
                    entry.stored.set_result(event)
        return True

    async def _settle_alone(self, entry: _Entry, statements: Statements) -> None:
        try:
            (event,) = await events.store_batch(statements, [entry.new], LOCK_TIMEOUT_APART)
        except StatementFailed as error:
            _refuse([entry], _refusal(error))
        except Exception as error:  # noqa: BLE001 - the sender's request raises it; the next event must be stored
            _refuse([entry], error)
        else:
            if not entry.stored.done():
                entry.stored.set_result(event)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _take_batch(waiting: deque[_Entry]) -> list[_Entry]:
    """Take what came first, up to the bounds of a batch; who has given up is left out."""
    batch: list[_Entry] = []
    size = 0
    while waiting and len(batch) < BATCH and (not batch or size + len(waiting[0].new.payload) <= BATCH_BYTES):
        entry = waiting.popleft()
        if not entry.stored.done():
            batch.append(entry)
            size += len(entry.new.payload)
    return batch


def _refusal(error: StatementFailed) -> Exception:
    """Give what a sender is told; what is no expected failure stays a bug."""
    if error.sqlstate == _LOCK_NOT_AVAILABLE:
        return Unavailable("The item is busy; send this webhook again.")
    if error.sqlstate == _NO_SUCH_CONNECTION:
        return NotFound("There is no such webhook any more; its connection was deleted.")
    return error


def _give_up(stored: asyncio.Future[StoredEvent]) -> None:
    if not stored.done():
        stored.set_exception(
            Unavailable("Postgres takes too long to store the event; it was refused so that it can be sent again.")
        )


def _refuse(entries: Iterable[_Entry], error: Exception) -> None:
    for entry in entries:
        if not entry.stored.done():
            entry.stored.set_exception(error)
