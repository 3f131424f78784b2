"""Connections to Arrs: what a person set up, and how they are doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.rows import to_connection
from app.db.tables import connection
from app.domain.records import Connection
from app.errors import Conflict
from schemas.base import ArrType, MonitorType
from schemas.connection import PathMapping, PolicyOverride

OK_NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What a new row needs; secrets are encrypted, and the webhook's password is hashed as well."""

    name: str
    slug: str
    arr_type: ArrType
    url: str
    api_key: str
    monitor_type: MonitorType
    path_mappings: tuple[PathMapping, ...]
    policy: PolicyOverride
    webhook_password: str
    webhook_password_sha256: bytes
    manual_webhook: bool
    arr_version: str


@dataclass(frozen=True, slots=True)
class WebhookDoor:
    """What the receiver needs to let a webhook in."""

    connection_id: int
    arr_type: ArrType
    enabled: bool
    password_sha256: bytes


_TAKE_PROBE = text("""
    UPDATE connection SET probe_at = now() + :pause
    WHERE id = :id AND down_since IS NOT NULL AND probe_at <= now() RETURNING id
""")

_PROBE_PAUSE = timedelta(seconds=30)


async def add(tx: AsyncConnection, new: NewConnection) -> int:
    """Store a connection and give its id. Raises Conflict where name or slug is taken."""
    values = {
        **{field: getattr(new, field) for field in new.__dataclass_fields__},
        "path_mappings": [mapping.model_dump() for mapping in new.path_mappings],
        "policy": new.policy.model_dump(exclude_none=True),
        "last_ok_at": func.now(),
    }
    try:
        statement = insert(connection).values(**values).returning(connection.c.id)
        connection_id: int = (await tx.execute(statement)).scalar_one()
    except IntegrityError as error:
        message = f"a connection named {new.name!r} (or one with the same address part {new.slug!r}) exists already"
        raise Conflict(message) from error
    return connection_id


async def get(tx: AsyncConnection, connection_id: int) -> Connection | None:
    """Get one connection."""
    row = (await tx.execute(select(connection).where(connection.c.id == connection_id))).mappings().one_or_none()
    return None if row is None else to_connection(row)


async def list_all(tx: AsyncConnection) -> Sequence[Connection]:
    """List all connections by name."""
    rows = await tx.execute(select(connection).order_by(func.lower(connection.c.name)))
    return [to_connection(row) for row in rows.mappings()]


async def is_name_taken(tx: AsyncConnection, name: str, slug: str) -> bool:
    """Say whether a connection of that name or slug exists."""
    query = select(connection.c.id).where(or_(connection.c.name == name, connection.c.slug == slug)).limit(1)
    return (await tx.execute(query)).one_or_none() is not None


async def list_doors(tx: AsyncConnection) -> dict[str, WebhookDoor]:
    """Give what is needed to check webhooks' passwords, by slug."""
    query = select(
        connection.c.slug,
        connection.c.id,
        connection.c.arr_type,
        connection.c.enabled,
        connection.c.webhook_password_sha256,
    )
    return {row[0]: WebhookDoor(row[1], ArrType(row[2]), row[3], row[4]) for row in await tx.execute(query)}


async def set_notification(
    tx: AsyncConnection, connection_id: int, notification_id: int | None, error: str | None
) -> None:
    """Note which entry in the Arr is ours, or why there is none."""
    statement = update(connection).where(connection.c.id == connection_id)
    await tx.execute(statement.values(notification_id=notification_id, webhook_error=error))


async def may_ask(tx: AsyncConnection, asked: Connection) -> bool:
    """Say whether the Arr may be asked now: it is up, or this caller gets the one probe that is due."""
    if asked.down_since is None:
        return True
    return (await tx.execute(_TAKE_PROBE, {"id": asked.id, "pause": _PROBE_PAUSE})).one_or_none() is not None


async def mark_down(tx: AsyncConnection, connection_id: int, error: str, probe_in: timedelta) -> None:
    """Pause a connection that failed until its next probe."""
    statement = update(connection).where(connection.c.id == connection_id)
    await tx.execute(
        statement.values(
            down_since=func.coalesce(connection.c.down_since, func.now()),
            failures=connection.c.failures + 1,
            probe_at=func.now() + probe_in,
            last_error=error,
        )
    )


async def mark_ok(tx: AsyncConnection, connection_id: int) -> bool:
    """Note that the Arr answered, at most once a minute; True if it was down before."""
    row = (
        await tx.execute(
            select(connection.c.down_since)
            .where(
                connection.c.id == connection_id,
                or_(
                    connection.c.down_since.is_not(None),
                    connection.c.last_ok_at.is_(None),
                    connection.c.last_ok_at < func.now() - OK_NOTED_EVERY,
                ),
            )
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        return False
    await tx.execute(
        update(connection)
        .where(connection.c.id == connection_id)
        .values(down_since=None, probe_at=None, failures=0, last_error=None, last_ok_at=func.now())
    )
    return row.down_since is not None
