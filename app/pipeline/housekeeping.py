"""What is looked after without being asked: attempts of dead workers, looks that are due, reconciliations on time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import attempts, connections, events, item_sync, media, runs, seen
from app.db.attempts import LostAttempt
from app.domain import intents
from app.errors import LeaseLost, StorageError, Unavailable
from app.pipeline.acquire import clean_up, record_placed
from app.pipeline.settings import tunables
from app.pipeline.titles import change_title
from schemas.base import FetchFailure, RunTrigger

LOST_AT_ONCE = 20
PRUNED_AT_ONCE = 1000
SWEPT_AT_ONCE = 100


async def recover_lost_attempts(deps: Deps) -> None:
    """End attempts whose worker died: what it had placed already is recognised as ours, the rest is tried again."""
    async with deps.db.transaction() as tx:
        lost = await attempts.take_lost(tx, LOST_AT_ONCE)
    for attempt in lost:
        log = structlog.get_logger(__name__).bind(folder=attempt.claim.folder_path)
        try:
            await _recover(deps, attempt)
        except LeaseLost as error:
            log.info("another worker looks after it", why=error.message)
        except Unavailable:
            raise
        except Exception:
            # Its new lease makes it come again; meanwhile it must not keep the others.
            log.exception("the attempt of a worker that stopped cannot be ended")


async def request_what_is_due(deps: Deps) -> None:
    """Turn due looks into syncs, and connections that are due or may be back into reconciliations."""
    async with deps.db.transaction() as tx:
        await runs.end_dead(tx)
        await item_sync.request_due_looks(tx)
        interval = (await tunables(deps, tx)).reconcile_interval
        for connection_id in await runs.list_overdue(tx, interval):
            await runs.request(tx, connection_id, RunTrigger.SCHEDULE)
        for connection_id in await runs.list_probes(tx):
            # Whoever takes the probe meanwhile may be the run that this would ask for a second time.
            if await connections.hold_probe(tx, connection_id):
                await runs.request(tx, connection_id, RunTrigger.RECOVERY)


async def request_startup_runs(deps: Deps) -> None:
    """Reconcile everything once at start: webhooks sent while nothing listened are gone for good."""
    async with deps.db.transaction() as tx:
        for connection in await connections.list_all(tx):
            if connection.enabled:
                await runs.request(tx, connection.id, RunTrigger.STARTUP)


async def sweep_work_dirs(deps: Deps) -> None:
    """Remove work directories that ended attempts had to leave; those on a disk that still refuses wait."""
    async with deps.db.transaction() as tx:
        left = await attempts.list_left(tx, SWEPT_AT_ONCE)
    for held in left:
        try:
            await deps.library.remove_work_dir(held.folder, held.work_dir_name)
        except StorageError:
            continue
        async with deps.db.transaction() as tx:
            await attempts.leave_work_dir(tx, held, left=False)


async def prune_events(deps: Deps) -> None:
    """Delete events that were handled longer ago than EVENT_RETENTION, in small transactions."""
    await _prune(deps, events.delete_old)


async def prune_the_past(deps: Deps) -> None:
    """Delete what nobody looks at any more: old runs, attempts and failed events, and what belonged to titles gone."""
    for delete_old in (runs.delete_old, attempts.delete_old, events.delete_old_failed, item_sync.delete_left):
        await _prune(deps, delete_old)
    async with deps.db.transaction() as tx:
        await seen.delete_orphans(tx)


async def _prune(deps: Deps, delete_old: Callable[[AsyncConnection, timedelta, int], Awaitable[int]]) -> None:
    deleted = PRUNED_AT_ONCE
    while deleted == PRUNED_AT_ONCE:
        async with deps.db.transaction() as tx:
            kept_for = (await tunables(deps, tx)).event_retention
            deleted = await delete_old(tx, kept_for, PRUNED_AT_ONCE)


async def _recover(deps: Deps, lost: LostAttempt) -> None:
    held, media_id = lost.claim, lost.claim.media_id
    log = structlog.get_logger(__name__).bind(folder=held.folder_path)
    try:
        in_place = await _is_in_place(deps, lost)
    except StorageError as error:
        log.warning("cannot look for a trailer placed before a crash; tried again", why=error.message)
        return
    await clean_up(deps, held)
    if in_place and lost.intended is not None:
        await record_placed(deps, held, lost.intended)
        log.info("recognised a trailer placed before a crash", file=lost.intended.rel_path)
        return
    text = "The worker stopped, or lost the database, during the download."
    async with deps.db.transaction() as tx:
        if media_id is not None:
            await media.get(tx, media_id, lock=True)
        await attempts.finish(tx, held, "lost", FetchFailure.LOST, text)
        if media_id is not None:
            await change_title(deps, tx, media_id, lambda title: intents.lost(title, text, deps.now()))
    log.warning("ended the attempt of a worker that stopped")


async def _is_in_place(deps: Deps, lost: LostAttempt) -> bool:
    if lost.intended is None:
        return False
    there = await deps.library.describe(lost.claim.folder / lost.intended.rel_path)
    return there is not None and (there.size, there.mtime_ns) == (lost.intended.size, lost.intended.mtime_ns)
