"""One reconciliation: the Arr's whole list, streamed, beside the rows of its connection.

    window by window: which elements are the same as last time?
    the same:  compare the folder with its mark; look and decide only where that differs
    the rest:  parse -> look and decide (new titles) -> write in bulk -> look and decide (the others)
    at the end: delete_except

Memory is bounded by the windows and batches; of the whole list only the ids are kept.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise
from shlex import quote
from typing import NamedTuple

from app.context import ArrManagerProtocol, Deps, RawItem, Statements
from app.db import media, runs, seen, trailers
from app.db.media import Listed
from app.db.runs import RunClaim, RunResult
from app.db.seen import Known, Note
from app.db.staging import Beginning, Upserted, Written, create_or_update_bulk
from app.domain.deletion_guard import CONFIRM_AT_MOST, Delete, Hold, after_confirmation, decide_deletions
from app.domain.disk import MarkedFolder
from app.domain.policy import needs_tags
from app.domain.records import Connection, Rank, StagedMedia
from app.errors import ArrItemError, ArrItemGone
from app.pipeline.settings import tunables
from app.pipeline.settling import Settled, Settling
from app.pipeline.titles import policy_of, stage
from app.pipeline.turns import Turns
from app.version import VERSION
from schemas.base import MediaKind, RunOutcome
from schemas.live import Topic
from schemas.media import MediaCreate
from schemas.run import SkippedItem

WINDOW = 500  # elements
BATCH = 2500
MOST_TEXT = 8 * 1024 * 1024  # bytes of JSON behind a window or a batch; elements may be as large as 4 MiB
MARKED_AT_ONCE = 500
DELETED_AT_ONCE = 2000
MAX_REPORTED = 100
_INT32_MAX = 2**31 - 1
_DIGEST_BYTES = 16


class _Changed(NamedTuple):
    """A title that is not as it was noted last time; `known`: its arr_id has a row."""

    staged: StagedMedia
    digest: bytes
    known: bool


@dataclass(slots=True)
class _Tally:
    """What a refresh has met so far; `kept` are rows that may be listed by another arr_id than they have.

    `listed_as` has for each element its external id and its arr_id, in one number; `unparsed` has the external ids of
    those that are skipped, whose rows may have other arr_ids.
    """

    fetched: int = 0
    written: dict[Written, int] = field(default_factory=lambda: dict.fromkeys(Written, 0))
    arr_ids: array[int] = field(default_factory=lambda: array("i"))
    kept: array[int] = field(default_factory=lambda: array("q"))
    listed_as: array[int] = field(default_factory=lambda: array("q"))
    skipped: list[SkippedItem] = field(default_factory=list)
    unparsed: list[int] = field(default_factory=list)
    ids_readable: bool = True

    def skip(self, item: SkippedItem) -> None:
        """Report an element, unless there are very many."""
        if len(self.skipped) < MAX_REPORTED:
            self.skipped.append(item)

    def keep(self, external_id: object) -> None:
        """Keep the title of an element that cannot be parsed, or all where it cannot be told which title that is."""
        if type(external_id) is int and abs(external_id) <= _INT32_MAX:
            self.unparsed.append(external_id)
        else:
            self.ids_readable = False

    def list_as(self, external_id: int | None, arr_id: int) -> None:
        """Note which title an element is."""
        if external_id is not None:
            self.listed_as.append(external_id << 32 | arr_id)

    def listed_twice(self) -> Iterator[tuple[int, int, int]]:
        """Give the external ids that several elements bear, with the arr_ids of two of these."""
        numbers = sorted(self.listed_as)
        for one, other in pairwise(numbers):
            if one >> 32 == other >> 32 and one != other:
                yield one >> 32, one & _INT32_MAX, other & _INT32_MAX


class Refresh:
    """Reconciles one connection under a claimed run."""

    def __init__(
        self,
        deps: Deps,
        connection: Connection,
        arr: ArrManagerProtocol,
        parse_media: Callable[[RawItem], MediaCreate],
        *,
        held: RunClaim,
        turns: Turns,
    ) -> None:
        self._deps = deps
        self._connection = connection
        self._arr = arr
        self._parse_media = parse_media
        self._held = held
        self._turns = turns
        self._settling = Settling(deps, connection.id)
        self._tally = _Tally()
        self._window: list[RawItem] = []
        self._same: list[Known] = []
        self._changed: list[_Changed] = []
        self._window_text = self._changed_text = 0
        self._is_first = False  # then a title that comes to be known meanwhile is met when it is written

    async def run(self) -> RunResult:
        """Do all of it. Raises what asking the Arr raises, with nothing deleted; LeaseLost, Unavailable."""
        salt = await self._salt()
        async with aclosing(self._arr.get_all_media()) as items:
            async for item in items:
                self._window.append(item)
                self._window_text += len(item.text)
                if len(self._window) == WINDOW or self._window_text > MOST_TEXT:
                    async with self._turns.take() as statements:
                        await self._take_window(statements, salt)
        async with self._turns.take() as statements:
            await self._take_window(statements, salt)
            await self._check_same(statements)
            await self._write_changed(statements)
        self._report_twins()
        return await self._delete_unlisted()

    async def progress(self) -> None:
        """Note how far it is and lengthen the lease. Raises LeaseLost."""
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, self._held, self._tally.fetched)
        self._deps.live.changed(Topic.RUNS)

    def failed(self, error: str) -> RunResult:
        """Give the result of a run that ended here."""
        return self._result(RunOutcome.FAILED, error=error)

    async def _salt(self) -> bytes:
        """Name all that decides about titles beside the list itself: where that changed, no note holds any more."""
        connection = self._connection
        async with self._deps.db.transaction() as tx:
            policy = await policy_of(self._deps, tx, connection.id)
            self._is_first = not await media.count(tx, connection.id)
        if not needs_tags(policy):
            policy = replace(policy, tag_labels={})
        catalogue = self._deps.catalogue is not None
        decides = (VERSION, catalogue, connection.monitor_type, connection.created_at, connection.path_mappings, policy)
        return sha256(repr(decides).encode()).digest()

    async def _take_window(self, statements: Statements, salt: bytes) -> None:
        """Tell elements that are as they were from those that are to be written."""
        window, self._window, self._window_text = self._window, [], 0
        self._tally.fetched += len(window)
        arr_ids = [_arr_id(item) for item in window]
        listed = [arr_id for arr_id in arr_ids if arr_id is not None]
        self._tally.arr_ids.extend(listed)
        known = {} if self._is_first else await seen.known(statements, self._connection.id, listed)
        for arr_id, item in zip(arr_ids, window, strict=True):
            before = known.get(arr_id or 0)
            digest = sha256(salt + item.text).digest()[:_DIGEST_BYTES]
            if before is not None and before.digest == digest:
                self._same.append(before)
                self._tally.list_as(before.external_id, before.arr_id)
            else:
                self._stage_or_skip(item, digest, known=before is not None)
                self._changed_text += len(item.text)
        if len(self._same) >= BATCH:
            await self._check_same(statements)
        if len(self._changed) >= BATCH or self._changed_text > MOST_TEXT:
            await self._write_changed(statements)

    def _stage_or_skip(self, raw: RawItem, digest: bytes, *, known: bool) -> None:
        if type(raw.id) is not int:
            self._tally.ids_readable = False
        try:
            created = self._parse_media(raw)
        except ArrItemError as error:
            self._tally.skip(_skipped(raw, error))
            self._tally.keep(raw.tmdb_id if self._connection.kind is MediaKind.MOVIE else raw.tvdb_id)
        else:
            self._changed.append(_Changed(stage(created, self._connection), digest, known))
            self._tally.list_as(created.external_id, created.arr_id)

    async def _check_same(self, statements: Statements) -> None:
        """Settle those titles whose folder is not as it was marked."""
        same, self._same = self._same, []
        self._tally.written[Written.UNCHANGED] += len(same)
        marked = [
            MarkedFolder(one.folder_path, one.root_path or "", one.mark)
            for one in same
            if one.folder_path is not None and one.mark is not None
        ]
        answers = iter(await self._deps.library.are_as_marked(marked))
        digests = {
            one.media_id: one.digest
            for one in same
            if one.folder_path is not None and not (one.mark is not None and next(answers)) and one.digest is not None
        }
        if same:
            await self.progress()
        await self._note(statements, await self._settling.settle_many(list(digests)), digests)

    async def _write_changed(self, statements: Statements) -> None:
        """Write titles; those that are new are decided upon before, all others after."""
        changed, self._changed, self._changed_text = self._changed, [], 0
        if not changed:
            return
        decided = await self._decide_new([one for one in changed if not one.known])
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, self._held, self._tally.fetched)
            staged = [one.staged for one in changed]
            rows = await create_or_update_bulk(
                tx, self._connection.id, staged, self._held.read_at, Rank.BACKFILL, decided=decided
            )
        self._deps.live.changed(Topic.RUNS)
        for row in rows:
            self._tally.written[row.written] += 1
            if row.written is Written.UNCHANGED:
                self._tally.kept.append(row.media_id)
        await self._wake_for([row for row in rows if row.settled], decided)
        if unsettled := {row.arr_id: row.media_id for row in rows if not row.settled}:
            arr_ids = ((one.staged.created.arr_id, one.digest) for one in changed)
            digests = {unsettled[arr_id]: digest for arr_id, digest in arr_ids if arr_id in unsettled}
            await self._note(statements, await self._settling.settle_many(list(digests)), digests)

    async def _decide_new(self, new: Sequence[_Changed]) -> dict[int, Beginning]:
        """Decide, by arr_id, on titles that have no row yet, but for those in whose folders there may be others."""
        folders = Counter(one.staged.folder_path for one in new)
        async with self._deps.db.transaction() as tx:
            policy = await policy_of(self._deps, tx, self._connection.id)
            in_use = await media.folders_in_use(tx, [folder for folder in folders if folder is not None])
        alone = [one for one in new if (folder := one.staged.folder_path) is None or _is_alone(folder, folders, in_use)]
        staged = [one.staged for one in alone]
        looks = await self._settling.look_at_new(staged, policy)
        firsts = self._settling.decide_first(staged, looks, policy, Rank.BACKFILL)
        return {
            one.staged.created.arr_id: Beginning(first, one.digest, marked.mark)
            for one, first, marked in zip(alone, firsts, looks, strict=True)
        }

    async def _wake_for(self, new: Sequence[Upserted], decided: Mapping[int, Beginning]) -> None:
        due = (row.media_id for row in new if decided[row.arr_id].first.due_rank is not None)
        if first := next(due, None):
            await self._deps.wakeups.wake_acquire(first)

    async def _note(self, statements: Statements, settled: Sequence[Settled], digests: Mapping[int, bytes]) -> None:
        await seen.note(
            statements, [Note(one.title.id, one.title.version, digests[one.title.id], one.mark) for one in settled]
        )

    def _report_twins(self) -> None:
        arr_type = self._connection.arr_type
        app, word = arr_type.app_name, arr_type.item_word
        for external_id, one, other in self._tally.listed_twice():
            error = (
                f"{app} lists {word} {one} and {word} {other} as one title ({arr_type.external_name} {external_id}), "
                f"whose row goes from one to the other: remove one of them there."
            )
            self._tally.skip(SkippedItem(arr_id=other, title=None, error=error))

    async def _delete_unlisted(self) -> RunResult:
        """`delete_except` last, and only with a complete answer, within the limit, and confirmed title by title."""
        if not self._tally.ids_readable:
            return self._result(RunOutcome.COMPLETED)
        listed = Listed(self._held.read_at, self._tally.arr_ids, self._tally.kept)
        async with self._deps.db.transaction() as tx:
            self._tally.kept.extend(await media.ids_of(tx, self._connection.id, self._tally.unparsed))
            # What this list itself added must not raise the limit for what it lacks.
            rows = await media.count(tx, self._connection.id) - self._tally.written[Written.CREATED]
            share = (await tunables(self._deps, tx)).max_delete_share
            unlisted = await media.list_unlisted(tx, self._connection.id, listed)
        unaskable = [media_id for media_id, arr_id in unlisted.items() if arr_id is None]
        decision = decide_deletions(unlisted, rows, share, self._held.accepted_ids, unaskable)
        if isinstance(decision, Delete):
            decision = after_confirmation(decision, all_gone=await self._all_gone(unlisted.values()))
        if isinstance(decision, Hold):
            for some in _in_batches(decision.media_ids, MARKED_AT_ONCE):
                async with self._deps.db.transaction() as tx:
                    await runs.progress(tx, self._held, self._tally.fetched)
                    await self._settling.mark_missing(tx, some)
            return self._result(RunOutcome.HELD, held_ids=decision.media_ids, error=self._held_text(decision))
        return self._result(RunOutcome.COMPLETED, deleted=await self._delete(listed, decision.media_ids))

    async def _delete(self, listed: Listed, allowed: Collection[int]) -> int:
        deleted = 0
        async with self._deps.db.transaction() as tx:
            await runs.progress(tx, self._held, self._tally.fetched)
            policy = await policy_of(self._deps, tx, self._connection.id)
            await trailers.request_following(tx, self._connection.id, need_media_file=policy.need_media_file)
        for some in _in_batches(allowed, DELETED_AT_ONCE):
            async with self._deps.db.transaction() as tx:
                await runs.progress(tx, self._held, self._tally.fetched)
                deleted += await media.delete_except(tx, self._connection.id, listed, some)
        return deleted

    async def _all_gone(self, listed_as: Collection[int | None]) -> bool:
        """Ask for each by its id, above the bound for a sample: only the Arr's own word that it is gone counts."""
        arr_ids = [arr_id for arr_id in listed_as if arr_id is not None]
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

    def _held_text(self, decision: Hold) -> str:
        command = f"trailhook reconcile {quote(self._connection.name)} --accept-deletions"
        return f"Nothing was deleted: {decision.reason}. Accept it on the page or with `{command}`."

    def _result(
        self,
        outcome: RunOutcome,
        *,
        deleted: int = 0,
        held_ids: frozenset[int] = frozenset(),
        error: str | None = None,
    ) -> RunResult:
        tally = self._tally
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


def _arr_id(raw: RawItem) -> int | None:
    """Give an element's id where it is one that a row can have."""
    return raw.id if type(raw.id) is int and 0 < raw.id <= _INT32_MAX else None


def _is_alone(folder: str, listed: Mapping[str | None, int], in_use: Collection[str]) -> bool:
    return listed[folder] == 1 and folder not in in_use


def _in_batches(ids: Collection[int], size: int) -> Iterator[list[int]]:
    ordered = sorted(ids)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))


def _skipped(raw: RawItem, error: ArrItemError) -> SkippedItem:
    return SkippedItem(
        arr_id=raw.id if type(raw.id) is int else None,
        title=raw.title[:200].replace("\x00", "") if isinstance(raw.title, str) else None,
        error=error.message,
    )
