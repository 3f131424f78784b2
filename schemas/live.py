"""What the page hears while it is open."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Model


class Topic(StrEnum):
    """What may have changed."""

    TITLES = "titles"
    EVENTS = "events"
    RUNS = "runs"


class Progress(Model):
    """How far a download is; `percent` is null until the size is known."""

    media_id: int
    percent: float | None


class Changed(Model):
    """Something changed; whoever shows it reads it again."""

    topics: tuple[Topic, ...]


LiveEvent = Progress | Changed
