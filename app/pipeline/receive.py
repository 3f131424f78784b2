"""A webhook comes in: check the password, read the few facts, store, wake a worker."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from app.context import Deps
from app.db.connections import WebhookDoor
from app.db.events import NewEvent
from app.errors import InvalidRequest
from app.pipeline.doors import Doors
from app.pipeline.inbox import Inbox
from app.pipeline.waker import Waker
from schemas.base import EventAction
from schemas.event import EventAccepted
from schemas.live import Topic
from schemas.webhooks import NotAnEvent, WebhookEvent, parse_event

DISABLED = "The connection was disabled when it came."


class Receiver:
    """The receiving side of one API process, from entering to leaving."""

    def __init__(self, deps: Deps) -> None:
        self._doors = Doors(deps)
        self._inbox = Inbox(deps)
        self._waker = Waker(deps)
        self._live = deps.live

    async def __aenter__(self) -> Self:
        await self._waker.__aenter__()
        await self._inbox.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._inbox.__aexit__(kind, error, traceback)
        await self._waker.__aexit__(kind, error, traceback)
        await self._doors.close()

    async def authenticate(self, slug: str, password: str | None) -> WebhookDoor:
        """Let a webhook in; an unknown slug costs what a wrong password costs.

        Raises NotFound, Unauthorized, Unavailable.
        """
        return await self._doors.authenticate(slug, password)

    async def receive(self, door: WebhookDoor, body: bytes) -> EventAccepted:
        """Store the event and only then answer; a worker is woken after the commit, and nobody waits for that.

        Raises InvalidRequest for anything but a JSON object, Unavailable where Postgres cannot commit.
        """
        event = _parse(door, body)
        note = None
        if not door.enabled and event.action is EventAction.SYNC:
            event, note = WebhookEvent(event.event_type, None, EventAction.IGNORED), DISABLED
        stored = await self._inbox.store(NewEvent(door.connection_id, event.event_type, event.arr_id, body, note))
        self._live.changed(Topic.EVENTS)
        if stored.item_seq is not None:
            self._waker.wake(door.connection_id)
        return EventAccepted(event_id=stored.id, event_type=event.event_type, action=event.action)


def _parse(door: WebhookDoor, body: bytes) -> WebhookEvent:
    try:
        return parse_event(door.arr_type, body)
    except NotAnEvent as error:
        message = f"Nothing was stored: {error}."
        raise InvalidRequest(message) from error
