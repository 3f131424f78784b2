"""yt-dlp's versions, which are dates, and how old one may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STALE_AFTER = timedelta(days=90)  # yt-dlp itself warns from then on


@dataclass(frozen=True, slots=True)
class YtDlpVersions:
    """What the next job uses: yt-dlp, and its scripts for YouTube's challenges; None where it is not there."""

    ytdlp: str | None
    solver: str | None


def numbers(version: str) -> tuple[int, ...]:
    """Give what versions are compared by."""
    return tuple(int(part) for part in re.split(r"[.-]", version) if part.isdecimal())


def age_of(version: str, now: datetime) -> timedelta | None:
    """Give how long ago a yt-dlp was released; None where its version is no date."""
    try:
        year, month, day, *_ = numbers(version)
        return max(now - datetime(year, month, day, tzinfo=UTC), timedelta())
    except (ValueError, OverflowError):
        return None
