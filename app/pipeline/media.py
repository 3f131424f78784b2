"""What a person changes on a title: a pin on monitoring, and a trailer of their choice."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import connections, media
from app.domain import intents
from app.domain.monitoring import MonitorFacts, decide_monitor
from app.domain.records import Media
from app.errors import NotFound
from app.pipeline.titles import change_title
from schemas.media import MediaUpdate


async def update_media(deps: Deps, media_id: int, changes: MediaUpdate) -> Media:
    """Apply what the request names and leave the rest; wakes a download where one is wanted now. Raises NotFound."""
    async with deps.db.transaction() as tx:
        title = await media.get(tx, media_id, lock=True)
        if title is None:
            raise NotFound(_no_title(media_id))
        by_rule = await _monitor_by_rule(tx, title)
        changed = await change_title(deps, tx, media_id, lambda before: _changed(before, changes, monitor=by_rule))
    if changed is None:
        raise NotFound(_no_title(media_id))
    if changed.due_rank is not None and changed.next_try_at is None:
        await deps.wakeups.wake_acquire(changed.id)
    return changed


async def get_media(deps: Deps, media_id: int) -> Media:
    """Get one title. Raises NotFound."""
    async with deps.db.transaction() as tx:
        title = await media.get(tx, media_id)
    if title is None:
        raise NotFound(_no_title(media_id))
    return title


def _changed(before: Media, changes: MediaUpdate, *, monitor: bool) -> Media:
    after = before
    if "monitor" in changes.model_fields_set:
        pinned = changes.monitor is not None
        after = replace(after, monitor_pinned=pinned, monitor=monitor if changes.monitor is None else changes.monitor)
    if "trailer_url" in changes.model_fields_set:
        after = replace(after, trailer_url=changes.trailer_url)
        after = after if changes.trailer_url is None else intents.asked_for(after)
    return after


async def _monitor_by_rule(tx: AsyncConnection, title: Media) -> bool:
    connection = await connections.get(tx, title.connection_id)
    if connection is None:
        return title.monitor
    return decide_monitor(
        MonitorFacts(connection.monitor_type, connection.created_at, title.arr_monitored, title.arr_added_at)
    )


def _no_title(media_id: int) -> str:
    return f"There is no title {media_id}."
