"""Our trailers live with the library: renamed with their media file, taken up again, cleaned up after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps, OwnFile, Removal
from app.db import connections, media, trailers
from app.db.trailers import Followed
from app.domain.following import (
    FILE_LEFT,
    TITLE_LEFT,
    Cleanup,
    CleanupDecision,
    CleanupFacts,
    decide_cleanup,
    new_name,
)
from app.domain.policy import Policy
from app.domain.records import Media
from app.errors import StorageError
from app.pipeline.titles import change_title, policy_of

AT_ONCE = 100
LEASE = timedelta(hours=1)


async def follow(deps: Deps, title: Media) -> None:
    """Let the trailers of a title that was just looked at fit it again; what the disk refuses is tried another time."""
    if title.folder_path is None:
        return
    async with deps.db.transaction() as tx:
        followed = await trailers.of_title(tx, title)
        if not followed:
            return
        shared = bool(await media.in_shared_folders(tx, [title.id]))
        policy = await policy_of(deps, tx, title.connection_id)
    for one in followed:
        try:
            await _follow(deps, title, policy, one, shared=shared)
        except StorageError as error:
            log = structlog.get_logger(__name__)
            log.warning("a trailer cannot follow its title", title=title.title, why=error.message)


async def clean_up_after_titles(deps: Deps) -> None:
    """Look at trailers whose title or media file left some time ago, and remove those that nothing needs any more."""
    async with deps.db.transaction() as tx:
        await trailers.notice_left_titles(tx, TITLE_LEFT)
        due = await trailers.take_due(tx, AT_ONCE, LEASE)
    for one in due:
        await _clean_up(deps, one)


async def _follow(deps: Deps, title: Media, policy: Policy, one: Followed, *, shared: bool) -> None:
    assert title.folder_path is not None
    folder, rel_path = Path(title.folder_path), one.file.rel_path
    if one.file.folder != folder and not await _is_at(deps, replace(one.file, folder=folder)):
        async with deps.db.transaction() as tx:
            await trailers.leave_behind(tx, one.id, TITLE_LEFT)
        return
    wanted = new_name(title, policy, rel_path, shared=shared)
    if wanted is not None:
        rel_path = await _rename(deps, replace(one.file, folder=folder), wanted)
    waits = not title.media_exists and policy.need_media_file
    async with deps.db.transaction() as tx:
        await trailers.serve(tx, one.id, title, rel_path, FILE_LEFT if waits else None)


async def _rename(deps: Deps, file: OwnFile, wanted: str) -> str:
    """Give the name that the file has afterwards; a crash, or another worker, may have renamed it already."""
    fitting = await deps.library.fit(file.folder, wanted)
    if fitting == file.rel_path:
        return fitting
    if await deps.library.rename_own(file, fitting):
        structlog.get_logger(__name__).info("trailer renamed", folder=str(file.folder), file=fitting)
        return fitting
    return fitting if await _is_at(deps, replace(file, rel_path=fitting)) else file.rel_path


async def _is_at(deps: Deps, file: OwnFile) -> bool:
    there = await deps.library.describe(file.folder / file.rel_path)
    return there is not None and (there.size, there.mtime_ns) == (file.size, file.mtime_ns)


async def _clean_up(deps: Deps, one: Followed) -> None:
    log = structlog.get_logger(__name__).bind(file=str(one.file.folder / one.file.rel_path))
    decision = await _decide(deps, one)
    try:
        removal = await deps.library.remove_own(one.file) if decision.action is Cleanup.REMOVE else None
    except StorageError as error:
        log.warning("a trailer without its title cannot be removed", why=error.message)
        return
    if removal is Removal.REMOVED:
        log.info("trailer removed after its title")
    async with deps.db.transaction() as tx:
        if removal is None and decision.action is not Cleanup.FORGET:
            await trailers.look_again(tx, one.id, decision.at)
            return
        await trailers.forget_ids(tx, [one.id])
        titles = await media.list_in_folder(tx, str(one.file.folder))
    for title in titles:
        async with deps.db.transaction() as tx:
            await change_title(deps, tx, title.id, lambda before: replace(before, trailer_exists=False))


async def _decide(deps: Deps, one: Followed) -> CleanupDecision:
    """Read what is known of its folder, look into it, and judge."""
    async with deps.db.transaction() as tx:
        connection = None if one.connection_id is None else await connections.get(tx, one.connection_id)
        policy = None if connection is None else await policy_of(deps, tx, connection.id)
        titles = await media.list_in_folder(tx, str(one.file.folder))
        wanted = [title.media_exists or not await _needs_file(deps, tx, title) for title in titles]
    look = await deps.library.look_for_media(one.file.folder)
    now = deps.now()
    facts = CleanupFacts(
        left_at=one.left_at or now,
        remove_with_title=policy is not None and policy.remove_with_title,
        wanted=any(wanted),
        state=look.state,
        other_videos=look.media_seen,
    )
    return decide_cleanup(facts, now)


async def _needs_file(deps: Deps, tx: AsyncConnection, title: Media) -> bool:
    return (await policy_of(deps, tx, title.connection_id)).need_media_file
