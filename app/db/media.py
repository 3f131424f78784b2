"""Titles: written from what an Arr says, decided upon, and looked up."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.rows import to_media
from app.db.tables import connection, media, unannounced_deletion
from app.domain.records import Media
from schemas.base import FetchFailure, MonitorStatus


@dataclass(frozen=True, slots=True)
class MediaFilter:
    """Which titles to list; `search` is looked for in the title, case-insensitively."""

    status: MonitorStatus | None = None
    search: str | None = None
    connection_id: int | None = None


_DECIDED_COLUMNS = {
    "monitor": "boolean",
    "monitor_pinned": "boolean",
    "trailer_url": "text",
    "disk_state": "text",
    "disk_tries": "integer",
    "trailer_exists": "boolean",
    "trailer_removed": "boolean",
    "missing_since": "timestamptz",
    "wanted_rank": "smallint",
    "tries": "integer",
    "retry_at": "timestamptz",
    "last_failure": "text",
    "failure_text": "text",
    "status": "text",
    "reason": "text",
    "reason_detail": "text",
    "next_try_at": "timestamptz",
    "due_rank": "smallint",
    "downloaded_at": "timestamptz",
}
_DECIDE = text(f"""
    UPDATE media m SET {", ".join(f"{name} = d.{name}" for name in _DECIDED_COLUMNS)},
      version = m.version + 1, updated_at = now()
    FROM jsonb_to_recordset(CAST(:decided AS jsonb)) AS d(id bigint, version bigint,
      {", ".join(f"{name} {kind}" for name, kind in _DECIDED_COLUMNS.items())})
    WHERE m.id = d.id AND m.version = d.version
    RETURNING m.id
""")  # noqa: S608 - built from the constants above
_EXTERNAL = "CASE WHEN {0}.kind = 'movie' THEN {0}.tmdb_id ELSE {0}.tvdb_id END"

_OF_EXTERNAL = text("""
    SELECT m.id FROM unnest(CAST(:external_ids AS integer[])) AS e(id)
    JOIN media m ON m.connection_id = :connection_id AND m.kind = 'movie' AND m.tmdb_id = e.id
    UNION ALL
    SELECT m.id FROM unnest(CAST(:external_ids AS integer[])) AS e(id)
    JOIN media m ON m.connection_id = :connection_id AND m.kind = 'series' AND m.tvdb_id = e.id
""")

_IS_UNLISTED = """
    m.connection_id = :connection_id AND m.read_at < :read_at
    AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:kept AS bigint[])) AS k(id) WHERE k.id = m.id)
    AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:listed AS integer[])) AS l(arr_id) WHERE l.arr_id = m.arr_id)
    AND NOT EXISTS (SELECT 1 FROM item_sync i WHERE i.connection_id = m.connection_id AND i.arr_id = m.arr_id
                      AND i.lease_until > now())
"""
_UNLISTED = text(f"SELECT m.id, m.arr_id FROM media m WHERE {_IS_UNLISTED} ORDER BY m.id")  # noqa: S608 - as above
_DELETE_EXCEPT = text(f"DELETE FROM media m WHERE m.id = ANY(:allowed) AND {_IS_UNLISTED}")  # noqa: S608 - as above

_FOLDERS_IN_USE = text("""
    SELECT folder_path FROM media WHERE folder_path = ANY(:folders)
    UNION SELECT folder_path FROM trailer WHERE folder_path = ANY(:folders)
""")

_SHARED = text(f"""
    SELECT DISTINCT m.id FROM media m
    JOIN media o ON o.folder_path = m.folder_path AND o.id <> m.id AND o.missing_since IS NULL
    WHERE m.id = ANY(:ids)
      AND (o.kind <> m.kind OR {_EXTERNAL.format("o")} IS DISTINCT FROM {_EXTERNAL.format("m")}
           OR {_EXTERNAL.format("m")} IS NULL)
""")  # noqa: S608 - built from the constants above


async def touch_read_at(tx: AsyncConnection, media_id: int, read_at: datetime) -> None:
    """Note that the Arr was asked for this title then, so that an older answer changes nothing."""
    await tx.execute(update(media).where(media.c.id == media_id, media.c.read_at < read_at).values(read_at=read_at))


async def update_media_status_bulk(tx: AsyncConnection, titles: Sequence[Media]) -> set[int]:
    """Write what was decided about titles, each where its version still is the one the decision saw.

    Gives the ids written; who is missing has to read and decide again.
    """
    if not titles:
        return set()
    decided = [
        {"id": title.id, "version": title.version, **{name: getattr(title, name) for name in _DECIDED_COLUMNS}}
        for title in titles
    ]
    rows = await tx.execute(_DECIDE, {"decided": json.dumps(decided, default=datetime.isoformat)})
    return {row.id for row in rows}


async def try_again(tx: AsyncConnection, failures: Collection[FetchFailure]) -> int:
    """Make titles due now that wait after such a failure; gives how many."""
    statement = (
        update(media)
        .where(media.c.last_failure.in_(list(failures)), media.c.retry_at > func.now(), media.c.due_rank.is_not(None))
        .values(
            retry_at=func.now(),
            next_try_at=func.now(),
            due_rank=media.c.wanted_rank,
            version=media.c.version + 1,
            updated_at=func.now(),
        )
    )
    return (await tx.execute(statement)).rowcount


async def get(tx: AsyncConnection, media_id: int, *, lock: bool = False) -> Media | None:
    """Get one title, locked to the end of the transaction where asked."""
    query = select(media).where(media.c.id == media_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return None if row is None else to_media(row)


async def get_by_arr_id(tx: AsyncConnection, connection_id: int, arr_id: int) -> Media | None:
    """Get the title that has this arr_id now."""
    query = select(media).where(media.c.connection_id == connection_id, media.c.arr_id == arr_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else to_media(row)


async def get_many(tx: AsyncConnection, media_ids: Collection[int]) -> Sequence[Media]:
    """Get titles by id, in the order of their ids; those that are gone are left out."""
    query = select(media).where(media.c.id == func.any(bindparam("ids", list(media_ids)))).order_by(media.c.id)
    return [to_media(row) for row in (await tx.execute(query)).mappings()]


async def in_shared_folders(tx: AsyncConnection, media_ids: Collection[int]) -> frozenset[int]:
    """Give those titles whose folder another title has too; the same film in two Arrs is one title.

    One that is missing in its Arr has left, for all we know: what took its place has the folder alone.
    """
    return frozenset(row.id for row in await tx.execute(_SHARED, {"ids": list(media_ids)}))


async def folders_in_use(tx: AsyncConnection, folder_paths: Collection[str]) -> frozenset[str]:
    """Give those of these folders that a title has, or in which we placed a trailer."""
    return frozenset(row[0] for row in await tx.execute(_FOLDERS_IN_USE, {"folders": list(folder_paths)}))


async def list_in_folder(tx: AsyncConnection, folder_path: str) -> Sequence[Media]:
    """List the titles of all connections that have this folder, but for connections that are deleted."""
    query = (
        select(media)
        .join(connection, connection.c.id == media.c.connection_id)
        .where(media.c.folder_path == folder_path, connection.c.deleted_at.is_(None))
        .order_by(media.c.id)
    )
    return [to_media(row) for row in (await tx.execute(query)).mappings()]


async def list_page(
    tx: AsyncConnection, wanted: MediaFilter, after: tuple[str, int] | None, limit: int
) -> tuple[Sequence[Media], int]:
    """List titles by name, from behind `after` (lower-case title and id), and count all that fit the filter."""
    condition = _condition(wanted)
    total = (await tx.execute(select(func.count()).select_from(media).where(condition))).scalar_one()
    name = func.lower(media.c.title)
    query = select(media).where(condition).order_by(name, media.c.id).limit(limit)
    if after is not None:
        query = query.where(or_(name > after[0], and_(name == after[0], media.c.id > after[1])))
    return [to_media(row) for row in (await tx.execute(query)).mappings()], total


@dataclass(frozen=True, slots=True)
class Listed:
    """What a complete list, asked for at `read_at`, speaks for: its arr_ids, and rows that it names by another."""

    read_at: datetime
    arr_ids: Collection[int]
    kept: Collection[int]


async def list_unlisted(tx: AsyncConnection, connection_id: int, listed: Listed) -> dict[int, int | None]:
    """Give a connection's titles, with their arr_ids, that the list lacks and nothing newer speaks for."""
    rows = await tx.execute(_UNLISTED, _listed_values(connection_id, listed))
    return {row.id: row.arr_id for row in rows}


async def count(tx: AsyncConnection, connection_id: int) -> int:
    """Count a connection's titles."""
    query = select(func.count()).select_from(media).where(media.c.connection_id == connection_id)
    return (await tx.execute(query)).scalar_one()


async def ids_of(tx: AsyncConnection, connection_id: int, external_ids: Collection[int]) -> Sequence[int]:
    """List a connection's titles that have one of these external ids."""
    if not external_ids:
        return ()
    rows = await tx.execute(_OF_EXTERNAL, {"connection_id": connection_id, "external_ids": list(external_ids)})
    return [row.id for row in rows]


async def delete_except(tx: AsyncConnection, connection_id: int, listed: Listed, allowed: Collection[int]) -> int:
    """Delete those of `allowed` that the list lacks and nothing newer speaks for; gives how many went."""
    values = {**_listed_values(connection_id, listed), "allowed": allowed}
    return (await tx.execute(_DELETE_EXCEPT, values)).rowcount


async def mark_missing(tx: AsyncConnection, media_ids: Collection[int]) -> None:
    """Note that a complete list lacks these titles, so that nothing is fetched for them until they return."""
    statement = update(media).where(media.c.id.in_(list(media_ids)), media.c.missing_since.is_(None))
    await tx.execute(statement.values(missing_since=func.now(), version=media.c.version + 1, updated_at=func.now()))


async def delete_unannounced(tx: AsyncConnection, title: Media) -> None:
    """Delete one title that left without an event that said so, and remember it for the guard."""
    await delete_one(tx, title.id)
    await tx.execute(insert(unannounced_deletion).values(connection_id=title.connection_id))


async def count_unannounced(tx: AsyncConnection, connection_id: int) -> int:
    """Count the deletions of the last hour that no event announced."""
    recent = unannounced_deletion.c.deleted_at > func.now() - timedelta(hours=1)
    query = select(func.count()).where(unannounced_deletion.c.connection_id == connection_id, recent)
    total: int = (await tx.execute(query)).scalar_one()
    return total


async def delete_one(tx: AsyncConnection, media_id: int) -> None:
    """Delete one title; its trailer's row and its attempts stay, without it."""
    await tx.execute(delete(media).where(media.c.id == media_id))


def _listed_values(connection_id: int, listed: Listed) -> dict[str, object]:
    return {
        "connection_id": connection_id,
        "read_at": listed.read_at,
        "listed": listed.arr_ids,
        "kept": listed.kept,
    }


def _condition(wanted: MediaFilter) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.status is not None:
        conditions.append(media.c.status == wanted.status)
    if wanted.connection_id is not None:
        conditions.append(media.c.connection_id == wanted.connection_id)
    if wanted.search is not None:
        conditions.append(media.c.title.icontains(wanted.search, autoescape=True))
    return and_(*conditions)
