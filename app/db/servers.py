"""Media servers: what a person set up, and how telling them went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import media_server
from app.domain.servers import MediaServerRecord
from app.errors import Conflict
from schemas.connection import PathMapping
from schemas.server import ServerKind


async def add(tx: AsyncConnection, values: Mapping[str, object]) -> int:
    """Store a media server, its token encrypted, and give its id. Raises Conflict where the name is taken."""
    try:
        statement = insert(media_server).values(**values).returning(media_server.c.id)
        server_id: int = (await tx.execute(statement)).scalar_one()
    except IntegrityError as error:
        raise Conflict(_taken(values)) from error
    return server_id


async def get(tx: AsyncConnection, server_id: int) -> MediaServerRecord | None:
    """Get one media server."""
    row = (await tx.execute(select(media_server).where(media_server.c.id == server_id))).mappings().one_or_none()
    return None if row is None else _to_record(row)


async def list_all(tx: AsyncConnection) -> Sequence[MediaServerRecord]:
    """List all media servers by name."""
    rows = await tx.execute(select(media_server).order_by(func.lower(media_server.c.name), media_server.c.id))
    return [_to_record(row) for row in rows.mappings()]


async def change(tx: AsyncConnection, server_id: int, values: Mapping[str, object]) -> bool:
    """Write some columns; False where it is not there. Raises Conflict where the name is taken."""
    statement = update(media_server).where(media_server.c.id == server_id).values(**values)
    try:
        return (await tx.execute(statement)).rowcount > 0
    except IntegrityError as error:
        raise Conflict(_taken(values)) from error


async def remove(tx: AsyncConnection, server_id: int) -> bool:
    """Forget a media server; False where it is not there."""
    return (await tx.execute(delete(media_server).where(media_server.c.id == server_id))).rowcount > 0


async def record(tx: AsyncConnection, server_id: int, error: str | None) -> None:
    """Note that telling it worked, or why not."""
    values: dict[str, Any] = {"last_error": error} if error else {"last_error": None, "last_ok_at": func.now()}
    await tx.execute(update(media_server).where(media_server.c.id == server_id).values(**values))


def _taken(values: Mapping[str, object]) -> str:
    return f"A media server named {values.get('name')!r} exists already; choose another name."


def _to_record(row: RowMapping) -> MediaServerRecord:
    mappings = tuple(PathMapping.model_validate(mapping) for mapping in row["path_mappings"])
    return MediaServerRecord(**{**row, "kind": ServerKind(row["kind"]), "path_mappings": mappings})
