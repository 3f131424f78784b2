"""Which failures new tools may mend: cookies for what wants a viewer, another yt-dlp for what ours did not manage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.base import FetchFailure

MOST_REMEMBERED = 20  # of each tool; several machines may have several
HELPS = {
    "ytdlp": frozenset({FetchFailure.OUR_SETUP, FetchFailure.UNKNOWN, FetchFailure.SOURCE_BLOCKED}),
    "cookies": frozenset({FetchFailure.NEEDS_COOKIES, FetchFailure.SOURCE_BLOCKED, FetchFailure.OUR_SETUP}),
    "proxy": frozenset({FetchFailure.GEO, FetchFailure.SOURCE_BLOCKED, FetchFailure.OUR_SETUP}),
    "catalogue": frozenset({FetchFailure.NOTHING_FOUND, FetchFailure.TRANSIENT, FetchFailure.DEAD}),
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker downloads with, each by a word that changes with it and tells no secret; None without one."""

    ytdlp: str | None = None
    cookies: str | None = None
    proxy: str | None = None
    catalogue: str | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is remembered from now on, and the kinds of failure that are worth another try at once."""

    remembered: Mapping[str, Sequence[str]]
    may_go_on: frozenset[FetchFailure]


def renewal(remembered: Mapping[str, Any] | None, now: Tools) -> Renewal:
    """Compare a worker's tools with all that were ever seen, by whichever machine; a first look changes nothing."""
    before = remembered or {}
    known, may_go_on = {}, frozenset[FetchFailure]()
    for name, helps in HELPS.items():
        seen = [str(word) for word in before.get(name, ())]
        word = getattr(now, name)
        if word is not None and word not in seen:
            may_go_on |= helps
            seen = [*seen, word][-MOST_REMEMBERED:]
        known[name] = seen
    return Renewal(known, frozenset() if remembered is None else may_go_on)
