"""Connections to Arrs: what a person set up, and how they are doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
SECRET_COLUMNS = ("api_key", "webhook_password")
_LIVE = connection.c.deleted_at.is_(None)


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What a new row needs; secrets are encrypted, and the webhook's password is hashed as well."""

    name: str
    slug: str
    arr_type: ArrType
    url: str
    api_key: str
    ca_file: str | None
    verify_tls: bool
    monitor_type: MonitorType
    path_mappings: tuple[PathMapping, ...]
    policy: PolicyOverride
    webhook_password: str
    webhook_password_sha256: bytes
    manual_webhook: bool
    arr_version: str


@dataclass(frozen=True, slots=True)
class WebhookFindings:
    """What is known of our entry in an Arr: its id there, what is wrong, what a user should know, if it is muted."""

    notification_id: int | None = None
    error: str | None = None
    notice: str | None = None
    blocked: bool = False


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

_HOLD_PROBE = text("""
    SELECT id FROM connection WHERE id = :id AND down_since IS NOT NULL AND probe_at <= now()
    FOR NO KEY UPDATE SKIP LOCKED
""")

_TAKE_WEBHOOK_CHECKS = text("""
    UPDATE connection SET webhook_checked_at = now() WHERE id IN (
        SELECT id FROM connection
        WHERE enabled AND deleted_at IS NULL AND NOT manual_webhook AND down_since IS NULL
          AND (webhook_checked_at IS NULL OR webhook_checked_at < now() - CASE
                 WHEN webhook_error IS NULL AND NOT webhook_refused THEN CAST(:every AS interval)
                 ELSE CAST(:every_with_error AS interval) END)
        ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING *
""")

# Longer than an Arr that hangs is waited for, so that no second probe begins beside the first.
_PROBE_PAUSE = timedelta(minutes=2)


async def add(tx: AsyncConnection, new: NewConnection) -> int:
    """Store a connection and give its id. Raises Conflict where name or slug is taken."""
    values = {
        **{field: getattr(new, field) for field in new.__dataclass_fields__},
        "path_mappings": [mapping.model_dump() for mapping in new.path_mappings],
        "policy": new.policy.model_dump(exclude_none=True),
        "last_ok_at": func.now(),
        "webhook_checked_at": func.now(),
    }
    try:
        statement = insert(connection).values(**values).returning(connection.c.id)
        connection_id: int = (await tx.execute(statement)).scalar_one()
    except IntegrityError as error:
        message = f"A connection like {new.name!r} exists already; give this one another name."
        raise Conflict(message) from error
    return connection_id


async def get(tx: AsyncConnection, connection_id: int) -> Connection | None:
    """Get one connection; a deleted one is not there any more."""
    query = select(connection).where(connection.c.id == connection_id, _LIVE)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else to_connection(row)


async def list_all(tx: AsyncConnection) -> Sequence[Connection]:
    """List all connections by name."""
    rows = await tx.execute(select(connection).where(_LIVE).order_by(func.lower(connection.c.name)))
    return [to_connection(row) for row in rows.mappings()]


async def change(tx: AsyncConnection, connection_id: int, values: Mapping[str, object]) -> bool:
    """Write some columns of a connection; False where it is not there. Raises Conflict where the name is taken."""
    statement = update(connection).where(connection.c.id == connection_id, _LIVE).values(**values)
    try:
        return (await tx.execute(statement)).rowcount > 0
    except IntegrityError as error:
        message = f"A connection named {values.get('name')!r} exists already; choose another name."
        raise Conflict(message) from error


async def set_tag_labels(tx: AsyncConnection, connection_id: int, labels: Mapping[int, str]) -> bool:
    """Write the names of the Arr's tags; False where they are the same as before."""
    document = {str(tag): label for tag, label in labels.items()}
    statement = update(connection).where(connection.c.id == connection_id, connection.c.tag_labels != document)
    return (await tx.execute(statement.values(tag_labels=document))).rowcount > 0


async def list_doors(tx: AsyncConnection) -> dict[str, WebhookDoor]:
    """Give what is needed to check webhooks' passwords, by slug."""
    query = select(
        connection.c.slug,
        connection.c.id,
        connection.c.arr_type,
        connection.c.enabled,
        connection.c.webhook_password_sha256,
    ).where(_LIVE)
    return {row[0]: WebhookDoor(row[1], ArrType(row[2]), row[3], row[4]) for row in await tx.execute(query)}


async def set_webhook(tx: AsyncConnection, connection_id: int, found: WebhookFindings) -> None:
    """Note which entry in the Arr is ours and how it is, or why there is none."""
    statement = update(connection).where(connection.c.id == connection_id)
    values = {
        "notification_id": found.notification_id,
        "webhook_error": found.error,
        "webhook_notice": found.notice,
        "webhook_blocked": found.blocked,
        "webhook_refused": False,
        "webhook_checked_at": func.now(),
        "manual_webhook": False,
    }
    await tx.execute(statement.values(**values))


async def note_refused_webhook(tx: AsyncConnection, connection_id: int) -> None:
    """Note that a webhook came with a wrong password, so that our entry is tested soon."""
    refused = connection.c.webhook_refused
    await tx.execute(update(connection).where(connection.c.id == connection_id, ~refused).values(webhook_refused=True))


async def take_webhook_checks(
    tx: AsyncConnection, every: timedelta, every_with_error: timedelta
) -> Sequence[Connection]:
    """Take connections that work and whose entry was not looked at for so long; no other caller gets them."""
    rows = await tx.execute(_TAKE_WEBHOOK_CHECKS, {"every": every, "every_with_error": every_with_error})
    return [to_connection(row) for row in rows.mappings()]


async def may_ask(tx: AsyncConnection, asked: Connection) -> bool:
    """Say whether the Arr may be asked now: it is up, or this caller gets the one probe that is due."""
    if asked.down_since is None:
        return True
    return (await tx.execute(_TAKE_PROBE, {"id": asked.id, "pause": _PROBE_PAUSE})).one_or_none() is not None


async def hold_probe(tx: AsyncConnection, connection_id: int) -> bool:
    """Say whether the probe of a connection is due and nobody is taking it; nobody can until the transaction ends."""
    return (await tx.execute(_HOLD_PROBE, {"id": connection_id})).one_or_none() is not None


async def mark_down(tx: AsyncConnection, connection_id: int, error: str, failures: int, probe_in: timedelta) -> None:
    """Pause a connection until its next probe, after its `failures`-th failure in a row.

    Calls that fail together are one failure, and one that began before later failures says nothing new.
    """
    statement = update(connection).where(connection.c.id == connection_id, connection.c.failures <= failures)
    await tx.execute(
        statement.values(
            down_since=func.coalesce(connection.c.down_since, func.now()),
            failures=failures,
            probe_at=func.now() + probe_in,
            last_error=error,
        )
    )


async def mark_answering(tx: AsyncConnection, connection_id: int) -> None:
    """End the pause of a connection that said who it is; its failures are forgotten by `mark_ok` alone."""
    statement = update(connection).where(connection.c.id == connection_id, connection.c.down_since.is_not(None))
    await tx.execute(statement.values(down_since=None, probe_at=None))


async def mark_ok(tx: AsyncConnection, connection_id: int) -> bool:
    """Note that the Arr answered, at most once a minute; True if it was down before."""
    row = (
        await tx.execute(
            select(connection.c.down_since)
            .where(
                connection.c.id == connection_id,
                or_(
                    connection.c.down_since.is_not(None),
                    connection.c.failures > 0,
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


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One encrypted value and the connection that it belongs to, also of one that is being emptied."""

    connection_id: int
    connection_name: str
    column: str
    token: str = field(repr=False)


async def list_secrets(tx: AsyncConnection) -> list[StoredSecret]:
    """List everything that is encrypted in the database."""
    query = select(connection).order_by(connection.c.id)
    rows = (await tx.execute(query)).mappings().all()
    return [StoredSecret(row["id"], row["name"], column, row[column]) for row in rows for column in SECRET_COLUMNS]


async def replace_secret(tx: AsyncConnection, old: StoredSecret, token: str) -> bool:
    """Write the same secret encrypted anew; False where it was changed meanwhile, or its connection is gone."""
    column = connection.c[old.column]
    statement = update(connection).where(connection.c.id == old.connection_id, column == old.token)
    return (await tx.execute(statement.values({column: token}))).rowcount > 0
