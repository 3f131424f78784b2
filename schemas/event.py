"""Events as the API shows them."""

from __future__ import annotations

from datetime import datetime

from schemas.base import EventAction, EventState, Model


class EventAccepted(Model):
    """The answer to a webhook."""

    event_id: int
    event_type: str | None
    action: EventAction


class EventRead(Model):
    """A stored event and what became of it."""

    id: int
    connection_id: int
    event_type: str | None
    arr_id: int | None
    state: EventState
    error: str | None
    received_at: datetime
    processed_at: datetime | None
