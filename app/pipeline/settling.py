"""Look at titles' folders, decide where the titles stand, and write what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import attempts, media, seen, trailers
from app.domain import intents
from app.domain.disk import DiskLook, DiskQuestion, FolderState, MarkedLook
from app.domain.intents import Circumstances, FirstDecision
from app.domain.policy import Policy
from app.domain.records import Media, Rank, StagedMedia
from app.errors import StorageError
from app.pipeline.titles import change_title, look_at, policy_of, question_about, question_about_new

MAX_LOOKS = 5
_UNASKED = MarkedLook(DiskLook(FolderState.UNREACHABLE))


@dataclass(frozen=True, slots=True)
class Seen:
    """A title with what a decision about it needs; read in one transaction.

    `ours` are our trailers of its folder; in a folder that it shares, those that were placed for it.
    """

    title: Media
    policy: Policy
    ours: tuple[str, ...] = ()
    shared: bool = False
    lease_live: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A title of which all is decided, and the mark of its folder; None: it has to be looked at next time too."""

    title: Media
    mark: str | None


class Settling:
    """Settles titles of one connection."""

    def __init__(self, deps: Deps, connection_id: int) -> None:
        self._deps = deps
        self._connection_id = connection_id

    async def see(self, media_ids: Sequence[int]) -> list[Seen]:
        """Read titles; those that are gone are left out."""
        async with self._deps.db.transaction() as tx:
            policy = await policy_of(self._deps, tx, self._connection_id)
            titles = await media.get_many(tx, media_ids)
            shared = await media.in_shared_folders(tx, media_ids)
            live = await attempts.live_among(tx, media_ids)
            recorded = await trailers.recorded_in(tx, {title.folder_path for title in titles if title.folder_path})
        return [
            Seen(
                title,
                policy,
                tuple(
                    file.rel_path
                    for file in recorded.get(title.folder_path or "", ())
                    if file.serves(title, shared=title.id in shared)
                ),
                title.id in shared,
                title.id in live,
            )
            for title in titles
        ]

    async def look(self, one: Seen) -> DiskLook:
        """Look at one title's folder."""
        return await look_at(self._deps, one.title, one.policy, shared=one.shared, ours=one.ours)

    async def look_at_all(self, several: Sequence[Seen]) -> list[MarkedLook]:
        """Look at the folders of several titles."""
        return await self._ask([_question(one) for one in several])

    async def look_at_new(self, several: Sequence[StagedMedia], policy: Policy) -> list[MarkedLook]:
        """Look at the folders of titles that have no row yet, each of which has its folder for itself."""
        return await self._ask([_question_about_new(one, policy) for one in several])

    async def _ask(self, questions: Sequence[DiskQuestion | None]) -> list[MarkedLook]:
        answers = iter(await self._deps.library.check_trailers([one for one in questions if one is not None]))
        return [_UNASKED if one is None else next(answers) for one in questions]

    def decide(self, one: Seen, look: DiskLook, *, looks_again: bool = False) -> Media:
        """Give the title as it is after the look; `looks_again`: a sync looks by and by until the files are there."""
        title = one.title
        if title.folder_path is not None:
            title = intents.looked(title, look, one.ours, shared=one.shared, counted=looks_again)
        catalogue = self._deps.catalogue is not None
        circumstances = Circumstances(one.policy, self._deps.now(), one.lease_live, looks_again, catalogue)
        return intents.decided(title, circumstances)

    def decide_first(
        self, new: Sequence[StagedMedia], looks: Sequence[MarkedLook], policy: Policy, rank: Rank
    ) -> list[FirstDecision]:
        """Decide on titles that have no row yet, after a look at each."""
        circumstances = Circumstances(policy, self._deps.now(), catalogue=self._deps.catalogue is not None)
        return [
            intents.first_decision(one, marked.look, rank, circumstances)
            for one, marked in zip(new, looks, strict=True)
        ]

    async def write(self, tx: AsyncConnection, changes: Sequence[tuple[Seen, Media]]) -> set[int]:
        """Write what was decided; a trailer of ours that was found removed is ours no longer."""
        written = await media.update_media_status_bulk(tx, [after for _, after in changes])
        for one, after in changes:
            if after.id in written and after.trailer_removed and not one.title.trailer_removed:
                await trailers.forget(tx, after.folder_path or "", one.ours)
                await self._tell_twins(tx, after)
        return written

    async def _tell_twins(self, tx: AsyncConnection, removed: Media) -> None:
        """Note at the same title of other connections that a person removed the trailer, whose row is gone now."""
        for other in await media.list_in_folder(tx, removed.folder_path or ""):
            if other.id != removed.id and other.identity == removed.identity:
                await change_title(self._deps, tx, other.id, intents.removed)

    async def settle_many(self, media_ids: Sequence[int]) -> list[Settled]:
        """Look and decide; titles that changed meanwhile are done again, and left to whoever changes them so fast."""
        settled: list[Settled] = []
        open_ids = list(media_ids)
        for _ in range(MAX_LOOKS):
            if not open_ids:
                break
            several = await self.see(open_ids)
            looks = await self.look_at_all(several)
            decided = [(one, self.decide(one, marked.look)) for one, marked in zip(several, looks, strict=True)]
            changes = [(one, after) for one, after in decided if after != one.title]
            async with self._deps.db.transaction() as tx:
                written = await self.write(tx, changes)
                await seen.forget_folders(
                    tx, [one.title.folder_path for one in several if one.shared and one.title.folder_path]
                )
            await self.wake_if_due([title for _, title in changes if title.id in written])
            open_ids = [title.id for _, title in changes if title.id not in written]
            settled += [
                Settled(_as_written(one, after), None if one.shared else marked.mark)
                for (one, after), marked in zip(decided, looks, strict=True)
                if after == one.title or after.id in written
            ]
        return settled

    async def mark_missing(self, tx: AsyncConnection, media_ids: Sequence[int]) -> None:
        """Note that the Arr's list lacks these titles, and decide them anew."""
        await media.mark_missing(tx, media_ids)
        circumstances = Circumstances(await policy_of(self._deps, tx, self._connection_id), self._deps.now())
        titles = await media.get_many(tx, media_ids)
        await media.update_media_status_bulk(tx, [intents.decided(title, circumstances) for title in titles])

    async def wake_if_due(self, titles: Sequence[Media]) -> None:
        """Wake a worker for the best title that can be fetched for now."""
        now = self._deps.now()
        due = [
            title
            for title in titles
            if title.due_rank is not None and (title.next_try_at is None or title.next_try_at <= now)
        ]
        if due:
            best = min(due, key=lambda title: title.due_rank or Rank.PERSON)
            await self._deps.wakeups.wake_acquire(best.id)


def _as_written(one: Seen, after: Media) -> Media:
    return after if after == one.title else replace(after, version=after.version + 1)


def _question_about_new(one: StagedMedia, policy: Policy) -> DiskQuestion | None:
    try:
        return question_about_new(one, policy)
    except StorageError:
        return None


def _question(one: Seen) -> DiskQuestion | None:
    """Ask nothing about a title without a folder, or one whose file leads out of it."""
    try:
        return question_about(one.title, one.policy, shared=one.shared, ours=one.ours)
    except StorageError:
        return None
