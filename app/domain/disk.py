"""What a title's folder shows, and what follows from it (design rule "disk")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.base import MediaKind


class FolderState(StrEnum):
    """What looking at a folder gave."""

    PRESENT = "present"
    ABSENT = "absent"
    ROOT_ABSENT = "root_absent"
    ROOT_EMPTY = "root_empty"
    UNREACHABLE = "unreachable"


class DiskState(StrEnum):
    """What we know of a title's place on disk."""

    UNKNOWN = "unknown"
    READY = "ready"
    WAITING = "waiting"
    UNREACHABLE = "unreachable"
    UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True)
class DiskQuestion:
    """Which folder to look at, and by what the title's own media is known there.

    `media_filename` is relative to the folder, None where the Arr has no file or the title is a series. In a folder
    that several titles share only files named after the title's own media count, and `own`: names of ours.
    """

    kind: MediaKind
    folder: str
    root: str
    media_filename: str | None
    shared: bool
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DiskLook:
    """The answer: trailers are paths relative to the folder; `media_seen` is only true in a PRESENT folder."""

    state: FolderState
    trailers: tuple[str, ...] = ()
    media_seen: bool = False


@dataclass(frozen=True, slots=True)
class MarkedLook:
    """An answer, and a mark of the directories that gave it; None: another look may answer otherwise at any time."""

    look: DiskLook
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class MarkedFolder:
    """A title's folder in its root, and the mark of the last look at it."""

    folder: str
    root: str
    mark: str


@dataclass(frozen=True, slots=True)
class KnownOnDisk:
    """What the database knew before looking; `ours` are our recorded trailers of this very folder, relative to it.

    `seen_here`: the last look at this very folder, which the title has for itself, showed a trailer of whoever's.
    """

    trailer_exists: bool
    trailer_removed: bool
    media_exists: bool
    path_mapped: bool
    ours: frozenset[str] = frozenset()
    seen_here: bool = False


@dataclass(frozen=True, slots=True)
class DiskVerdict:
    """What the database shall know after looking."""

    trailer_exists: bool
    trailer_removed: bool
    state: DiskState


def judge_disk(known: KnownOnDisk, look: DiskLook) -> DiskVerdict:
    """Take the disk's "no trailer" only where it shows the title's own media beside the gap.

    A mount that is away, or one that shows empty folders, must never start a download of everything. A trailer that
    was there and is not was removed by a person.
    """
    if look.state is not FolderState.PRESENT:
        return DiskVerdict(known.trailer_exists, known.trailer_removed, _away(known, look.state))
    if look.trailers:
        return DiskVerdict(trailer_exists=True, trailer_removed=False, state=DiskState.READY)
    if known.media_exists and not look.media_seen:
        return DiskVerdict(known.trailer_exists, known.trailer_removed, DiskState.WAITING)
    removed = known.trailer_removed or bool(known.ours) or known.seen_here
    return DiskVerdict(trailer_exists=False, trailer_removed=removed, state=DiskState.READY)


def _away(known: KnownOnDisk, state: FolderState) -> DiskState:
    if state is FolderState.ABSENT:
        return DiskState.WAITING
    if state is FolderState.ROOT_ABSENT and not known.path_mapped:
        return DiskState.UNMAPPED
    return DiskState.UNREACHABLE
