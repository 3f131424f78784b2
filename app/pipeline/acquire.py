"""Fetch one title's trailer and put it in place.

    claim -> look again -> candidates in order: fetch and verify in a child -> note what will be placed -> look again
    -> place -> record

Decides nothing: `app.domain` says which videos to try, what follows a failure, and where the file goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

from app.context import Deps, FetchRequest, PlacedFile
from app.db import attempts, media, rejections, trailers
from app.db.attempts import AttemptClaim
from app.domain import intents
from app.domain.acquiring import (
    AfterFailure,
    Blame,
    after_failure,
    blame_of,
    blame_of_root,
    most_telling,
    place_of,
    trailer_name,
)
from app.domain.breaker import YOUTUBE, Suspect, Trouble, root_source, source_of, sources_of
from app.domain.candidates import Considered, Past
from app.domain.policy import Policy
from app.domain.records import Candidate, Media, Rank
from app.domain.videos import FetchedTrailer, TrailerFile
from app.errors import FetchError, LeaseLost, StorageError, Unavailable
from app.pipeline import sources
from app.pipeline.finding import Finder
from app.pipeline.leases import with_lease
from app.pipeline.titles import change_title, look_at, policy_of
from app.waiting import ended
from schemas.base import CandidateFate, FetchFailure, StorageProblem
from schemas.live import Topic


class AcquireOutcome(StrEnum):
    """How an acquisition ended."""

    NOTHING_DUE = "nothing_due"
    PLACED = "placed"
    FOUND = "found"
    FAILED = "failed"
    HANDED_BACK = "handed_back"


class _TitleChanged(Exception):
    """The title is not what it was when its download began."""


class _SourcePaused(Exception):
    """A video failed by its source's fault, which is paused now."""

    def __init__(self, error: FetchError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class _Job:
    """A claimed title with what its download needs, and what was learnt on the way."""

    title: Media
    shared: bool
    policy: Policy
    held: AttemptClaim
    finder: Finder

    @property
    def own_sources(self) -> tuple[str, ...]:
        """The sources that were asked for when it was claimed; videos of others may be among its candidates."""
        return sources_of(self.title.trailer_url, self.title.root_path)


async def acquire(
    deps: Deps, max_rank: Rank, after_placing: Callable[[Media], None] = lambda _: None
) -> AcquireOutcome:
    """Fetch the trailer of the best title that is due, up to this rank; `after_placing` is told of one in place.

    Raises LeaseLost where another worker took over, Unavailable where Postgres is away. A cancelled one is handed back
    uncounted, without a process or a file left.
    """
    job = await _claim(deps, max_rank)
    if job is None:
        return AcquireOutcome.NOTHING_DUE
    deps.live.changed(Topic.TITLES)
    try:
        outcome = await _acquire(deps, job)
    finally:
        deps.live.changed(Topic.TITLES)
    if outcome is AcquireOutcome.PLACED:
        after_placing(job.title)
    return outcome


async def _acquire(deps: Deps, job: _Job) -> AcquireOutcome:
    log = structlog.get_logger(__name__).bind(title=job.title.title, media_id=job.title.id)
    try:
        outcome = await with_lease(_acquire_claimed(deps, job), lambda: _extend(deps, job), attempts.LEASE)
    except FetchError as error:
        await _record_failure(deps, job, error, error.failure, charged=True)
        log.warning("no trailer", failure=error.failure, why=error.message)
        return AcquireOutcome.FAILED
    except StorageError as error:
        charged = not await _is_root_paused(deps, job, error)
        await _record_failure(deps, job, error, FetchFailure.STORAGE, charged=charged)
        log.warning("no trailer", failure=FetchFailure.STORAGE, why=error.message)
        return AcquireOutcome.FAILED
    except _SourcePaused as paused:
        await _record_failure(deps, job, paused.error, paused.error.failure, charged=False)
        log.warning("no trailer", failure=paused.error.failure, why=paused.error.message)
        return AcquireOutcome.FAILED
    except _TitleChanged:
        await _hand_back(deps, job, counted=False)
        return AcquireOutcome.HANDED_BACK
    except (LeaseLost, Unavailable):
        raise
    except BaseException as error:
        await _hand_back(deps, job, counted=isinstance(error, Exception))
        raise
    log.info("trailer settled", outcome=outcome)
    return outcome


async def _claim(deps: Deps, max_rank: Rank) -> _Job | None:
    async with deps.db.transaction() as tx:
        gate = await sources.gate(deps, tx, lock=True)
        title = await attempts.next_due(tx, max_rank, gate.closed)
        if title is None:
            return None
        shared = bool(await media.in_shared_folders(tx, [title.id]))
        policy = await policy_of(deps, tx, title.connection_id)
        held = await attempts.start(tx, title, place_of(title, policy, shared=shared))
        if held is None:
            return None
        await gate.probe(tx, title, held.id)
        rejected = await rejections.list_for(tx, title)
        past = Past() if title.wanted_rank is Rank.PERSON else await attempts.past_of(tx, title.id)
        await change_title(deps, tx, title.id, lambda claimed: claimed)
        return _Job(title, shared, policy, held, Finder(deps, title, policy, rejected, past))


async def _extend(deps: Deps, job: _Job) -> None:
    async with deps.db.transaction() as tx:
        await attempts.extend(tx, job.held)


async def _acquire_claimed(deps: Deps, job: _Job) -> AcquireOutcome:
    if await _found_meanwhile(deps, job):
        return AcquireOutcome.FOUND
    rel_path = await deps.library.fit(job.held.folder, trailer_name(job.title, job.policy, shared=job.shared))
    work_dir = await deps.library.make_work_dir(job.held.folder, job.held.work_dir_name)
    try:
        candidate, fetched = await _fetch_first(deps, job, work_dir)
        return await _place(deps, job, candidate, fetched, rel_path)
    finally:
        await clean_up(deps, job.held)


async def clean_up(deps: Deps, held: AttemptClaim) -> None:
    """Remove an attempt's work directory; where the disk refuses, what was learnt counts all the same.

    To be called before the attempt ends. What is left is removed later, see `sweep_work_dirs`.
    """
    try:
        await deps.library.remove_work_dir(held.folder, held.work_dir_name)
    except StorageError as error:
        structlog.get_logger(__name__).warning("a work directory is left", folder=held.folder_path, why=error.message)
        async with deps.db.transaction() as tx:
            await attempts.leave_work_dir(tx, held, left=True)


async def _found_meanwhile(deps: Deps, job: _Job) -> bool:
    """Look at the folder; end the attempt where a trailer is there already."""
    look = await look_at(deps, job.title, job.policy, shared=job.shared)
    if not look.trailers:
        return False
    await clean_up(deps, job.held)
    async with deps.db.transaction() as tx:
        await media.get(tx, job.title.id, lock=True)
        await attempts.finish(tx, job.held, AcquireOutcome.FOUND)
        await change_title(deps, tx, job.title.id, lambda title: intents.looked(title, look, ()))
    return True


async def _fetch_first(deps: Deps, job: _Job, work_dir: Path) -> tuple[Candidate, FetchedTrailer]:
    """Fetch the first candidate that works. Raises the most telling FetchError where none does, _SourcePaused."""
    failed: list[FetchError] = []
    async with aclosing(job.finder.candidates()) as candidates:
        while (candidate := await _next(deps, job, candidates)) is not None:
            if not await _may_use(deps, job, candidate):
                job.finder.note(candidate, CandidateFate.FAILED, "Downloads from there are paused.")
                continue
            try:
                request = FetchRequest(candidate.url, work_dir, job.policy)
                fetched = await _fetch(deps, job.title.id, request)
            except FetchError as error:
                job.finder.note_failed(candidate, error)
                await _blame(deps, job, source_of(candidate.url), candidate.video_id, error)
                follows = after_failure(error.failure, job.title.tries, certain=error.certain)
                if follows is AfterFailure.STOP and source_of(candidate.url) in job.own_sources:
                    job.finder.note_untried("It would fail as the one before it.")
                    raise
                failed.append(error)
            else:
                job.finder.note(candidate, CandidateFate.TAKEN, "It is the trailer.")
                job.finder.note_untried("The trailer was found before it.")
                return candidate, fetched
    if failed:
        raise failed[most_telling([error.failure for error in failed])]
    raise job.finder.nothing_found


async def _may_use(deps: Deps, job: _Job, candidate: Candidate) -> bool:
    """Ask the breaker of a source that the claim did not ask: a video of another source than the title's own."""
    source = source_of(candidate.url)
    if source in job.own_sources:
        return True
    return await sources.may_use(deps, source, job.held.id)


async def _next(deps: Deps, job: _Job, candidates: AsyncIterator[Candidate]) -> Candidate | None:
    """Give the next candidate; a search that fails is YouTube's fault or nobody's."""
    try:
        return await anext(candidates, None)
    except FetchError as error:
        await _blame(deps, job, YOUTUBE, f"search {job.title.id}", error)
        raise


async def _blame(deps: Deps, job: _Job, source: str, tried: str, error: FetchError) -> None:
    """Tell the source's breaker what a failure says of it. Raises _SourcePaused where it is open now."""
    blame = blame_of(error.failure, certain=error.certain)
    if blame is Blame.CLEARED:
        await sources.report_answer(deps, [source])
    elif blame is not Blame.NONE:
        trouble = Trouble(error.message, Suspect(tried, job.title.id), sure=blame is Blame.CERTAIN)
        is_open = await sources.report_trouble(deps, job.held, source, trouble)
        if is_open and source in job.own_sources:
            raise _SourcePaused(error) from error


async def _is_root_paused(deps: Deps, job: _Job, error: StorageError) -> bool:
    """Tell the root folder's breaker of a storage problem; True where it is open now."""
    blame = blame_of_root(error.problem)
    if blame is Blame.NONE or job.title.root_path is None:
        return False
    trouble = Trouble(error.message, Suspect(job.held.folder_path, job.title.id), sure=blame is Blame.CERTAIN)
    return await sources.report_trouble(deps, job.held, root_source(job.title.root_path), trouble)


async def _fetch(deps: Deps, media_id: int, request: FetchRequest) -> FetchedTrailer:
    latest: list[float | None] = [None]
    reporter = asyncio.create_task(_report(deps, media_id, latest))
    try:
        return await deps.videos.fetch(request, lambda percent: latest.__setitem__(0, percent))
    finally:
        await ended(reporter)


async def _report(deps: Deps, media_id: int, latest: Sequence[float | None]) -> None:
    while True:
        await deps.live.download_progress(media_id, latest[0])
        await asyncio.sleep(0.5)


async def _place(deps: Deps, job: _Job, candidate: Candidate, fetched: FetchedTrailer, rel_path: str) -> AcquireOutcome:
    made = await deps.library.describe(fetched.path)
    if made is None:
        message = f"{fetched.path} vanished before it could be placed: check that the library is still mounted."
        raise StorageError(message, StorageProblem.MISSING)
    file = _file_of(rel_path, candidate, fetched, made)
    async with deps.db.transaction() as tx:
        current = await media.get(tx, job.title.id, lock=True)
        if current is None or not intents.wants_the_same(current, job.title):
            raise _TitleChanged
        await attempts.intend(tx, job.held, file)
    if await _found_meanwhile(deps, job):
        return AcquireOutcome.FOUND
    await _extend(deps, job)
    return await _to_the_end(_place_and_record(deps, job, candidate, fetched, file))


async def _place_and_record(
    deps: Deps, job: _Job, candidate: Candidate, fetched: FetchedTrailer, file: TrailerFile
) -> AcquireOutcome:
    try:
        await deps.library.place(fetched.path, job.held.folder, file.rel_path)
    except StorageError as error:
        if error.problem is StorageProblem.NAME_TAKEN and await _found_meanwhile(deps, job):
            return AcquireOutcome.FOUND
        raise
    await clean_up(deps, job.held)
    await record_placed(deps, job.held, file, job.finder.considered)
    await sources.report_answer(deps, sources_of(candidate.url, job.title.root_path))
    return AcquireOutcome.PLACED


async def _to_the_end(work: Coroutine[Any, Any, AcquireOutcome]) -> AcquireOutcome:
    """Let a placing that has begun be recorded even when the worker stops meanwhile; it takes no longer than a look."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def record_placed(
    deps: Deps, held: AttemptClaim, file: TrailerFile, considered: Sequence[Considered] = ()
) -> None:
    """Write the trailer's row, end the attempt and decide the title, in one transaction. Raises LeaseLost.

    Where the title left meanwhile the file is recorded without it.
    """
    async with deps.db.transaction() as tx:
        title = None if held.media_id is None else await media.get(tx, held.media_id, lock=True)
        await attempts.finish(tx, held, AcquireOutcome.PLACED, considered=considered)
        if title is not None:
            await change_title(deps, tx, title.id, lambda before: intents.placed(before, deps.now()))
        await trailers.record(tx, title, held.folder_path, file)


async def _record_failure(
    deps: Deps, job: _Job, error: FetchError | StorageError, failure: FetchFailure, *, charged: bool
) -> None:
    retry_after = error.retry_after if isinstance(error, FetchError) else None

    def after(title: Media) -> Media:
        if charged:
            return intents.failed(title, failure, error.message, deps.now(), retry_after)
        return intents.held_up(title)

    async with deps.db.transaction() as tx:
        await media.get(tx, job.title.id, lock=True)
        await attempts.finish(
            tx, job.held, AcquireOutcome.FAILED, failure, error.message, considered=job.finder.considered
        )
        await change_title(deps, tx, job.title.id, after)


async def _hand_back(deps: Deps, job: _Job, *, counted: bool) -> None:
    """Give the title up: a stopping worker's attempt is not counted, a bug's is, so that it cannot loop."""
    if counted:
        unexpected = FetchError("Trailhook failed unexpectedly; its log has the details.", FetchFailure.UNKNOWN)
        await _record_failure(deps, job, unexpected, unexpected.failure, charged=True)
        return
    async with deps.db.transaction() as tx:
        await media.get(tx, job.title.id, lock=True)
        try:
            await attempts.finish(tx, job.held, AcquireOutcome.HANDED_BACK)
        except LeaseLost:
            return
        await change_title(deps, tx, job.title.id, lambda title: title)


def _file_of(rel_path: str, candidate: Candidate, fetched: FetchedTrailer, made: PlacedFile) -> TrailerFile:
    return TrailerFile(
        rel_path=rel_path,
        source=candidate.source,
        video_id=candidate.video_id,
        duration=fetched.duration,
        width=fetched.width,
        height=fetched.height,
        video_codec=fetched.video_codec,
        audio_codec=fetched.audio_codec,
        size=made.size,
        mtime_ns=made.mtime_ns,
    )
