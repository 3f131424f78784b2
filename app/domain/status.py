"""Where a title stands and why (design rules "wanted" and "status"): one function for the worker and the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.disk import DiskState
from app.domain.records import Rank
from schemas.base import FetchFailure, MediaKind, MonitorStatus, Reason

SENTENCES = {
    Reason.QUEUED: "Waiting for its turn to download.",
    Reason.DOWNLOADING: "The trailer is being downloaded.",
    Reason.WAITING_FOR_MEDIA_FILE: "Nothing has been imported yet; media servers misread a trailer without its title.",
    Reason.WAITING_FOR_FOLDER: "The imported files are not visible here yet.",
    Reason.STORAGE_UNREACHABLE: "The library's disk or share cannot be read here, or it is empty.",
    Reason.STORAGE_NOT_WRITABLE: "The trailer could not be put in place.",
    Reason.PATH_UNMAPPED: "The folder does not exist here; add a path mapping to the connection.",
    Reason.NO_CANDIDATE: "No trailer was found.",
    Reason.BACKING_OFF: "The last try failed.",
    Reason.NEEDS_COOKIES: "The video can only be seen when signed in; set COOKIES_FILE.",
    Reason.SOURCE_PAUSED: "Downloads are paused.",
    Reason.EXCLUDED_BY_POLICY: "The trailer policy leaves it out.",
    Reason.TRAILER_REMOVED: "Somebody removed the trailer, so it is not fetched again until you ask for it.",
    Reason.NOT_MONITORED: "The title is not monitored.",
    Reason.MISSING_IN_ARR: "The title is no longer in the Arr's list.",
}


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """All that decides a title's status."""

    kind: MediaKind
    monitor: bool
    trailer_exists: bool
    trailer_removed: bool
    missing: bool
    media_exists: bool
    has_folder: bool
    disk_state: DiskState
    look_again_at: datetime | None
    lease_live: bool
    has_source: bool
    exclusion: str | None
    need_media_file: bool
    wanted_rank: Rank
    retry_at: datetime | None
    last_failure: FetchFailure | None
    failure_text: str | None


@dataclass(frozen=True, slots=True)
class StatusDecision:
    """What is stored and shown; `due_rank` is set exactly where a trailer shall be fetched, from `next_try_at` on."""

    status: MonitorStatus
    reason: Reason | None = None
    detail: str | None = None
    next_try_at: datetime | None = None
    due_rank: Rank | None = None


def explain(reason: Reason | None, detail: str | None) -> str | None:
    """Give the sentence for a person, with what is known beyond the kind."""
    if reason is None:
        return None
    return f"{SENTENCES[reason]} {detail}" if detail else SENTENCES[reason]


def decide_status(facts: TitleFacts, now: datetime) -> StatusDecision:
    """Decide by the first rule that applies: downloading, downloaded, left out, blocked, waiting, queued."""
    if facts.lease_live:
        return StatusDecision(MonitorStatus.DOWNLOADING, Reason.DOWNLOADING)
    if facts.trailer_exists:
        return StatusDecision(MonitorStatus.DOWNLOADED)
    if not facts.monitor:
        return StatusDecision(MonitorStatus.MISSING, Reason.NOT_MONITORED)
    if facts.exclusion is not None:
        return StatusDecision(MonitorStatus.MONITORED, Reason.EXCLUDED_BY_POLICY, facts.exclusion)
    blocked = _blocked(facts)
    if blocked is not None:
        return blocked
    if facts.retry_at is not None and facts.last_failure is not None:
        rank = facts.wanted_rank if facts.retry_at <= now else Rank.RETRY
        reason = _failure_reason(facts.last_failure)
        return StatusDecision(MonitorStatus.MONITORED, reason, facts.failure_text, facts.retry_at, rank)
    return StatusDecision(MonitorStatus.MONITORED, Reason.QUEUED, due_rank=facts.wanted_rank)


def _blocked(facts: TitleFacts) -> StatusDecision | None:
    """Give what stands in the way of a download that time alone does not mend."""
    reason: Reason | None = None
    look_again_at: datetime | None = None
    if facts.missing:
        reason = Reason.MISSING_IN_ARR
    elif not facts.has_folder or facts.disk_state is DiskState.UNMAPPED:
        reason = Reason.PATH_UNMAPPED
    elif facts.trailer_removed:
        reason = Reason.TRAILER_REMOVED
    elif facts.need_media_file and not facts.media_exists:
        reason = Reason.WAITING_FOR_MEDIA_FILE
    elif facts.disk_state is DiskState.UNREACHABLE:
        reason, look_again_at = Reason.STORAGE_UNREACHABLE, facts.look_again_at
    elif facts.disk_state in {DiskState.WAITING, DiskState.UNKNOWN}:
        reason, look_again_at = Reason.WAITING_FOR_FOLDER, facts.look_again_at
    elif not facts.has_source:
        reason = Reason.NO_CANDIDATE
    return None if reason is None else StatusDecision(MonitorStatus.MONITORED, reason, next_try_at=look_again_at)


def _failure_reason(failure: FetchFailure) -> Reason:
    if failure is FetchFailure.NEEDS_COOKIES:
        return Reason.NEEDS_COOKIES
    if failure is FetchFailure.STORAGE:
        return Reason.STORAGE_NOT_WRITABLE
    if failure in {FetchFailure.DEAD, FetchFailure.NOT_A_TRAILER, FetchFailure.NOTHING_FOUND}:
        return Reason.NO_CANDIDATE
    return Reason.BACKING_OFF
