"""Events as people look at them: with their connection, their title, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import RowMapping, Select, and_, false, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import connection, event, item_sync, media
from app.domain.event_notes import EventFacts, explain_event
from schemas.base import EventState
from schemas.event import EventRead

_FACTS = [field.name for field in fields(EventFacts)]
_SHOWN = set(EventRead.model_fields) - {"note", "next_try_at"}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; None shows all."""

    state: EventState | None = None
    connection_id: int | None = None


async def list_page(
    tx: AsyncConnection, wanted: EventFilter, before_id: int | None, limit: int
) -> tuple[Sequence[EventRead], int]:
    """List events, newest first, and count all that the filter lets through."""
    shown = and_(
        true() if wanted.state is None else event.c.state == wanted.state,
        true() if wanted.connection_id is None else event.c.connection_id == wanted.connection_id,
        event.c.connection_id.in_(select(connection.c.id).where(connection.c.deleted_at.is_(None))),
    )
    total = (await tx.execute(select(func.count()).select_from(event).where(shown))).scalar_one()
    query = _events().where(shown)
    if before_id is not None:
        query = query.where(event.c.id < before_id)
    return await _read(tx, query.order_by(event.c.id.desc()).limit(limit)), total


async def list_for_item(tx: AsyncConnection, connection_id: int, arr_id: int, limit: int) -> Sequence[EventRead]:
    """List the newest events of one item."""
    query = _events().where(event.c.connection_id == connection_id, event.c.arr_id == arr_id)
    return await _read(tx, query.order_by(event.c.id.desc()).limit(limit))


async def get(tx: AsyncConnection, event_id: int) -> EventRead | None:
    """Get one event; those of a deleted connection are not there any more."""
    found = await _read(tx, _events().where(event.c.id == event_id, connection.c.deleted_at.is_(None)))
    return found[0] if found else None


async def get_payload(tx: AsyncConnection, event_id: int) -> bytes | None:
    """Get the body as it was received."""
    query = select(event.c.payload).where(event.c.id == event_id)
    payload: bytes | None = (await tx.execute(query)).scalar_one_or_none()
    return payload


def _events() -> Select[Any]:
    synced_item = and_(item_sync.c.connection_id == event.c.connection_id, item_sync.c.arr_id == event.c.arr_id)
    its_title = and_(media.c.connection_id == event.c.connection_id, media.c.arr_id == event.c.arr_id)
    return select(
        event.c.id,
        event.c.connection_id,
        event.c.event_type,
        event.c.arr_id,
        event.c.state,
        event.c.error,
        event.c.received_at,
        event.c.processed_at,
        connection.c.name.label("connection_name"),
        connection.c.enabled,
        connection.c.down_since.is_not(None).label("down"),
        connection.c.last_error.label("connection_error"),
        connection.c.probe_at,
        func.coalesce(item_sync.c.lease_until > func.now(), false()).label("syncing"),
        func.coalesce(item_sync.c.attempts, 0).label("attempts"),
        item_sync.c.error.label("sync_error"),
        item_sync.c.next_at,
        media.c.id.label("media_id"),
        media.c.title,
        func.now().label("now"),
    ).select_from(event.join(connection).outerjoin(item_sync, synced_item).outerjoin(media, its_title))


async def _read(tx: AsyncConnection, query: Select[Any]) -> Sequence[EventRead]:
    return [_to_read(row) for row in (await tx.execute(query)).mappings()]


def _to_read(row: RowMapping) -> EventRead:
    values: dict[str, Any] = {**row, "state": EventState(row["state"]), "has_title": row["media_id"] is not None}
    outlook = explain_event(EventFacts(**{name: values[name] for name in _FACTS}), row["now"])
    shown = {name: values[name] for name in _SHOWN}
    return EventRead(**shown, note=outlook.note, next_try_at=outlook.next_try_at)
