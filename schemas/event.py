"""Events as the API shows them."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from schemas.base import EventAction, EventState, Model


class EventAccepted(Model):
    """The answer to a webhook."""

    event_id: int
    event_type: str | None
    action: EventAction


class EventRead(Model):
    """A stored event and what became of it.

    `note` says why it waits, was ignored or failed, and `next_try_at` when it is tried again. `media_id` and `title`
    are those of the title that has the item's id now.
    """

    id: int
    connection_id: int
    connection_name: str
    event_type: str | None
    arr_id: int | None
    media_id: int | None
    title: str | None
    state: EventState
    note: str | None
    error: str | None
    next_try_at: datetime | None
    received_at: datetime
    processed_at: datetime | None


class EventDetail(EventRead):
    """One event with the body as it was received: its JSON, or its text where that is no JSON that can be shown."""

    payload: JsonValue
