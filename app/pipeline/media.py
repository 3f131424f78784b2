"""What a person does with a title: pin its monitoring, choose its trailer, have it fetched now, look at it anew."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import connections, item_sync, media
from app.domain import intents
from app.domain.monitoring import MonitorFacts, decide_monitor
from app.domain.records import Media
from app.domain.status import explain
from app.errors import Conflict, NotFound
from app.pipeline.titles import change_title
from schemas.base import MonitorStatus
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


async def download_now(deps: Deps, media_id: int) -> Media:
    """Put a title first in the queue, whatever failed or was removed before. Raises NotFound, Conflict."""
    async with deps.db.transaction() as tx:
        title = await media.get(tx, media_id, lock=True)
        if title is None:
            raise NotFound(_no_title(media_id))
        if title.trailer_exists:
            message = f"{title.title} has a trailer; say that it is not the right one to get another."
            raise Conflict(message, "has_trailer")
        changed = await change_title(deps, tx, media_id, intents.asked_for) or title
    if changed.due_rank is None and changed.status is not MonitorStatus.DOWNLOADING:
        raise Conflict(f"{title.title} cannot be downloaded now. {explain(changed.reason, changed.reason_detail)}")
    await deps.wakeups.wake_acquire(changed.id)
    return changed


async def sync_now(deps: Deps, media_id: int) -> Media:
    """Have the Arr asked for a title and its folder looked at. Raises NotFound, Conflict."""
    async with deps.db.transaction() as tx:
        title = await media.get(tx, media_id)
        if title is None:
            raise NotFound(_no_title(media_id))
        if title.arr_id is None:
            message = f"{title.title} is no longer in the Arr, so there is nothing to ask for."
            raise Conflict(message)
        await item_sync.request(tx, title.connection_id, title.arr_id)
    await deps.wakeups.wake_syncs([title.connection_id])
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
