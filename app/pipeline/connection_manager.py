"""One connection's items: synced one by one when an event tells of them, or all together in a refresh.

    sync:     claim -> ask the Arr -> write -> look at the disk -> decide -> write and complete
    refresh:  stream the list -> write in batches -> look -> decide -> write -> delete_except

The order is all that is settled here; `app.domain` decides.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import PurePosixPath

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import ArrManagerProtocol, Deps, RawItem
from app.db import attempts, connections, events, item_sync, media, runs, trailers
from app.db.item_sync import Claim
from app.db.media import StagedMedia, Written
from app.db.runs import RunClaim, RunResult
from app.domain import backoff, intents
from app.domain.deletion_guard import (
    CONFIRM_AT_MOST,
    Delete,
    Hold,
    after_confirmation,
    decide_deletions,
    may_delete_one,
)
from app.domain.disk import DiskLook
from app.domain.intents import Circumstances
from app.domain.monitoring import MonitorFacts, decide_monitor
from app.domain.paths import title_folder, to_local
from app.domain.policy import Policy
from app.domain.records import Connection, Media, Rank
from app.errors import ArrConnectionError, ArrItemError, ArrItemGone, LeaseLost, Unavailable, WrongSecretKey
from app.pipeline import tags
from app.pipeline.arrs import target_of
from app.pipeline.following import follow
from app.pipeline.leases import with_lease
from app.pipeline.settings import tunables
from app.pipeline.titles import look_at, policy_of
from schemas.base import ArrType, RunOutcome, RunTrigger
from schemas.live import Topic
from schemas.media import MediaCreate
from schemas.run import SkippedItem
from schemas.webhooks import delete_event_type

BATCH = 1000
MAX_LOOKS = 5
LOOKS_AT_ONCE = 4
UNREADABLE_PAUSE = timedelta(minutes=5)  # until a connection is tried again whose key cannot be decrypted
MAX_REPORTED = 100
RUNS_LOOKED_AT = 20


class SyncOutcome(StrEnum):
    """How a sync ended."""

    NOTHING_DUE = "nothing_due"
    SYNCED = "synced"
    REMOVED = "removed"
    ITEM_FAILED = "item_failed"
    CONNECTION_FAILED = "connection_failed"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A title with what a decision about it needs; read in one transaction.

    `ours` are our trailers of its folder; in a folder that it shares, those that were placed for it.
    """

    title: Media
    policy: Policy
    ours: tuple[str, ...]
    shared: bool
    lease_live: bool


@dataclass(slots=True)
class _Tally:
    """What a refresh has met so far."""

    fetched: int = 0
    written: dict[Written, int] = field(default_factory=lambda: dict.fromkeys(Written, 0))
    listed: set[int] = field(default_factory=set)
    seen_arr_ids: set[int] = field(default_factory=set)
    skipped: list[SkippedItem] = field(default_factory=list)
    ids_readable: bool = True


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

    async def refresh(self, held: RunClaim) -> RunResult:
        """Reconcile the whole connection under a claimed run, and write the run's end.

        The Arr's failures end the run as failed and delete nothing. Raises LeaseLost, Unavailable.
        """
        tally = _Tally()
        try:
            result = await with_lease(
                self._refresh_claimed(held, tally), lambda: self._progress(held, tally), runs.LEASE
            )
            await self._asked()
        except ArrConnectionError as error:
            await self._mark_down(error)
            result = self._result(tally, RunOutcome.FAILED, error=error.message)
        except (LeaseLost, Unavailable):
            raise
        except BaseException:
            await self._finish(
                held, self._result(tally, RunOutcome.FAILED, error="The run was broken off; see the log.")
            )
            raise
        await self._finish(held, result)
        self._log.info("refreshed", outcome=result.outcome, fetched=result.fetched, deleted=result.deleted)
        return result

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
        staged = self._stage(created)
        async with self._deps.db.transaction() as tx:
            await item_sync.fence(tx, held)
            upserted = await media.create_or_update_bulk(tx, self._connection.id, [staged], held.read_at, Rank.EVENT)
            media_id = upserted[0].media_id
            await media.touch_read_at(tx, media_id, held.read_at)
        title = await self._settle(held, media_id)
        await follow(self._deps, title)
        self._log.info("synced", title=title.title, arr_id=held.arr_id, status=title.status, reason=title.reason)
        await self._wake_if_due([title])
        return SyncOutcome.SYNCED

    async def _settle(self, held: Claim, media_id: int) -> Media:
        """Look and decide until the title did not change meanwhile, then write and complete in one transaction."""
        for _ in range(MAX_LOOKS):
            seen = (await self._see([media_id]))[0]
            title = intents.wanted_by(seen.title, Rank.EVENT)
            decided = self._decide(replace(seen, title=title), await self._look(seen), looks_again=True)
            async with self._deps.db.transaction() as tx:
                await item_sync.fence(tx, held)
                if decided == seen.title or await self._write(tx, [(seen, decided)]):
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
                    await self._mark_missing(tx, [title.id])
                elif announced:
                    await media.delete_one(tx, title.id)
                else:
                    await media.delete_unannounced(tx, title)
            await item_sync.complete(tx, held, backoff.sync_spacing(held.streak), None)
        self._log.info("left the arr", arr_id=held.arr_id, title=None if title is None else title.title)

    async def _refresh_claimed(self, held: RunClaim, tally: _Tally) -> RunResult:
        await self._arr.get_system_status()
        await self._answers()
        await tags.learn(self._deps, self._arr, self._connection)
        batch: list[StagedMedia] = []
        async with aclosing(self._arr.get_all_media()) as items:
            async for raw in items:
                tally.fetched += 1
                staged = self._stage_or_skip(raw, tally)
                if staged is not None:
                    batch.append(staged)
                if len(batch) == BATCH:
                    await self._write_batch(held, batch, tally)
                    batch = []
        await self._write_batch(held, batch, tally)
        return await self._delete_unlisted(held, tally)

    async def _write_batch(self, held: RunClaim, batch: Sequence[StagedMedia], tally: _Tally) -> None:
        if not batch:
            return
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, held, tally.fetched)
            self._deps.live.changed(Topic.RUNS)
            rows = await media.create_or_update_bulk(tx, self._connection.id, batch, held.read_at, Rank.BACKFILL)
        for row in rows:
            tally.written[row.written] += 1
            tally.listed.add(row.media_id)
        await self._settle_many([row.media_id for row in rows])

    async def _settle_many(self, media_ids: Sequence[int]) -> None:
        """Look and decide; titles that changed meanwhile are done again, and left to whoever changes them so fast."""
        open_ids = list(media_ids)
        for _ in range(MAX_LOOKS):
            seen = await self._see(open_ids)
            looks = await self._look_at_all(seen)
            decided = [self._decide(one, look) for one, look in zip(seen, looks, strict=True)]
            changed = [(before, after) for before, after in zip(seen, decided, strict=True) if after != before.title]
            async with self._deps.db.transaction() as tx:
                written = await self._write(tx, changed)
            await self._wake_if_due([title for _, title in changed if title.id in written])
            open_ids = [title.id for _, title in changed if title.id not in written]
            if not open_ids:
                return

    async def _delete_unlisted(self, held: RunClaim, tally: _Tally) -> RunResult:
        """`delete_except` last, and only with a complete answer, within the limit, and confirmed title by title."""
        if not tally.ids_readable:
            return self._result(tally, RunOutcome.COMPLETED)
        accepted = await self._accepted(held)
        async with self._deps.db.transaction() as tx:
            rows = await media.count(tx, self._connection.id)
            share = (await tunables(self._deps, tx)).max_delete_share
            unlisted = [
                title
                for title in await media.list_unlisted(tx, self._connection.id, tally.listed, held.read_at)
                if title.arr_id not in tally.seen_arr_ids
            ]
        decision = decide_deletions([title.id for title in unlisted], rows, share, accepted)
        if isinstance(decision, Delete):
            decision = after_confirmation(decision, all_gone=await self._all_gone(unlisted))
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, held, tally.fetched)
            if isinstance(decision, Hold):
                await self._mark_missing(tx, sorted(decision.media_ids))
                return self._result(tally, RunOutcome.HELD, held_ids=decision.media_ids, error=_held_text(decision))
            await trailers.request_following(tx, self._connection.id)
            deleted = await media.delete_except(tx, self._connection.id, tally.listed, held.read_at, decision.media_ids)
        return self._result(tally, RunOutcome.COMPLETED, deleted=deleted)

    async def _accepted(self, held: RunClaim) -> frozenset[int]:
        if not held.accept_deletions:
            return frozenset()
        async with self._deps.db.transaction() as tx:
            return await runs.last_held(tx, self._connection.id) or frozenset()

    async def _all_gone(self, titles: Sequence[Media]) -> bool:
        """Ask for each by its id, above the bound for a sample: only the Arr's own word that it is gone counts."""
        arr_ids = [title.arr_id for title in titles if title.arr_id is not None]
        asked = random.sample(arr_ids, CONFIRM_AT_MOST) if len(arr_ids) > CONFIRM_AT_MOST else arr_ids
        for arr_id in asked:
            try:
                await self._arr.get_media(arr_id)
            except ArrItemGone:
                continue
            except ArrItemError:
                return False
            return False
        if asked:
            await self._arr.get_system_status()
        return True

    async def _see(self, media_ids: Sequence[int]) -> list[_Seen]:
        async with self._deps.db.transaction() as tx:
            policy = await policy_of(self._deps, tx, self._connection.id)
            titles = await media.get_many(tx, media_ids)
            shared = await media.in_shared_folders(tx, media_ids)
            live = await attempts.live_among(tx, media_ids)
            recorded = await trailers.recorded_in(tx, {title.folder_path for title in titles if title.folder_path})
        return [
            _Seen(
                title,
                policy,
                tuple(
                    file.rel_path
                    for file in recorded.get(title.folder_path or "", ())
                    if title.id not in shared or file.media_id == title.id
                ),
                title.id in shared,
                title.id in live,
            )
            for title in titles
        ]

    async def _look(self, seen: _Seen) -> DiskLook:
        return await look_at(self._deps, seen.title, seen.policy, shared=seen.shared, ours=seen.ours)

    async def _look_at_all(self, seen: Sequence[_Seen]) -> list[DiskLook]:
        """Look at few folders at once: time spent waiting for a slow disk's turn would count as its silence."""
        turns = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def in_turn(one: _Seen) -> DiskLook:
            async with turns:
                return await self._look(one)

        return await asyncio.gather(*(in_turn(one) for one in seen))

    def _decide(self, seen: _Seen, look: DiskLook, *, looks_again: bool = False) -> Media:
        title = seen.title if seen.title.folder_path is None else intents.looked(seen.title, look, seen.ours)
        return intents.decided(title, Circumstances(seen.policy, self._deps.now(), seen.lease_live, looks_again))

    async def _write(self, tx: AsyncConnection, changes: Sequence[tuple[_Seen, Media]]) -> set[int]:
        """Write what was decided; a trailer of ours that was found removed is ours no longer."""
        written = await media.update_media_status_bulk(tx, [after for _, after in changes])
        for seen, after in changes:
            if after.id in written and after.trailer_removed and not seen.title.trailer_removed:
                await trailers.forget(tx, after.folder_path or "", seen.ours)
        return written

    def _stage_or_skip(self, raw: RawItem, tally: _Tally) -> StagedMedia | None:
        arr_id = raw.get("id")
        if type(arr_id) is int:
            tally.seen_arr_ids.add(arr_id)
        else:
            tally.ids_readable = False
        try:
            return self._stage(self._parse_media(raw))
        except ArrItemError as error:
            if len(tally.skipped) < MAX_REPORTED:
                tally.skipped.append(_skipped(raw, error))
            return None

    def _stage(self, created: MediaCreate) -> StagedMedia:
        mappings = self._connection.path_mappings
        local = to_local(created.arr_path, mappings)
        root = to_local(created.arr_root, mappings) if created.arr_root else None
        folder = title_folder(local, root)
        return StagedMedia(
            created=created,
            monitor=decide_monitor(
                MonitorFacts(
                    self._connection.monitor_type,
                    self._connection.created_at,
                    created.arr_monitored,
                    created.arr_added_at,
                )
            ),
            path_mapped=local is not None and local.mapped,
            folder_path=folder,
            root_path=None if folder is None else (root.path if root else str(PurePosixPath(folder).parent)),
        )

    def _result(
        self,
        tally: _Tally,
        outcome: RunOutcome,
        *,
        deleted: int = 0,
        held_ids: frozenset[int] = frozenset(),
        error: str | None = None,
    ) -> RunResult:
        return RunResult(
            outcome=outcome,
            fetched=tally.fetched,
            created=tally.written[Written.CREATED],
            updated=tally.written[Written.UPDATED],
            unchanged=tally.written[Written.UNCHANGED],
            deleted=deleted,
            held_ids=held_ids,
            skipped=tuple(tally.skipped),
            error=error,
        )

    async def _mark_missing(self, tx: AsyncConnection, media_ids: Sequence[int]) -> None:
        await media.mark_missing(tx, media_ids)
        circumstances = Circumstances(await policy_of(self._deps, tx, self._connection.id), self._deps.now())
        titles = await media.get_many(tx, media_ids)
        await media.update_media_status_bulk(tx, [intents.decided(title, circumstances) for title in titles])

    async def _wake_if_due(self, titles: Sequence[Media]) -> None:
        now = self._deps.now()
        due = [
            title
            for title in titles
            if title.due_rank is not None and (title.next_try_at is None or title.next_try_at <= now)
        ]
        if due:
            best = min(due, key=lambda title: title.due_rank or Rank.PERSON)
            await self._deps.wakeups.wake_acquire(best.id)

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

    async def _progress(self, held: RunClaim, tally: _Tally) -> None:
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, held, tally.fetched)


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


def _skipped(raw: RawItem, error: ArrItemError) -> SkippedItem:
    arr_id, title = raw.get("id"), raw.get("title")
    return SkippedItem(
        arr_id=arr_id if type(arr_id) is int else None,
        title=title[:200].replace("\x00", "") if isinstance(title, str) else None,
        error=error.message,
    )


def _held_text(decision: Hold) -> str:
    return f"Nothing was deleted: {decision.reason}. Accept it with `trailhook reconcile NAME --accept-deletions`."
