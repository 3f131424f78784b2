"""Which failures new tools may mend: cookies for what wants a viewer, another yt-dlp for what ours did not manage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from schemas.base import FetchFailure

_BY_COOKIES = frozenset({FetchFailure.NEEDS_COOKIES, FetchFailure.SOURCE_BLOCKED, FetchFailure.OUR_SETUP})
_BY_YTDLP = frozenset({FetchFailure.OUR_SETUP, FetchFailure.UNKNOWN, FetchFailure.SOURCE_BLOCKED})


@dataclass(frozen=True, slots=True)
class Tools:
    """What a machine downloads with: yt-dlp's version, and the cookies file's time in ns, None without one."""

    ytdlp: str | None
    cookies: int | None

    def as_json(self) -> dict[str, Any]:
        """Write it down."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> Self | None:
        """Read what was written down, None where nothing was."""
        return None if document is None else cls(document.get("ytdlp"), document.get("cookies"))


def what_may_go_on(before: Tools | None, now: Tools) -> frozenset[FetchFailure]:
    """Give the kinds of failure that are worth another try at once; a first look changes nothing."""
    if before is None:
        return frozenset()
    by_cookies = _BY_COOKIES if now.cookies not in {None, before.cookies} else frozenset()
    return by_cookies | (_BY_YTDLP if now.ytdlp not in {None, before.ytdlp} else frozenset())
