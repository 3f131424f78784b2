"""A person's "not this one": our trailer goes, its video is never taken again for this title, the next one is tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps, OwnFile, Removal
from app.db import media, rejections, trailers
from app.db.trailers import Placed
from app.domain import intents
from app.domain.records import Media
from app.errors import Conflict, NotFound, StorageError
from app.pipeline.titles import change_title
from schemas.media import canonical_trailer_url

NOT_OURS = "not_ours"


async def reject_trailer(deps: Deps, media_id: int) -> Media:
    """Remove the title's trailer and ask for another. Raises NotFound, Conflict (`not_ours`, `storage`).

    The video is rejected before the file goes: what a crash leaves is done by asking once more.
    """
    async with deps.db.transaction() as tx:
        title = await media.get(tx, media_id)
        if title is None:
            message = f"There is no title {media_id}."
            raise NotFound(message)
        placed = await _placed(tx, title)
        await rejections.add(tx, title, placed.video_id)
    file = OwnFile(Path(placed.folder_path), placed.rel_path, placed.size, placed.mtime_ns)
    if await _remove(deps, file) is Removal.CHANGED:
        message = (
            f"Somebody changed {placed.rel_path} since Trailhook placed it, so it is left alone: remove it yourself."
        )
        raise Conflict(message, NOT_OURS)
    async with deps.db.transaction() as tx:
        await media.get(tx, media_id, lock=True)
        await trailers.forget(tx, placed.folder_path, [placed.rel_path])
        changed = await change_title(deps, tx, media_id, lambda before: _another(before, placed.video_id))
    await deps.wakeups.wake_acquire(media_id)
    return changed or title


async def _remove(deps: Deps, file: OwnFile) -> Removal:
    try:
        return await deps.library.remove_own(file)
    except StorageError as error:
        raise Conflict(error.message, error.code) from error


async def _placed(tx: AsyncConnection, title: Media) -> Placed:
    """Give the trailer of ours that was placed for the title, by whichever connection. Raises Conflict."""
    ours = [] if title.folder_path is None else await trailers.placed_in(tx, title.folder_path)
    own = [one for one in ours if one.media_id == title.id or one.identity == title.identity]
    if own:
        return own[-1]
    if title.trailer_exists:
        message = "This trailer is not one that Trailhook placed, so it is left alone: remove it yourself."
        raise Conflict(message, NOT_OURS)
    message = f"{title.title} has no trailer to reject."
    raise Conflict(message)


def _another(title: Media, video_id: str) -> Media:
    chosen = title.trailer_url is not None and title.trailer_url == canonical_trailer_url(video_id)
    without = replace(title, trailer_exists=False, trailer_url=None if chosen else title.trailer_url)
    return intents.asked_for(without)
