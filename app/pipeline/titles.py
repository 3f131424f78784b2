"""One title as the database and the disk know it, and the one way to change what was decided about it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import PurePosixPath

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import attempts, connections, media
from app.domain import intents
from app.domain.acquiring import Named, trailer_name
from app.domain.disk import DiskLook, DiskQuestion, FolderState
from app.domain.intents import Circumstances
from app.domain.monitoring import MonitorFacts, decide_monitor
from app.domain.paths import LocalPath, title_folder, to_local
from app.domain.policy import Policy, default_policy, effective_policy
from app.domain.records import Connection, Media, StagedMedia
from app.errors import StorageError
from app.pipeline.settings import tunables
from schemas.connection import PathMapping
from schemas.media import MediaCreate


async def change_title(
    deps: Deps, tx: AsyncConnection, media_id: int, change: Callable[[Media], Media]
) -> Media | None:
    """Apply a change, decide anew and write, under the row's lock; None where the title is gone."""
    before = await media.get(tx, media_id, lock=True)
    if before is None:
        return None
    policy = await policy_of(deps, tx, before.connection_id)
    live = bool(await attempts.live_among(tx, [media_id]))
    circumstances = Circumstances(policy, deps.now(), live, catalogue=deps.catalogue is not None)
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
    try:
        question = question_about(title, policy, shared=shared, ours=ours)
        if question is None:
            return DiskLook(FolderState.ABSENT)
        return await deps.library.check_trailer_exists(question)
    except StorageError:
        return DiskLook(FolderState.UNREACHABLE)


def question_about(title: Media, policy: Policy, *, shared: bool, ours: Collection[str] = ()) -> DiskQuestion | None:
    """Say what to look for in a title's folder, None where it has none. Raises StorageError for a file outside it."""
    if title.folder_path is None:
        return None
    own = frozenset({*ours, trailer_name(title, policy, shared=shared)})
    return _question(title, title.folder_path, title.root_path, shared=shared, own=own)


def question_about_new(staged: StagedMedia, policy: Policy) -> DiskQuestion | None:
    """Say the same of a title that has no row yet and its folder for itself. Raises as `question_about` does."""
    if staged.folder_path is None:
        return None
    own = frozenset({trailer_name(staged.created, policy, shared=False)})
    return _question(staged.created, staged.folder_path, staged.root_path, shared=False, own=own)


def _question(title: Named, folder: str, root: str | None, *, shared: bool, own: frozenset[str]) -> DiskQuestion:
    root = root if root is not None else folder.rpartition("/")[0] or "/"
    return DiskQuestion(title.kind, folder, root, title.media_filename, shared, own)


@lru_cache(maxsize=64)
def _local_root(arr_root: str, mappings: tuple[PathMapping, ...]) -> LocalPath | None:
    return to_local(arr_root, mappings)


def stage(created: MediaCreate, connection: Connection) -> StagedMedia:
    """Add to what an Arr says of a title what its connection's rules add."""
    mappings = connection.path_mappings
    local = to_local(created.arr_path, mappings)
    root = _local_root(created.arr_root, mappings) if created.arr_root else None
    folder = title_folder(local, root)
    facts = MonitorFacts(connection.monitor_type, connection.created_at, created.arr_monitored, created.arr_added_at)
    return StagedMedia(
        created=created,
        monitor=decide_monitor(facts),
        path_mapped=local is not None and local.mapped,
        folder_path=folder,
        root_path=None if folder is None else (root.path if root else str(PurePosixPath(folder).parent)),
    )
