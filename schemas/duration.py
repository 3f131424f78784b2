"""Lengths of time as people write them: `500ms`, `10s`, `5m`, `1h`, `30d`, or plain seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")


def parse_duration(value: object) -> timedelta:
    """Read a length of time; raises ValueError that says how to write one."""
    if isinstance(value, timedelta):
        return value
    match = _TEXT.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        message = "write a number with a unit: 500ms, 10s, 5m, 1h or 30d"
        raise ValueError(message)
    try:
        return float(match[1]) * _UNITS[match[2] or "s"]
    except OverflowError as error:
        message = "write a shorter time"
        raise ValueError(message) from error


def format_duration(value: timedelta) -> str:
    """Write a length of time so that `parse_duration` reads it, in the largest unit that it is a whole number of."""
    for unit, length in _UNITS.items():
        if value >= length and not value % length:
            return f"{value // length}{unit}"
    return f"{value.total_seconds():.6f}s" if value else "0s"


@dataclass(frozen=True, slots=True)
class Within:
    """A pydantic rule: no shorter than `ge` and no longer than `le`."""

    ge: timedelta
    le: timedelta

    def __call__(self, value: timedelta) -> timedelta:
        """Give the length back; raises ValueError that names both limits."""
        if not self.ge <= value <= self.le:
            message = f"write a time from {format_duration(self.ge)} to {format_duration(self.le)}"
            raise ValueError(message)
        return value


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
