"""What an API key must be, and how many wrong ones a client may send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from app.domain.addresses import is_loopback

STRONG_LENGTH, STRONG_VARIETY = 16, 8
MOST_WRONG = 10
FORGIVEN_EVERY = timedelta(seconds=5)
_MOST_DEBT = MOST_WRONG * FORGIVEN_EVERY


@dataclass(frozen=True, slots=True)
class WrongKeys:
    """The wrong keys of one client, as the time at which the last of them is forgiven."""

    forgiven_at: datetime


def is_weak(key: SecretStr) -> bool:
    """Say whether a key is easy to guess."""
    text = key.get_secret_value()
    return len(text) < STRONG_LENGTH or len(set(text)) < STRONG_VARIETY


def weak_key_fault(key: SecretStr, host: str) -> str | None:
    """Say why a service that listens on `host` must not start with this key; None where it may."""
    if is_loopback(host) or not is_weak(key):
        return None
    return (
        "The API key is easy to guess, and other machines may try: set TRAILHOOK_API_KEY to a long random text, such "
        "as `trailhook key --new` prints, or TRAILHOOK_HOST to 127.0.0.1."
    )


def wait_of(wrong: WrongKeys | None, now: datetime) -> timedelta:
    """Give how long a client has to wait before its next key is looked at, zero for not at all."""
    return max(timedelta(), _debt(wrong, now) + FORGIVEN_EVERY - _MOST_DEBT)


def one_more(wrong: WrongKeys | None, now: datetime) -> WrongKeys:
    """Count a wrong key."""
    return WrongKeys(now + _debt(wrong, now) + FORGIVEN_EVERY)


def _debt(wrong: WrongKeys | None, now: datetime) -> timedelta:
    """Give how long until all is forgiven; a clock that was set back makes it no longer than it can become."""
    if wrong is None:
        return timedelta()
    return min(max(wrong.forgiven_at - now, timedelta()), _MOST_DEBT)
