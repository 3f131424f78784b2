"""One title as the database and the disk know it, and the one way to change what was decided about it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import attempts, connections, media
from app.domain import intents
from app.domain.acquiring import trailer_name
from app.domain.disk import DiskLook, DiskQuestion, FolderState
from app.domain.intents import Circumstances
from app.domain.policy import Policy, default_policy, effective_policy
from app.domain.records import Media
from app.errors import StorageError
from app.pipeline.settings import tunables


async def change_title(
    deps: Deps, tx: AsyncConnection, media_id: int, change: Callable[[Media], Media]
) -> Media | None:
    """Apply a change, decide anew and write, under the row's lock; None where the title is gone."""
    before = await media.get(tx, media_id, lock=True)
    if before is None:
        return None
    policy = await policy_of(deps, tx, before.connection_id)
    circumstances = Circumstances(policy, deps.now(), bool(await attempts.live_among(tx, [media_id])))
    after = intents.decided(change(before), circumstances)
    if after != before:
        await media.update_media_status_bulk(tx, [after])
    return after


async def policy_of(deps: Deps, tx: AsyncConnection, connection_id: int) -> Policy:
    """Give the trailer policy that holds for a connection."""
    default = default_policy(await tunables(deps, tx))
    connection = await connections.get(tx, connection_id)
    return default if connection is None else effective_policy(default, connection.policy, connection.tag_labels)


async def look_at(deps: Deps, title: Media, policy: Policy, *, shared: bool, ours: Collection[str] = ()) -> DiskLook:
    """Look at a title's folder; what cannot be looked at is UNREACHABLE, never "no trailer".

    `ours` are our trailers there; they count whatever their names, as does the name that ours would have.
    """
    if title.folder_path is None:
        return DiskLook(FolderState.ABSENT)
    folder = Path(title.folder_path)
    root = Path(title.root_path) if title.root_path is not None else folder.parent
    try:
        own = frozenset({*ours, trailer_name(title, policy, shared=shared)})
        question = DiskQuestion(title.kind, folder, root, title.media_filename, shared, own)
        return await deps.library.check_trailer_exists(question)
    except StorageError:
        return DiskLook(FolderState.UNREACHABLE)
