"""How long a library's trailers take: an honest guess for a person."""

from __future__ import annotations

from datetime import timedelta

TYPICAL_DOWNLOAD = timedelta(seconds=20)


def seconds_each(download_gap: timedelta, backfill_gap: timedelta) -> float:
    """Give how many seconds one trailer takes that nobody waits for: its pause and its download."""
    return (max(download_gap, backfill_gap) + TYPICAL_DOWNLOAD).total_seconds()


def expectation(titles: int, wanted: int, seconds_each: float) -> str:
    """Say how many titles get a trailer and how long that takes."""
    if not titles:
        return "It has no titles yet."
    counted = f"{titles} {'title' if titles == 1 else 'titles'}, {wanted} of them {_want(wanted)} a trailer"
    if not wanted:
        return f"{counted}."
    length = _length(wanted * seconds_each)
    return f"{counted}; at about one every {seconds_each:.0f} s that takes about {length}."


def _want(count: int) -> str:
    return "wants" if count == 1 else "want"


def _length(seconds: float) -> str:
    for most, unit, name in ((5400, 60, "minute"), (129_600, 3600, "hour")):
        if seconds < most:
            count = max(round(seconds / unit), 1)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{round(seconds / 86_400)} days"
