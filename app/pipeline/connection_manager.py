"""One connection's items: synced one by one when an event tells of them, or all together in a refresh.

    sync:     claim -> ask the Arr -> write -> look at the disk -> decide -> write and complete
    refresh:  see app.pipeline.refresh

The order is all that is settled here; `app.domain` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import structlog

from app.context import ArrManagerProtocol, Deps, RawItem
from app.db import connections, events, item_sync, media, runs
from app.db.item_sync import Claim
from app.db.runs import RunClaim, RunResult
from app.db.staging import create_or_update_bulk
from app.domain import backoff, intents
from app.domain.deletion_guard import may_delete_one
from app.domain.records import Connection, Media, Rank
from app.errors import ArrConnectionError, ArrItemError, ArrItemGone, LeaseLost, Unavailable, WrongSecretKey
from app.pipeline import tags
from app.pipeline.arrs import target_of
from app.pipeline.following import follow
from app.pipeline.leases import with_lease
from app.pipeline.refresh import Refresh
from app.pipeline.settings import tunables
from app.pipeline.settling import MAX_LOOKS, Settling
from app.pipeline.titles import stage
from app.pipeline.turns import Turns
from schemas.base import ArrType, RunOutcome, RunTrigger
from schemas.live import Topic
from schemas.media import MediaCreate
from schemas.webhooks import delete_event_type

UNREADABLE_PAUSE = timedelta(minutes=5)  # until a connection is tried again whose key cannot be decrypted
RUNS_LOOKED_AT = 20


class SyncOutcome(StrEnum):
    """How a sync ended."""

    NOTHING_DUE = "nothing_due"
    SYNCED = "synced"
    REMOVED = "removed"
    ITEM_FAILED = "item_failed"
    CONNECTION_FAILED = "connection_failed"


class BaseConnectionManager:
    """Syncs one connection; an app's own manager only names what asks and what parses."""

    def __init__(
        self,
        connection: Connection,
        arr_manager: ArrManagerProtocol,
        parse_media: Callable[[RawItem], MediaCreate],
        *,
        is_movie: bool,
        deps: Deps,
    ) -> None:
        self._connection = connection
        self._arr = arr_manager
        self._parse_media = parse_media
        self._is_movie = is_movie
        self._deps = deps
        self._settling = Settling(deps, connection.id)
        self._log = structlog.get_logger(__name__).bind(connection=connection.name)

    async def sync(self, arr_id: int) -> SyncOutcome:
        """Bring one item up to date with the Arr and the disk, if a request for it is due and nobody is at it.

        Raises LeaseLost where another worker took over, Unavailable where Postgres is away: nothing is lost either way.
        """
        held = await self._claim(arr_id)
        return SyncOutcome.NOTHING_DUE if held is None else await self.sync_claimed(held)

    async def sync_claimed(self, held: Claim) -> SyncOutcome:
        """Bring a claimed item up to date, or note why that failed. Raises LeaseLost, Unavailable as `sync` does."""
        try:
            return await self._sync_claimed(held)
        finally:
            self._deps.live.changed(Topic.TITLES, Topic.EVENTS)

    async def _sync_claimed(self, held: Claim) -> SyncOutcome:
        if held.attempts >= backoff.MAX_SYNC_ATTEMPTS:
            await self._item_failed(held, ArrItemError("The worker stopped at each try; its log may say why."))
            return SyncOutcome.ITEM_FAILED
        try:
            return await with_lease(self._ask_and_settle(held), lambda: self._extend(held), item_sync.LEASE)
        except ArrConnectionError as error:
            return await self._ask_whose_fault(held, error)
        except ArrItemError as error:
            await self._item_failed(held, error)
            return SyncOutcome.ITEM_FAILED
        except (LeaseLost, Unavailable):
            raise
        except Exception:
            await self._item_failed(held, ArrItemError("Trailhook failed unexpectedly; its log has the details."))
            raise
        except asyncio.CancelledError:
            async with self._deps.db.transaction() as tx:
                await item_sync.release(tx, held, "The worker stopped during the sync.")
            raise

    async def refresh(self, held: RunClaim, turns: Turns | None = None) -> RunResult:
        """Reconcile the whole connection under a claimed run, and write the run's end; `turns` are those of all.

        The Arr's failures end the run as failed and delete nothing. Raises LeaseLost, Unavailable.
        """
        own = Turns(self._deps.db, 1)
        try:
            return await self._refresh_in(turns or own, held)
        finally:
            await own.aclose()

    async def _refresh_in(self, turns: Turns, held: RunClaim) -> RunResult:
        refresh = Refresh(self._deps, self._connection, self._arr, self._parse_media, held=held, turns=turns)
        try:
            result = await with_lease(self._refresh(refresh), refresh.progress, runs.LEASE)
            await self._asked()
        except ArrConnectionError as error:
            await self._mark_down(error)
            result = refresh.failed(error.message)
        except (LeaseLost, Unavailable):
            raise
        except BaseException:
            await self._finish(held, refresh.failed("The run was broken off; see the log."))
            raise
        await self._finish(held, result)
        self._log.info("refreshed", outcome=result.outcome, fetched=result.fetched, deleted=result.deleted)
        return result

    async def _refresh(self, refresh: Refresh) -> RunResult:
        await self._arr.get_system_status()
        await self._answers()
        await tags.learn(self._deps, self._arr, self._connection)
        return await refresh.run()

    async def _finish(self, held: RunClaim, result: RunResult) -> None:
        async with self._deps.db.transaction() as tx:
            await runs.finish(tx, held, result)
        self._deps.live.changed(Topic.RUNS, Topic.TITLES)

    async def _claim(self, arr_id: int) -> Claim | None:
        async with self._deps.db.transaction() as tx:
            if not self._connection.enabled or not await connections.may_ask(tx, self._connection):
                return None
            return await item_sync.claim(tx, self._connection.id, arr_id)

    async def _extend(self, held: Claim) -> None:
        async with self._deps.db.transaction() as tx:
            await item_sync.extend(tx, held)

    async def _ask_and_settle(self, held: Claim) -> SyncOutcome:
        try:
            raw = await self._arr.get_media(held.arr_id)
        except ArrItemGone:
            await self._arr.get_system_status()
            await self._remove(held)
            await self._asked()
            return SyncOutcome.REMOVED
        await self._asked()
        created = self._parse_media(raw)
        await tags.learn_if_new(self._deps, self._arr, self._connection, created.tags)
        staged = stage(created, self._connection)
        async with self._deps.db.transaction() as tx:
            await item_sync.fence(tx, held)
            upserted = await create_or_update_bulk(tx, self._connection.id, [staged], held.read_at, Rank.EVENT)
            media_id = upserted[0].media_id
            await media.touch_read_at(tx, media_id, held.read_at)
        title = await self._settle(held, media_id)
        await follow(self._deps, title)
        self._log.info("synced", title=title.title, arr_id=held.arr_id, status=title.status, reason=title.reason)
        await self._settling.wake_if_due([title])
        return SyncOutcome.SYNCED

    async def _settle(self, held: Claim, media_id: int) -> Media:
        """Look and decide until the title did not change meanwhile, then write and complete in one transaction."""
        for _ in range(MAX_LOOKS):
            seen = (await self._settling.see([media_id]))[0]
            title = intents.wanted_by(seen.title, Rank.EVENT)
            look = await self._settling.look(seen)
            decided = self._settling.decide(replace(seen, title=title), look, looks_again=True)
            async with self._deps.db.transaction() as tx:
                await item_sync.fence(tx, held)
                if decided == seen.title or await self._settling.write(tx, [(seen, decided)]):
                    spacing = backoff.sync_spacing(held.streak)
                    await item_sync.complete(tx, held, spacing, intents.look_again_after(decided))
                    return decided
        message = f"{title.title} changes faster than it can be looked at; it is tried again later."
        raise ArrItemError(message)

    async def _remove(self, held: Claim) -> None:
        """Delete the row of an item that is gone by the Arr's own clear word, unless the guard holds it."""
        connection_id = self._connection.id
        event_type = delete_event_type(self._connection.arr_type)
        async with self._deps.db.transaction() as tx:
            await item_sync.fence(tx, held)
            title = await media.get_by_arr_id(tx, connection_id, held.arr_id)
            if title is not None:
                announced = await events.announced_leaving(tx, connection_id, held.arr_id, event_type)
                rows = await media.count(tx, connection_id)
                unannounced = await media.count_unannounced(tx, connection_id)
                share = (await tunables(self._deps, tx)).max_delete_share
                if not may_delete_one(rows, share, unannounced, announced=announced):
                    await self._settling.mark_missing(tx, [title.id])
                elif announced:
                    await media.delete_one(tx, title.id)
                else:
                    await media.delete_unannounced(tx, title)
            await item_sync.complete(tx, held, backoff.sync_spacing(held.streak), None)
        self._log.info("left the arr", arr_id=held.arr_id, title=None if title is None else title.title)

    async def _asked(self) -> None:
        """Note that the Arr answered; after an outage ask for a refresh, which finds what no event told."""
        known, now = self._connection, self._deps.now()
        noted = known.last_ok_at is not None and now - known.last_ok_at < connections.OK_NOTED_EVERY
        if noted and known.down_since is None and known.failures == 0:
            return
        async with self._deps.db.transaction() as tx:
            if await connections.mark_ok(tx, self._connection.id):
                await runs.request(tx, self._connection.id, RunTrigger.RECOVERY)

    async def _answers(self) -> None:
        """Let the items of a connection that was down go on; the refresh that they need is under way."""
        async with self._deps.db.transaction() as tx:
            await connections.mark_answering(tx, self._connection.id)

    async def _mark_down(self, error: ArrConnectionError) -> None:
        failures = self._connection.failures + 1
        probe_in = backoff.probe_delay(failures)
        async with self._deps.db.transaction() as tx:
            await connections.mark_down(tx, self._connection.id, error.message, failures, probe_in)
        self._log.warning("connection failed", error=error.message, next_probe_seconds=probe_in.total_seconds())

    async def _ask_whose_fault(self, held: Claim, error: ArrConnectionError) -> SyncOutcome:
        """Charge the item where the Arr itself answers well: one item must not hold up all others again and again."""
        try:
            await self._arr.get_system_status()
        except ArrConnectionError:
            await self._connection_failed(held, error)
            return SyncOutcome.CONNECTION_FAILED
        await self._item_failed(held, ArrItemError(error.message))
        await self._asked()
        return SyncOutcome.ITEM_FAILED

    async def _connection_failed(self, held: Claim, error: ArrConnectionError) -> None:
        await self._mark_down(error)
        async with self._deps.db.transaction() as tx:
            await item_sync.release(tx, held, error.message)

    async def _item_failed(self, held: Claim, error: ArrItemError) -> None:
        delay = backoff.sync_delay(held.attempts + 1)
        async with self._deps.db.transaction() as tx:
            await item_sync.retry_later(tx, held, error.message, delay)
        self._log.warning("item failed", arr_id=held.arr_id, error=error.message, final=delay is None)


class RadarrConnectionManager(BaseConnectionManager):
    """Movies."""

    def __init__(self, connection: Connection, deps: Deps) -> None:
        manager = deps.arr.radarr(target_of(connection, deps))
        super().__init__(connection, manager, deps.arr.parse_movie, is_movie=True, deps=deps)


class SonarrConnectionManager(BaseConnectionManager):
    """Series."""

    def __init__(self, connection: Connection, deps: Deps) -> None:
        manager = deps.arr.sonarr(target_of(connection, deps))
        super().__init__(connection, manager, deps.arr.parse_series, is_movie=False, deps=deps)


_MANAGERS: Mapping[ArrType, Callable[[Connection, Deps], BaseConnectionManager]] = {
    ArrType.RADARR: RadarrConnectionManager,
    ArrType.SONARR: SonarrConnectionManager,
}


def manager_of(connection: Connection, deps: Deps) -> BaseConnectionManager:
    """Give the manager for a connection's app. Raises WrongSecretKey."""
    return _MANAGERS[connection.arr_type](connection, deps)


async def claim_next_item(deps: Deps, connection_id: int) -> tuple[BaseConnectionManager, Claim] | None:
    """Take the item of a connection that is due the longest, with the manager to sync it.

    None where nothing is due, or the Arr is down and somebody else has its one probe.
    """
    async with deps.db.transaction() as tx:
        held = await item_sync.claim_next(tx, connection_id)
        connection = None if held is None else await connections.get(tx, connection_id)
        if held is None or connection is None:
            return None
        if not await connections.may_ask(tx, connection):
            await item_sync.release(tx, held, connection.last_error)
            return None
        try:
            return manager_of(connection, deps), held
        except WrongSecretKey as error:
            await connections.mark_down(tx, connection_id, error.message, connection.failures, UNREADABLE_PAUSE)
            await item_sync.release(tx, held, error.message)
            return None


async def seconds_until_next_item(deps: Deps, connection_id: int) -> float | None:
    """Give the time until an item of a connection is due; None where none waits or its Arr is down."""
    async with deps.db.transaction() as tx:
        return await item_sync.seconds_until_next(tx, connection_id)


async def claim_next_run(deps: Deps) -> tuple[BaseConnectionManager, RunClaim] | None:
    """Take a reconciliation that waits, with the manager for it; to an Arr that is down it is the one probe."""
    async with deps.db.transaction() as tx:
        for waiting in await runs.list_waiting(tx, RUNS_LOOKED_AT):
            connection = await connections.get(tx, waiting.connection_id)
            if connection is None or not (await connections.may_ask(tx, connection) or waiting.asked_by_person):
                continue
            held = await runs.claim(tx, waiting.id)
            if held is None:
                continue
            try:
                return manager_of(connection, deps), held
            except WrongSecretKey as error:
                await connections.mark_down(tx, connection.id, error.message, connection.failures, UNREADABLE_PAUSE)
                await runs.finish(tx, held, RunResult(outcome=RunOutcome.FAILED, error=error.message))
    return None
