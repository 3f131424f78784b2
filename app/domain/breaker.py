"""The breaker of a video source or of a root folder: it stops what would only fail again, and lets one try probe.

    closed --(unmistakable trouble, or three suspicious ones in a row)--> open --(time is over)--> one probe
    probe well --> closed          probe in trouble again --> open for twice as long

What it stops is never charged to a title.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

YOUTUBE, VIMEO = "youtube", "vimeo"
VIDEO_SOURCES = (YOUTUBE, VIMEO)
_ROOT = "root:"
_SUSPECTS = 3
_VIDEO_FIRST, _VIDEO_MOST = timedelta(hours=1), timedelta(hours=24)
_ROOT_FIRST, _ROOT_MOST = timedelta(minutes=5), timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A try that failed in a way which may be the source's fault: what was tried, and the title it was charged to."""

    tried: str
    media_id: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source: while `is_open` nothing is tried before `paused_until`, and then one attempt at a time."""

    name: str
    is_open: bool = False
    level: int = 0
    reason: str | None = None
    paused_until: datetime | None = None
    probe_attempt_id: int | None = None
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with a source: `sure` where no single video or folder explains it."""

    reason: str
    suspect: Suspect
    sure: bool


@dataclass(frozen=True, slots=True)
class Paused:
    """Why and until when something waits for a source; null: until its probe is through."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PausedRoot:
    """A root folder that is paused, by its path in the Arr."""

    root_path: str
    pause: Paused


class Passage(StrEnum):
    """Who may use a source now; whoever uses one that is open is its probe."""

    ANYBODY = "anybody"
    PROBE = "probe"
    PERSON = "person"
    NOBODY = "nobody"


def root_source(root_path: str) -> str:
    """Name the source that a root folder is."""
    return f"{_ROOT}{root_path}"


def source_of(url: str) -> str:
    """Name the source of a video by its canonical address."""
    return VIMEO if url.startswith("https://vimeo.com/") else YOUTUBE


def sources_of(trailer_url: str | None, root_path: str | None) -> tuple[str, ...]:
    """Name what a title's download uses: its root folder, and YouTube unless a person chose a video elsewhere."""
    video = YOUTUBE if trailer_url is None else source_of(trailer_url)
    return (video,) if root_path is None else (video, root_source(root_path))


def longest_pause(states: Iterable[SourceState], used: Collection[str]) -> Paused | None:
    """Give the pause that a title waits for the longest, None where none of its sources is open."""
    mine = [state for state in states if state.is_open and state.name in used]
    if not mine:
        return None
    last = max(mine, key=lambda state: (state.paused_until is not None, state.paused_until))
    return Paused(last.reason or "", last.paused_until)


def paused_roots(states: Iterable[SourceState]) -> list[PausedRoot]:
    """Give the root folders that are paused, by their paths."""
    roots = [state for state in states if state.is_open and state.name.startswith(_ROOT)]
    return [
        PausedRoot(one.name.removeprefix(_ROOT), Paused(one.reason or "", one.paused_until))
        for one in sorted(roots, key=lambda state: state.name)
    ]


def passage(state: SourceState, *, probe_running: bool, now: datetime) -> Passage:
    """Say who may use it; a person who asks for a title may probe before the time is over."""
    if not state.is_open:
        return Passage.ANYBODY
    if probe_running:
        return Passage.NOBODY
    return Passage.PROBE if state.paused_until is None or state.paused_until <= now else Passage.PERSON


def after_trouble(state: SourceState, trouble: Trouble, attempt_id: int, now: datetime) -> SourceState:
    """Open it, count a suspect, or lengthen the pause after a probe; an attempt from before it opened says nothing new.

    A person's probe before the time does not lengthen the pause.
    """
    if state.is_open:
        if state.probe_attempt_id != attempt_id:
            return state
        early = state.paused_until is not None and now < state.paused_until
        if early:
            return replace(state, probe_attempt_id=None)
        return _opened(state, trouble.reason, state.level + 1, now)
    if trouble.sure:
        return _opened(state, trouble.reason, 0, now)
    others = tuple(one for one in state.suspects if one.tried != trouble.suspect.tried)
    suspects = (*others, trouble.suspect)
    if len(suspects) >= _SUSPECTS:
        return replace(_opened(state, trouble.reason, 0, now), suspects=suspects)
    return replace(state, suspects=suspects)


def _opened(state: SourceState, reason: str, level: int, now: datetime) -> SourceState:
    first, most = (_ROOT_FIRST, _ROOT_MOST) if state.name.startswith(_ROOT) else (_VIDEO_FIRST, _VIDEO_MOST)
    pause = min(first * int(2 ** min(level, 10)), most)
    return SourceState(state.name, is_open=True, level=level, reason=reason, paused_until=now + pause)
