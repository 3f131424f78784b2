"""A webhook comes in: check the password, read the few facts, store, wake a worker."""

from __future__ import annotations

from app.context import Deps
from app.crypto import password_hash, same
from app.db import connections, events
from app.db.connections import WebhookDoor
from app.errors import InvalidRequest, NotFound, Unauthorized
from schemas.base import EventAction
from schemas.event import EventAccepted
from schemas.webhooks import NotAnEvent, WebhookEvent, parse_event

_NO_SUCH_DOOR = password_hash("")


async def authenticate(deps: Deps, slug: str, password: str | None) -> WebhookDoor:
    """Let a webhook in; an unknown slug costs what a wrong password costs.

    Raises NotFound, Unauthorized, Unavailable.
    """
    async with deps.db.transaction() as tx:
        door = await connections.get_door(tx, slug)
    expected = _NO_SUCH_DOOR if door is None else door.password_sha256
    matches = same(password_hash(password or ""), expected)
    if door is None:
        message = "There is no such webhook; copy its address from the connection."
        raise NotFound(message)
    if not matches:
        message = "The webhook's password is missing or wrong."
        raise Unauthorized(message)
    return door


async def receive(deps: Deps, door: WebhookDoor, body: bytes) -> EventAccepted:
    """Store the event and only then answer; waking a worker comes after the commit and may fail.

    Raises InvalidRequest for anything but a JSON object, Unavailable where Postgres cannot commit.
    """
    try:
        event = parse_event(door.arr_type, body)
    except NotAnEvent as error:
        message = f"Nothing was stored: {error}."
        raise InvalidRequest(message) from error
    if not door.enabled and event.action is EventAction.SYNC:
        event = WebhookEvent(event.event_type, None, EventAction.IGNORED)
    async with deps.db.transaction() as tx:
        new = events.NewEvent(door.connection_id, event.event_type, event.arr_id, body)
        stored = await events.store(tx, new)
    if event.arr_id is not None and stored.item_seq is not None:
        await deps.wakeups.wake_sync(door.connection_id, event.arr_id, stored.item_seq)
    return EventAccepted(event_id=stored.id, event_type=event.event_type, action=event.action)
