"""The settings that a person chose, in one row of their own beside what the database remembers of the installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import setting

_KEY = "tunables"


async def stored(tx: AsyncConnection) -> dict[str, Any]:
    """Give what was chosen, as JSON by name."""
    found: dict[str, Any] | None = await tx.scalar(select(setting.c.value).where(setting.c.key == _KEY))
    return found or {}


async def lock_stored(tx: AsyncConnection) -> dict[str, Any]:
    """Give what was chosen; nobody else changes it before this transaction ends."""
    await tx.execute(insert(setting).values(key=_KEY, value={}).on_conflict_do_nothing())
    query = select(setting.c.value).where(setting.c.key == _KEY).with_for_update()
    found: dict[str, Any] = (await tx.execute(query)).scalar_one()
    return found


async def store(tx: AsyncConnection, chosen: Mapping[str, Any]) -> None:
    """Keep what was chosen, in place of all before; after `lock_stored`."""
    await tx.execute(update(setting).where(setting.c.key == _KEY).values(value=dict(chosen)))


async def recall(tx: AsyncConnection, key: str) -> dict[str, Any] | None:
    """Give what was kept under a key of its own, locked."""
    found: dict[str, Any] | None = await tx.scalar(
        select(setting.c.value).where(setting.c.key == key).with_for_update()
    )
    return found


async def remember(tx: AsyncConnection, key: str, value: Mapping[str, Any]) -> None:
    """Keep something under a key of its own."""
    new = insert(setting).values(key=key, value=dict(value))
    differs = setting.c.value != new.excluded.value
    await tx.execute(
        new.on_conflict_do_update(index_elements=["key"], set_={"value": new.excluded.value}, where=differs)
    )
