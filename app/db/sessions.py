"""Sessions of the page that were ended by signing out; their cookies would be valid for longer."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import ended_session


async def end(tx: AsyncConnection, session_sha256: bytes, lifetime: timedelta) -> None:
    """Note that a session has ended, and forget those whose cookies have run out by now."""
    await tx.execute(delete(ended_session).where(ended_session.c.ended_at < func.now() - lifetime))
    await tx.execute(insert(ended_session).values(session_sha256=session_sha256).on_conflict_do_nothing())


async def has_ended(tx: AsyncConnection, session_sha256: bytes) -> bool:
    """Say whether a session was ended."""
    query = select(ended_session.c.ended_at).where(ended_session.c.session_sha256 == session_sha256)
    return (await tx.execute(query)).one_or_none() is not None
