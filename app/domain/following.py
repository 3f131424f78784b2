"""What becomes of a trailer of ours as its title lives on: it follows the file's name, and goes some time after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.acquiring import trailer_name
from app.domain.disk import FolderState
from app.domain.policy import Policy
from app.domain.records import Media

TITLE_LEFT = timedelta(minutes=15)
FILE_LEFT = timedelta(hours=24)  # an upgrade may take that long
_NOT_REACHABLE = timedelta(days=1)
_GIVE_UP = timedelta(days=30)


class Cleanup(StrEnum):
    """What to do with a trailer whose title or media file has left."""

    REMOVE = "remove"
    FORGET = "forget"
    KEEP = "keep"
    LOOK_AGAIN = "look_again"


@dataclass(frozen=True, slots=True)
class CleanupFacts:
    """What is known of its folder; `wanted`: a title of any connection has a media file there."""

    left_at: datetime
    remove_with_title: bool
    wanted: bool
    state: FolderState
    other_videos: bool


@dataclass(frozen=True, slots=True)
class CleanupDecision:
    """The decision; `at` is set where it is to be looked at again."""

    action: Cleanup
    at: datetime | None = None


def new_name(title: Media, policy: Policy, rel_path: str, *, shared: bool) -> str | None:
    """Give the name that a title's trailer should have now, None where it has it; without a media file nothing moves.

    Raises StorageError(OUTSIDE) as `trailer_name` does.
    """
    if not title.media_exists:
        return None
    expected = trailer_name(title, policy, shared=shared)
    return None if expected == rel_path else expected


def decide_cleanup(facts: CleanupFacts, now: datetime) -> CleanupDecision:
    """Remove it only where the folder was seen and nothing but trailers is left in it; never guess."""
    if facts.wanted or not facts.remove_with_title:
        return CleanupDecision(Cleanup.KEEP)
    if facts.state is not FolderState.PRESENT:
        if now - facts.left_at > _GIVE_UP:
            return CleanupDecision(Cleanup.FORGET if facts.state is FolderState.ABSENT else Cleanup.KEEP)
        return CleanupDecision(Cleanup.LOOK_AGAIN, now + _NOT_REACHABLE)
    return CleanupDecision(Cleanup.KEEP if facts.other_videos else Cleanup.REMOVE)
