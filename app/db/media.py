"""Titles: written from what an Arr says, decided upon, and looked up."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    RowMapping,
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
from app.domain.records import Media, Rank
from schemas.base import FetchFailure, MonitorStatus
from schemas.media import MediaCreate


@dataclass(frozen=True, slots=True)
class StagedMedia:
    """A title as its Arr describes it, with what our rules add; `monitor` is the rule's word, a pin beats it."""

    created: MediaCreate
    monitor: bool
    path_mapped: bool
    folder_path: str | None
    root_path: str | None


class Written(StrEnum):
    """What writing a title did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Upserted:
    """The row of one staged title."""

    arr_id: int
    media_id: int
    written: Written


@dataclass(frozen=True, slots=True)
class MediaFilter:
    """Which titles to list; `search` is looked for in the title, case-insensitively."""

    status: MonitorStatus | None = None
    search: str | None = None
    connection_id: int | None = None


_ARR_COLUMNS = {
    "arr_id": "integer",
    "kind": "text",
    "title": "text",
    "original_title": "text",
    "clean_title": "text",
    "year": "integer",
    "language": "text",
    "overview": "text",
    "runtime": "integer",
    "studio": "text",
    "imdb_id": "text",
    "tmdb_id": "integer",
    "tvdb_id": "integer",
    "youtube_trailer_id": "text",
    "title_slug": "text",
    "poster_url": "text",
    "fanart_url": "text",
    "arr_path": "text",
    "path_mapped": "boolean",
    "folder_path": "text",
    "root_path": "text",
    "media_exists": "boolean",
    "media_filename": "text",
    "season_count": "integer",
    "tags": "integer[]",
    "genres": "text[]",
    "arr_monitored": "boolean",
    "arr_added_at": "timestamptz",
    "monitor": "boolean",
}
_DECIDED_COLUMNS = (
    "monitor",
    "monitor_pinned",
    "trailer_url",
    "disk_state",
    "disk_tries",
    "trailer_exists",
    "trailer_removed",
    "missing_since",
    "wanted_rank",
    "tries",
    "retry_at",
    "last_failure",
    "failure_text",
    "status",
    "reason",
    "reason_detail",
    "next_try_at",
    "due_rank",
    "downloaded_at",
)
_STAGED = (
    "jsonb_to_recordset(CAST(:staged AS jsonb)) AS s("
    + ", ".join(f"{name} {kind}" for name, kind in _ARR_COLUMNS.items())
    + ")"
)
_EXTERNAL = "CASE WHEN {0}.kind = 'movie' THEN {0}.tmdb_id ELSE {0}.tvdb_id END"
_KEPT = {"monitor": "CASE WHEN m.monitor_pinned THEN m.monitor ELSE s.monitor END"}
_NEW_VALUES = {name: _KEPT.get(name, f"s.{name}") for name in _ARR_COLUMNS}

_MATCH = text(f"""
    SELECT s.arr_id, m.id, {_EXTERNAL.format("m")} = {_EXTERNAL.format("s")} AS by_external FROM {_STAGED}
    JOIN media m ON m.connection_id = :connection_id AND (
        {_EXTERNAL.format("m")} = {_EXTERNAL.format("s")}
        OR (m.arr_id = s.arr_id AND ({_EXTERNAL.format("m")} IS NULL OR {_EXTERNAL.format("s")} IS NULL)))
    ORDER BY m.id FOR UPDATE OF m
""")  # noqa: S608 - built from the constants above

_DISPLACE = text("""
    UPDATE media m SET arr_id = NULL, missing_since = COALESCE(missing_since, now()), version = version + 1,
      due_rank = NULL, updated_at = now()
    FROM jsonb_to_recordset(CAST(:matched AS jsonb)) AS s(arr_id integer, id bigint)
    WHERE m.connection_id = :connection_id AND m.arr_id = s.arr_id AND m.id IS DISTINCT FROM s.id
      AND m.read_at <= :read_at
""")

_VACATE = text("""
    UPDATE media m SET arr_id = NULL
    FROM jsonb_to_recordset(CAST(:matched AS jsonb)) AS s(arr_id integer, id bigint)
    WHERE m.id = s.id AND m.arr_id IS DISTINCT FROM s.arr_id AND m.read_at <= :read_at
""")

_UPDATE = text(f"""
    UPDATE media m
    SET {", ".join(f"{name} = {value}" for name, value in _NEW_VALUES.items())},
        read_at = :read_at, updated_at = now(), version = version + 1, missing_since = NULL,
        disk_state = CASE WHEN m.folder_path IS DISTINCT FROM s.folder_path THEN 'unknown' ELSE m.disk_state END,
        disk_tries = CASE WHEN m.media_filename IS DISTINCT FROM s.media_filename
                            OR m.folder_path IS DISTINCT FROM s.folder_path THEN 0 ELSE m.disk_tries END,
        trailer_removed = m.trailer_removed AND m.folder_path IS NOT DISTINCT FROM s.folder_path,
        tries = CASE WHEN m.youtube_trailer_id IS DISTINCT FROM s.youtube_trailer_id THEN 0 ELSE m.tries END,
        retry_at = CASE WHEN m.youtube_trailer_id IS DISTINCT FROM s.youtube_trailer_id THEN NULL ELSE m.retry_at END
    FROM {_STAGED} JOIN jsonb_to_recordset(CAST(:matched AS jsonb)) AS k(arr_id integer, id bigint) USING (arr_id)
    WHERE m.id = k.id AND m.read_at <= :read_at
      AND NOT EXISTS (SELECT 1 FROM media o WHERE o.connection_id = m.connection_id AND o.arr_id = s.arr_id
                        AND o.id <> m.id AND o.read_at > :read_at)
      AND (m.missing_since IS NOT NULL
      OR ({", ".join(f"m.{name}" for name in _ARR_COLUMNS)})
         IS DISTINCT FROM ({", ".join(_NEW_VALUES.values())}))
    RETURNING m.id
""")  # noqa: S608 - built from the constants above

_INSERT = text(f"""
    INSERT INTO media (connection_id, wanted_rank, read_at, {", ".join(_ARR_COLUMNS)})
    SELECT :connection_id, :rank, :read_at, {", ".join(f"s.{name}" for name in _ARR_COLUMNS)} FROM {_STAGED}
    WHERE NOT s.arr_id = ANY(:matched_arr_ids)
    ON CONFLICT DO NOTHING
    RETURNING arr_id, id
""")  # noqa: S608 - built from the constants above

_UNLISTED = text("""
    SELECT m.* FROM media m
    WHERE m.connection_id = :connection_id AND m.read_at < :read_at AND NOT m.id = ANY(:listed)
      AND NOT EXISTS (SELECT 1 FROM item_sync i WHERE i.connection_id = m.connection_id AND i.arr_id = m.arr_id
                        AND i.lease_until > now())
    ORDER BY m.id
""")


_SHARED = text(f"""
    SELECT DISTINCT m.id FROM media m JOIN media o ON o.folder_path = m.folder_path AND o.id <> m.id
    WHERE m.id = ANY(:ids)
      AND (o.kind <> m.kind OR {_EXTERNAL.format("o")} IS DISTINCT FROM {_EXTERNAL.format("m")}
           OR {_EXTERNAL.format("m")} IS NULL)
""")  # noqa: S608 - built from the constants above


async def create_or_update_bulk(
    tx: AsyncConnection, connection_id: int, staged: Sequence[StagedMedia], read_at: datetime, rank: Rank
) -> Sequence[Upserted]:
    """Write titles of one connection, each only where it differs and the row was not read later than `read_at`.

    A title is known by its external id, whatever arr_id it has now; without one by its arr_id alone. A row whose
    arr_id another title took over loses it and counts as missing. Of two staged titles with one identity the last
    counts. New rows are wanted by `rank`.
    """
    distinct = {_identity(item): item for item in staged}
    by_arr_id = {item.created.arr_id: item for item in distinct.values()}
    done = await _upsert(tx, connection_id, list(by_arr_id.values()), read_at, rank)
    rest = [item for arr_id, item in by_arr_id.items() if arr_id not in {row.arr_id for row in done}]
    return [*done, *await _upsert(tx, connection_id, rest, read_at, rank)] if rest else done


async def _upsert(
    tx: AsyncConnection, connection_id: int, staged: Sequence[StagedMedia], read_at: datetime, rank: Rank
) -> list[Upserted]:
    """Write each title once; one that another transaction inserted meanwhile is left out and matches next time."""
    document = json.dumps([_staged_row(item) for item in staged])
    common = {"connection_id": connection_id, "staged": document}
    matched = _pair((await tx.execute(_MATCH, common)).mappings().all())
    pairs = json.dumps([{"arr_id": item.created.arr_id, "id": matched.get(item.created.arr_id)} for item in staged])
    await tx.execute(_DISPLACE, {"connection_id": connection_id, "matched": pairs, "read_at": read_at})
    known = json.dumps([{"arr_id": arr_id, "id": media_id} for arr_id, media_id in matched.items()])
    await tx.execute(_VACATE, {"matched": known, "read_at": read_at})
    changed = await tx.execute(_UPDATE, {"staged": document, "matched": known, "read_at": read_at})
    updated = {row.id for row in changed}
    values = {**common, "rank": int(rank), "read_at": read_at, "matched_arr_ids": list(matched)}
    created = [Upserted(row.arr_id, row.id, Written.CREATED) for row in await tx.execute(_INSERT, values)]
    return created + [
        Upserted(arr_id, media_id, Written.UPDATED if media_id in updated else Written.UNCHANGED)
        for arr_id, media_id in matched.items()
    ]


async def touch_read_at(tx: AsyncConnection, media_id: int, read_at: datetime) -> None:
    """Note that the Arr was asked for this title then, so that an older answer changes nothing."""
    await tx.execute(update(media).where(media.c.id == media_id, media.c.read_at < read_at).values(read_at=read_at))


async def update_media_status_bulk(tx: AsyncConnection, titles: Sequence[Media]) -> set[int]:
    """Write what was decided about titles, each where its version still is the one the decision saw.

    Gives the ids written; who is missing has to read and decide again.
    """
    written: set[int] = set()
    for title in titles:
        values = {name: getattr(title, name) for name in _DECIDED_COLUMNS}
        statement = (
            update(media)
            .where(media.c.id == title.id, media.c.version == title.version)
            .values(**values, version=title.version + 1, updated_at=func.now())
            .returning(media.c.id)
        )
        written.update(row.id for row in await tx.execute(statement))
    return written


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
    """Give those titles whose folder another title has too; the same film in two Arrs is one title."""
    return frozenset(row.id for row in await tx.execute(_SHARED, {"ids": list(media_ids)}))


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


async def list_unlisted(
    tx: AsyncConnection, connection_id: int, listed: Collection[int], read_at: datetime
) -> Sequence[Media]:
    """List a connection's titles that a complete list, asked for at `read_at`, lacks and nothing newer speaks for."""
    values = {"connection_id": connection_id, "listed": list(listed), "read_at": read_at}
    return [to_media(row) for row in (await tx.execute(_UNLISTED, values)).mappings()]


async def count(tx: AsyncConnection, connection_id: int) -> int:
    """Count a connection's titles."""
    query = select(func.count()).select_from(media).where(media.c.connection_id == connection_id)
    return (await tx.execute(query)).scalar_one()


async def count_wanted(tx: AsyncConnection, connection_id: int) -> int:
    """Count a connection's titles that are monitored and have no trailer."""
    query = (
        select(func.count())
        .select_from(media)
        .where(media.c.connection_id == connection_id, media.c.status == MonitorStatus.MONITORED)
    )
    return (await tx.execute(query)).scalar_one()


async def delete_except(
    tx: AsyncConnection, connection_id: int, listed: Collection[int], read_at: datetime, allowed: Collection[int]
) -> int:
    """Delete those of `allowed` that the list lacks and nothing newer speaks for; gives how many went."""
    gone = [title.id for title in await list_unlisted(tx, connection_id, listed, read_at) if title.id in set(allowed)]
    return (await tx.execute(delete(media).where(media.c.id.in_(gone)))).rowcount if gone else 0


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


def _pair(matches: Sequence[RowMapping]) -> dict[int, int]:
    """Give each staged arr_id its row: by external id first; a row serves one title only."""
    paired: dict[int, int] = {}
    taken: set[int] = set()
    for match in sorted(matches, key=lambda row: not row["by_external"]):
        if match["arr_id"] not in paired and match["id"] not in taken:
            paired[match["arr_id"]] = match["id"]
            taken.add(match["id"])
    return paired


def _identity(item: StagedMedia) -> tuple[str, int]:
    created = item.created
    external = created.tmdb_id if created.kind == "movie" else created.tvdb_id
    return ("external", external) if external else ("arr", created.arr_id)


def _staged_row(item: StagedMedia) -> dict[str, object]:
    return {
        **item.created.model_dump(mode="json", include=set(_ARR_COLUMNS)),
        "monitor": item.monitor,
        "path_mapped": item.path_mapped,
        "folder_path": item.folder_path,
        "root_path": item.root_path,
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
