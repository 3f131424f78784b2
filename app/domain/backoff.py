"""How long to wait before the next try, and when to stop trying."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.base import FetchFailure

MAX_SYNC_ATTEMPTS = 10
LEAST_DELAY = timedelta(minutes=10)  # until a video is asked for again that says when it can be seen
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOLDER = (
    timedelta(seconds=2),
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(seconds=60),
    timedelta(minutes=5),
    timedelta(minutes=30),
)
_SYNC = (timedelta(seconds=10), _MINUTE, 10 * _MINUTE)
_PROBE_FIRST, _PROBE_MOST = timedelta(seconds=5), timedelta(minutes=5)
_SOON = (_MINUTE, 10 * _MINUTE, _HOUR)
_OVER_A_DAY = (_HOUR, 6 * _HOUR, 17 * _HOUR)
_LATER = (_DAY, 3 * _DAY, 7 * _DAY, 30 * _DAY)
_JUST_RELEASED = (6 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
_SOON_FAILURES = frozenset(
    {
        FetchFailure.TRANSIENT,
        FetchFailure.STORAGE,
        FetchFailure.LOST,
        FetchFailure.SOURCE_BLOCKED,
        FetchFailure.OUR_SETUP,
    }
)
_WINTER = timedelta(days=60)
_SPACING_FIRST, _SPACING_BURST = timedelta(seconds=3), timedelta(seconds=15)


def folder_delay(tries: int) -> timedelta | None:
    """Give the wait before looking for a folder again after `tries` looks; None: at the next refresh."""
    return _FOLDER[tries] if tries < len(_FOLDER) else None


def sync_delay(attempts: int) -> timedelta | None:
    """Give the wait after the `attempts`-th failed sync of an item (from 1); None: it has failed for good."""
    if attempts >= MAX_SYNC_ATTEMPTS:
        return None
    return _SYNC[attempts - 1] if attempts <= len(_SYNC) else _HOUR


def probe_delay(failures: int) -> timedelta:
    """Give the wait before a connection that failed `failures` times (from 1) is asked again."""
    return min(_PROBE_FIRST * int(2 ** min(failures - 1, 10)), _PROBE_MOST)


def sync_spacing(streak: int) -> timedelta:
    """Give the least time between the end of a sync and the next of the same item; `streak` counts them in a row."""
    return _SPACING_FIRST if streak < 2 else _SPACING_BURST


def acquire_delay(failure: FetchFailure, tries: int, *, just_released: bool = False) -> timedelta:
    """Give the wait before a title's trailer is tried again after `tries` failures in a row (from 1)."""
    later = _JUST_RELEASED if just_released else _LATER
    first: tuple[timedelta, ...] = ()
    if failure in _SOON_FAILURES:
        first = _SOON
    elif failure is FetchFailure.UNKNOWN:
        first = _OVER_A_DAY
    ladder: list[timedelta] = [*first, *later]
    return ladder[min(tries, len(ladder)) - 1]


def is_just_released(year: int | None, now: datetime) -> bool:
    """Say whether trailers may still appear: titles of this year, of the next ones, and in winter of the last."""
    return year is not None and year >= (now - _WINTER).year
