"""The database as `doctor` looks at it; nothing is written."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import instance, schema
from app.domain.doctor import DatabaseFacts
from app.errors import SchemaTooNew


async def look(tx: AsyncConnection) -> DatabaseFacts:
    """Look at version, schema, key and clock."""
    version, clock = (await tx.execute(text("SELECT current_setting('server_version'), clock_timestamp()"))).one()
    try:
        at_head, newer = await schema.is_at_head(tx), False
    except SchemaTooNew:
        at_head, newer = False, True
    fingerprint = await instance.stored_fingerprint(tx) if at_head else None
    return DatabaseFacts(version.split(maxsplit=1)[0], at_head, newer, fingerprint, clock)
