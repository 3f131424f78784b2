"""What a title becomes after something was learnt about it: each function takes a title and gives the next one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain import backoff
from app.domain.candidates import is_searchable
from app.domain.disk import DiskLook, DiskState, DiskVerdict, KnownOnDisk, judge_disk
from app.domain.policy import Policy, exclusion
from app.domain.records import Media, Rank, StagedMedia
from app.domain.status import StatusDecision, TitleFacts, decide_status
from schemas.base import FetchFailure, MonitorStatus, Reason
from schemas.media import MediaCreate

_SETTLES_A_DOWNLOAD = ("trailer_url", "monitor", "folder_path", "media_filename", "missing_since")
_WAITS_FOR_THE_DISK = frozenset({Reason.WAITING_FOR_FOLDER, Reason.STORAGE_UNREACHABLE})
_LOOKED_AT_AGAIN = frozenset({DiskState.WAITING, DiskState.UNREACHABLE})
_NOT_LOOKED = DiskVerdict(trailer_exists=False, trailer_removed=False, state=DiskState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision needs beside the title itself; `catalogue`: one is there that may know its trailers."""

    policy: Policy
    now: datetime
    lease_live: bool = False
    looks_again: bool = False
    catalogue: bool = False


class FirstDecision(NamedTuple):
    """What was decided about a title before it has a row; the names are the columns'."""

    disk_state: DiskState = DiskState.UNKNOWN
    trailer_exists: bool = False
    status: MonitorStatus = MonitorStatus.MISSING
    reason: Reason | None = None
    reason_detail: str | None = None
    next_try_at: datetime | None = None
    due_rank: Rank | None = None


def decided(media: Media, circumstances: Circumstances) -> Media:
    """Lay the decision of `decide_status` over the title; nothing else ever writes a status."""
    known = DiskVerdict(media.trailer_exists, media.trailer_removed, media.disk_state)
    decision = _decide(media, known, circumstances)
    return replace(
        media,
        status=decision.status,
        reason=decision.reason,
        reason_detail=decision.detail,
        next_try_at=decision.next_try_at,
        due_rank=decision.due_rank,
    )


def first_decision(new: StagedMedia, look: DiskLook, rank: Rank, circumstances: Circumstances) -> FirstDecision:
    """Decide on a title that has no row yet and is wanted by `rank`; the look is not used where it has no folder."""
    created, policy = new.created, circumstances.policy
    disk = _NOT_LOOKED
    if new.folder_path is not None:
        disk = judge_disk(KnownOnDisk(False, False, created.media_exists, new.path_mapped), look)  # noqa: FBT003
    facts = TitleFacts(
        kind=created.kind,
        monitor=new.monitor,
        trailer_exists=disk.trailer_exists,
        trailer_removed=False,
        missing=False,
        media_exists=created.media_exists,
        has_folder=new.folder_path is not None,
        disk_state=disk.state,
        look_again_at=None,
        lease_live=False,
        has_source=_has_source(created, None, circumstances),
        exclusion=exclusion(policy, created.tags, created.genres),
        need_media_file=policy.need_media_file,
        wanted_rank=rank,
        retry_at=None,
        last_failure=None,
        failure_text=None,
    )
    decision = decide_status(facts, circumstances.now)
    return FirstDecision(
        disk.state,
        disk.trailer_exists,
        decision.status,
        decision.reason,
        decision.detail,
        decision.next_try_at,
        decision.due_rank,
    )


def _decide(media: Media, disk: DiskVerdict, circumstances: Circumstances) -> StatusDecision:
    facts = TitleFacts(
        kind=media.kind,
        monitor=media.monitor,
        trailer_exists=disk.trailer_exists,
        trailer_removed=disk.trailer_removed,
        missing=media.missing_since is not None,
        media_exists=media.media_exists,
        has_folder=media.folder_path is not None,
        disk_state=disk.state,
        look_again_at=_look_again_at(media, circumstances),
        lease_live=circumstances.lease_live,
        has_source=_has_source(media, media.trailer_url, circumstances),
        exclusion=None
        if media.wanted_rank is Rank.PERSON
        else exclusion(circumstances.policy, media.tags, media.genres),
        need_media_file=circumstances.policy.need_media_file,
        wanted_rank=media.wanted_rank,
        retry_at=media.retry_at,
        last_failure=media.last_failure,
        failure_text=media.failure_text,
    )
    return decide_status(facts, circumstances.now)


def _has_source(title: Media | MediaCreate, trailer_url: str | None, circumstances: Circumstances) -> bool:
    return (
        trailer_url is not None
        or title.youtube_trailer_id is not None
        or is_searchable(title.year, circumstances.policy)
        or (circumstances.catalogue and any((title.tmdb_id, title.tvdb_id, title.imdb_id)))
    )


def looked(media: Media, look: DiskLook, ours: Collection[str], *, shared: bool = False, counted: bool = True) -> Media:
    """Take up what its folder shows; `ours` are our recorded trailers of that folder, relative to it.

    `shared`: other titles have the folder too.

    `counted`: the look is one of those that become rarer and rarer until the files are there.
    """
    known = KnownOnDisk(
        trailer_exists=media.trailer_exists,
        trailer_removed=media.trailer_removed,
        media_exists=media.media_exists,
        path_mapped=media.path_mapped,
        ours=frozenset(ours),
        seen_here=media.trailer_exists and media.disk_state is DiskState.READY and not shared,
    )
    verdict = judge_disk(known, look)
    return replace(
        media,
        trailer_exists=verdict.trailer_exists,
        trailer_removed=verdict.trailer_removed,
        disk_state=verdict.state,
        disk_tries=media.disk_tries + int(counted) if verdict.state in _LOOKED_AT_AGAIN else 0,
    )


def wants_the_same(current: Media, claimed: Media) -> bool:
    """Say whether a download that was begun for a title still is what the title wants."""
    return all(getattr(current, name) == getattr(claimed, name) for name in _SETTLES_A_DOWNLOAD)


def wanted_by(media: Media, rank: Rank) -> Media:
    """Raise its place in the queue; nothing lowers it before a trailer is placed."""
    return replace(media, wanted_rank=min(media.wanted_rank, rank))


def asked_for(media: Media) -> Media:
    """Take a person's click: first in the queue, with past failures and a removed trailer forgiven."""
    fresh = replace(media, trailer_removed=False, tries=0, retry_at=None, last_failure=None, failure_text=None)
    return replace(fresh, wanted_rank=Rank.PERSON)


def failed(
    media: Media, failure: FetchFailure, text: str, now: datetime, retry_after: timedelta | None = None
) -> Media:
    """Count a failed attempt and set when the next may come; `retry_after` where the video itself said when."""
    tries = media.tries + 1
    delay = backoff.acquire_delay(failure, tries, just_released=backoff.is_just_released(media.year, now))
    wait = delay if retry_after is None else max(retry_after, backoff.LEAST_DELAY)
    return replace(media, tries=tries, retry_at=now + wait, last_failure=failure, failure_text=text)


def forgiven(media: Media) -> Media:
    """Take back a failed attempt that turned out to be the source's fault."""
    if media.last_failure is None:
        return media
    return replace(media, tries=max(media.tries - 1, 0), retry_at=None, last_failure=None, failure_text=None)


def lost(media: Media, text: str, now: datetime) -> Media:
    """Count an attempt whose worker died. Once says nothing about the title, so it is due at once; twice running may.

    So a title that kills its worker each time waits longer and longer.
    """
    counted = failed(media, FetchFailure.LOST, text, now)
    return counted if media.last_failure is FetchFailure.LOST else replace(counted, retry_at=now)


def placed(media: Media, now: datetime) -> Media:
    """Take up that its trailer is in place."""
    fresh = replace(media, tries=0, retry_at=None, last_failure=None, failure_text=None, wanted_rank=Rank.BACKFILL)
    return replace(fresh, trailer_exists=True, trailer_removed=False, disk_state=DiskState.READY, downloaded_at=now)


def removed(media: Media) -> Media:
    """Take up that a person removed its trailer."""
    return replace(media, trailer_exists=False, trailer_removed=True)


def held_up(media: Media) -> Media:
    """Take up that a paused source stood in the way: a person's click has had its try, the next comes in turn."""
    return replace(media, wanted_rank=max(media.wanted_rank, Rank.EVENT))


def look_again_after(media: Media) -> timedelta | None:
    """Give the wait before a title's folder is looked at again; None: not before the next refresh."""
    if media.reason not in _WAITS_FOR_THE_DISK:
        return None
    return backoff.folder_delay(max(media.disk_tries - 1, 0))


def _look_again_at(media: Media, circumstances: Circumstances) -> datetime | None:
    """Give the time that was set before, where it is still to come, unless the caller looks again by itself."""
    if media.disk_state not in _LOOKED_AT_AGAIN:
        return None
    if not circumstances.looks_again:
        set_before = media.next_try_at if media.reason in _WAITS_FOR_THE_DISK else None
        return set_before if set_before is not None and set_before > circumstances.now else None
    delay = backoff.folder_delay(max(media.disk_tries - 1, 0))
    return None if delay is None else circumstances.now + delay
