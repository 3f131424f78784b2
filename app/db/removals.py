"""Connections that were deleted: disabled at once, then emptied in small batches, their own row last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import attempts
from app.db.rows import to_connection
from app.db.tables import connection
from app.domain.records import Connection

# Runs and claims go first: who works under one finds its lease lost and writes no more titles. Titles go before the
# many events, for they are what people see. Trailers and attempts stay, without their title.
TABLES = ("run", "item_sync", "media", "unannounced_deletion", "event")

_DELETE_SOME = {
    table: text(f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE connection_id = :id LIMIT :limit FOR UPDATE SKIP LOCKED))
    """)  # noqa: S608 - the names above
    for table in TABLES
}


_STOP_DOWNLOADS = text("""
    UPDATE attempt SET lease_token = lease_token + 1, lease_until = now() + CAST(:lease AS interval)
    WHERE finished_at IS NULL AND media_id IN (SELECT id FROM media WHERE connection_id = :id)
""")


async def mark_deleted(tx: AsyncConnection, connection_id: int, *, remove_trailers: bool) -> Connection | None:
    """Disable a connection and hide it everywhere; its name and slug are free again. None where it is not there."""
    statement = (
        update(connection)
        .where(connection.c.id == connection_id, connection.c.deleted_at.is_(None))
        .values(enabled=False, deleted_at=func.now(), remove_trailers=remove_trailers)
        .returning(*connection.c)
    )
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else to_connection(row)


async def stop_downloads(tx: AsyncConnection, connection_id: int) -> None:
    """Take its downloads from their workers, who notice before the lease ends; what they leave is cleared up then."""
    await tx.execute(_STOP_DOWNLOADS, {"id": connection_id, "lease": attempts.LEASE})


async def end_trailer_removal(tx: AsyncConnection, connection_id: int) -> None:
    """Note that its trailers were looked through to the end: those that are left stay."""
    await tx.execute(update(connection).where(connection.c.id == connection_id).values(remove_trailers=False))


async def list_deleted(tx: AsyncConnection) -> Sequence[Connection]:
    """List the connections that are being emptied, the oldest first."""
    query = select(connection).where(connection.c.deleted_at.is_not(None)).order_by(connection.c.id)
    return [to_connection(row) for row in (await tx.execute(query)).mappings()]


async def was_deleted_before(tx: AsyncConnection, connection_id: int, ago: timedelta) -> bool:
    """Say whether it was deleted longer ago than this, by the database's clock."""
    query = select(connection.c.deleted_at < func.now() - ago).where(connection.c.id == connection_id)
    return bool((await tx.execute(query)).scalar_one_or_none())


async def delete_some(tx: AsyncConnection, table: str, connection_id: int, limit: int) -> int:
    """Delete at most `limit` of its rows that nobody else is at; gives how many went."""
    return (await tx.execute(_DELETE_SOME[table], {"id": connection_id, "limit": limit})).rowcount


async def delete_row(tx: AsyncConnection, connection_id: int) -> bool:
    """Delete its own row; False where something still leads to it, or another worker was faster."""
    statement = delete(connection).where(connection.c.id == connection_id, connection.c.deleted_at.is_not(None))
    try:
        async with tx.begin_nested():
            return (await tx.execute(statement)).rowcount > 0
    except IntegrityError:
        return False
