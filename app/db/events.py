"""The inbox: every authenticated webhook is a row here before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Statements
from app.db.tables import connection, event


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A webhook as it came; `arr_id` only where it asks for a sync, `note` where it tells why it does not."""

    connection_id: int
    event_type: str | None
    arr_id: int | None
    payload: bytes
    note: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """The row's id, and for a sync the item's newest request number."""

    id: int
    item_seq: int | None


_STORE = """
    WITH new AS MATERIALIZED (
        SELECT nextval('event_id_seq') AS id, u.*
        FROM (SELECT set_config('lock_timeout', $1, true)) AS settings, unnest(
            CAST($2 AS bigint[]), CAST($3 AS text[]), CAST($4 AS integer[]),
            CAST($5 AS bytea[]), CAST($6 AS text[])
        ) WITH ORDINALITY AS u(connection_id, event_type, arr_id, payload, note, place)
    ), items AS (
        SELECT connection_id, arr_id, count(*) AS events FROM new WHERE arr_id IS NOT NULL
        GROUP BY connection_id, arr_id
    ), raised AS (
        INSERT INTO item_sync AS i (connection_id, arr_id, requested_seq)
        SELECT connection_id, arr_id, events FROM items ORDER BY connection_id, arr_id
        ON CONFLICT (connection_id, arr_id) DO UPDATE
        SET requested_seq = i.requested_seq + excluded.requested_seq, failed = false,
            attempts = CASE WHEN i.failed THEN 0 ELSE i.attempts END,
            next_at = CASE WHEN i.failed THEN now()
                           WHEN i.synced_seq = i.requested_seq THEN greatest(i.next_at, now()) ELSE i.next_at END
        RETURNING connection_id, arr_id, requested_seq
    ), numbered AS (
        SELECT new.*, raised.requested_seq - items.events
                 + row_number() OVER (PARTITION BY connection_id, arr_id ORDER BY place) AS item_seq
        FROM new LEFT JOIN items USING (connection_id, arr_id) LEFT JOIN raised USING (connection_id, arr_id)
    ), stored AS (
        INSERT INTO event (id, connection_id, event_type, arr_id, item_seq, payload, error, state, processed_at)
        SELECT id, connection_id, event_type, arr_id, item_seq, payload, note,
               CASE WHEN arr_id IS NULL THEN 'ignored' ELSE 'pending' END, CASE WHEN arr_id IS NULL THEN now() END
        FROM numbered
    )
    SELECT id, item_seq FROM numbered ORDER BY place
"""

_DELETE_OLD = text("""
    DELETE FROM event WHERE id IN (
        SELECT id FROM event WHERE state IN ('processed', 'ignored') AND processed_at < now() - CAST(:kept AS interval)
        ORDER BY processed_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_DELETE_OLD_FAILED = text("""
    DELETE FROM event WHERE id IN (
        SELECT id FROM event WHERE state = 'failed' AND processed_at < now() - CAST(:kept AS interval)
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_LEFT_BY_EVENT = text("""
    SELECT 1 FROM event WHERE connection_id = :connection_id AND arr_id = :arr_id AND event_type = :event_type
      AND received_at > now() - interval '1 hour' LIMIT 1
""")


_RAISE_FOR_REPLAY = text("""
    UPDATE item_sync SET requested_seq = requested_seq + 1, failed = false, attempts = 0, next_at = now(), error = NULL
    WHERE connection_id = :connection_id AND arr_id = :arr_id RETURNING requested_seq
""")

_MAKE_PENDING = text("""
    UPDATE event SET state = 'pending', item_seq = :item_seq, error = NULL, processed_at = NULL
    WHERE id = :id
""")


async def store_batch(statements: Statements, new: Sequence[NewEvent], lock_timeout: timedelta) -> list[StoredEvent]:
    """Write events and, for those that name an item, raise that item's request counter in the same statement.

    Items are locked in the order of their keys, so that two batches never wait for each other. Raises StatementFailed
    where an item stays locked for longer than `lock_timeout`, Unavailable.
    """
    rows = await statements.fetch(
        _STORE,
        f"{int(lock_timeout.total_seconds() * 1000)}ms",
        [event.connection_id for event in new],
        [event.event_type for event in new],
        [event.arr_id for event in new],
        [event.payload for event in new],
        [event.note for event in new],
    )
    return [StoredEvent(row["id"], row["item_seq"]) for row in rows]


async def delete_old(tx: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete at most `limit` events that were handled longer ago than `kept`; gives how many went."""
    return (await tx.execute(_DELETE_OLD, {"kept": kept, "limit": limit})).rowcount


async def delete_old_failed(tx: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete at most `limit` events that failed longer ago than `kept`; gives how many went."""
    return (await tx.execute(_DELETE_OLD_FAILED, {"kept": kept, "limit": limit})).rowcount


async def announced_leaving(tx: AsyncConnection, connection_id: int, arr_id: int, event_type: str) -> bool:
    """Say whether the Arr announced within the last hour that this item leaves it."""
    values = {"connection_id": connection_id, "arr_id": arr_id, "event_type": event_type}
    return (await tx.execute(_LEFT_BY_EVENT, values)).one_or_none() is not None


async def make_pending(tx: AsyncConnection, event_id: int, connection_id: int, arr_id: int) -> None:
    """Give a stored event its item's next request number, due now, and forget past failures.

    A sync that runs meanwhile covers only older numbers, so this one gets a sync of its own.
    """
    item = {"connection_id": connection_id, "arr_id": arr_id}
    item_seq = (await tx.execute(_RAISE_FOR_REPLAY, item)).scalar_one_or_none()
    await tx.execute(_MAKE_PENDING, {"id": event_id, "item_seq": item_seq})


async def last_received(tx: AsyncConnection) -> dict[int, datetime]:
    """Give the time of each connection's newest event."""
    newest = select(func.max(event.c.received_at)).where(event.c.connection_id == connection.c.id).scalar_subquery()
    return {row[0]: row[1] for row in await tx.execute(select(connection.c.id, newest)) if row[1] is not None}
