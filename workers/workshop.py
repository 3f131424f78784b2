"""What the parts of one worker process share, and the work off Postgres that its wake-ups and its sweep start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from app.context import Deps
from app.domain.records import Media
from app.pipeline import servers
from app.pipeline.connection_manager import claim_next_item, claim_next_run, seconds_until_next_item
from app.pipeline.turns import Turns
from app.waiting import ended
from workers.loops import NOW, Loops
from workers.outcome import settled
from workers.pace import Pace

ITEMS_AT_ONCE = 4  # of each connection, so that an Arr that hangs holds up no other
REFRESHES_AT_ONCE = 16  # most of them wait for their Arrs: a list that hangs keeps one of them for minutes
REFRESHES_WORKING = 2


class Workshop:
    """One process's work: items of each connection in loops of their own, refreshes of all in a few."""

    def __init__(self, deps: Deps, pace: Pace) -> None:
        self.deps = deps
        self.pace = pace
        self.downloads = asyncio.Semaphore(deps.settings.download_concurrency)
        self._items: dict[int, Loops] = {}
        self._refreshes = Loops(REFRESHES_AT_ONCE, self._refresh_one)
        self._turns = Turns(deps.db, REFRESHES_WORKING)
        self._telling: set[asyncio.Task[None]] = set()

    def tell_servers(self, title: Media) -> None:
        """Tell the media servers of a new trailer; the next download does not wait for them."""
        telling = asyncio.create_task(servers.tell(self.deps, title))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def wake_items(self, connection_id: int) -> None:
        """Sync the due items of a connection, the longest due first, until none is left."""
        if connection_id not in self._items:
            self._items[connection_id] = Loops(ITEMS_AT_ONCE, partial(self._sync_one, connection_id))
        self._items[connection_id].wake()

    def wake_refreshes(self) -> None:
        """Take the runs that wait, until none is left."""
        self._refreshes.wake()

    async def stop(self, grace: float) -> None:
        """Take up nothing more; what is under way has `grace` seconds to end and is handed back then."""
        await asyncio.gather(*(loops.stop(grace) for loops in (self._refreshes, *self._items.values())))
        await ended(*self._telling)
        await self._turns.aclose()

    async def _sync_one(self, connection_id: int, found: Callable[[], None]) -> float | None:
        pause: float | None = None
        async with settled("sync_items", connection_id=connection_id):
            claimed = await claim_next_item(self.deps, connection_id)
            if claimed is None:
                pause = await seconds_until_next_item(self.deps, connection_id)
            else:
                found()
                manager, held = claimed
                await manager.sync_claimed(held)
                pause = NOW
        return pause

    async def _refresh_one(self, found: Callable[[], None]) -> float | None:
        pause: float | None = None
        async with settled("refresh_connections"):
            claimed = await claim_next_run(self.deps)
            if claimed is not None:
                found()
                manager, held = claimed
                await manager.refresh(held, self._turns)
                pause = NOW
        return pause
