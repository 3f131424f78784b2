"""What a person does with a stored event: have it handled again."""

from __future__ import annotations

from app.context import Deps
from app.db import connections, event_views, events
from app.errors import Conflict, NotFound
from schemas.event import EventRead


async def replay_event(deps: Deps, event_id: int) -> EventRead:
    """Make an event pending again and its item due now, whatever became of it; a worker is woken after the commit.

    Raises NotFound, Conflict where it names no item or its connection is disabled.
    """
    async with deps.db.transaction() as tx:
        found = await event_views.get(tx, event_id)
        if found is None:
            raise NotFound(no_event(event_id))
        if found.arr_id is None:
            message = (
                f"Event {event_id} asked for no title, so there is nothing to do again; `reconcile` finds all else."
            )
            raise Conflict(message)
        connection = await connections.get(tx, found.connection_id)
        if connection is None or not connection.enabled:
            message = f"{found.connection_name} is disabled: enable it, then replay its events."
            raise Conflict(message)
        await events.make_pending(tx, event_id, found.connection_id, found.arr_id)
        replayed = await event_views.get(tx, event_id)
        if replayed is None:
            raise NotFound(no_event(event_id))
    await deps.wakeups.wake_syncs({replayed.connection_id})
    return replayed


def no_event(event_id: int) -> str:
    """Say that there is no such event."""
    return f"There is no event {event_id}."
