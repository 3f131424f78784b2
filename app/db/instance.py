"""What the database remembers of the installation itself."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import setting

NOT_OUR_KEY = "TRAILHOOK_SECRET_KEY is not the key that this database's secrets were written with."
_FINGERPRINT = "secret_key_fingerprint"


async def secret_key_fingerprint(tx: AsyncConnection, first: str) -> str:
    """Give the fingerprint of the key that secrets were written with; `first` is kept where there is none yet."""
    await tx.execute(insert(setting).values(key=_FINGERPRINT, value=first).on_conflict_do_nothing())
    fingerprint: str = (await tx.execute(select(setting.c.value).where(setting.c.key == _FINGERPRINT))).scalar_one()
    return fingerprint


async def stored_fingerprint(tx: AsyncConnection) -> str | None:
    """Give the fingerprint of the key that secrets were written with, None where there is none yet."""
    query = select(setting.c.value).where(setting.c.key == _FINGERPRINT)
    fingerprint: str | None = (await tx.execute(query)).scalar_one_or_none()
    return fingerprint


async def replace_fingerprint(tx: AsyncConnection, fingerprint: str) -> None:
    """Note that all secrets are written with another key now."""
    await tx.execute(update(setting).where(setting.c.key == _FINGERPRINT).values(value=fingerprint))
