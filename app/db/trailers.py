"""Trailer files of ours: a row lives as long as its file, whatever becomes of the title."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sqlalchemy import RowMapping, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import OwnFile
from app.db.tables import trailer
from app.domain.videos import TrailerFile
from schemas.media import TrailerRead


async def record(tx: AsyncConnection, media_id: int | None, folder_path: str, file: TrailerFile) -> None:
    """Write the row of a placed file; one that stood there before is overwritten, for the file is what counts."""
    values = {**asdict(file), "folder_path": folder_path, "media_id": media_id}
    statement = insert(trailer).values(**values)
    keys = {"folder_path", "rel_path"}
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=sorted(keys),
            set_={name: statement.excluded[name] for name in values if name not in keys},
        )
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A trailer of ours: relative to its folder, and the title it was placed for while that is there."""

    rel_path: str
    media_id: int | None


async def recorded_in(tx: AsyncConnection, folder_paths: Collection[str]) -> dict[str, list[Recorded]]:
    """Give our trailers of each of these folders; a folder without any is left out."""
    query = select(trailer.c.folder_path, trailer.c.rel_path, trailer.c.media_id).where(
        trailer.c.folder_path == func.any(bindparam("folders", list(folder_paths)))
    )
    found: dict[str, list[Recorded]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.folder_path, []).append(Recorded(row.rel_path, row.media_id))
    return found


@dataclass(frozen=True, slots=True)
class Placed:
    """A trailer of ours as it was placed, with its video."""

    folder_path: str
    rel_path: str
    video_id: str
    size: int
    mtime_ns: int
    media_id: int | None


async def placed_in(tx: AsyncConnection, folder_path: str) -> list[Placed]:
    """Give our trailers of a folder, the newest last."""
    columns = [trailer.c[one.name] for one in fields(Placed)]
    query = select(*columns).where(trailer.c.folder_path == folder_path).order_by(trailer.c.id)
    return [Placed(**row) for row in (await tx.execute(query)).mappings()]


async def forget(tx: AsyncConnection, folder_path: str, rel_paths: Collection[str]) -> None:
    """Drop the rows of files that are gone."""
    await tx.execute(
        delete(trailer).where(trailer.c.folder_path == folder_path, trailer.c.rel_path.in_(list(rel_paths)))
    )


@dataclass(frozen=True, slots=True)
class OwnTrailer:
    """A trailer of ours; `shared`: a title of another connection has its folder too."""

    id: int
    file: OwnFile
    shared: bool


@dataclass(frozen=True, slots=True)
class TrailerCount:
    """How many files of ours there are, and their size in bytes."""

    count: int
    size: int


_LIST_OF = text("""
    SELECT t.id, t.folder_path, t.rel_path, t.size, t.mtime_ns,
           EXISTS (SELECT 1 FROM media o WHERE o.folder_path = t.folder_path AND o.connection_id <> :id) AS shared
    FROM trailer t JOIN media m ON m.id = t.media_id
    WHERE m.connection_id = :id AND t.id > :after ORDER BY t.id LIMIT :limit
""")
_COUNT_OF = text("""
    SELECT count(*), coalesce(sum(t.size), 0) FROM trailer t JOIN media m ON m.id = t.media_id
    WHERE m.connection_id = :id
""")


async def list_of(tx: AsyncConnection, connection_id: int, after: int, limit: int) -> list[OwnTrailer]:
    """List our trailers of a connection's titles, those with a higher id than `after`."""
    rows = await tx.execute(_LIST_OF, {"id": connection_id, "after": after, "limit": limit})
    return [
        OwnTrailer(row.id, OwnFile(Path(row.folder_path), row.rel_path, row.size, row.mtime_ns), row.shared)
        for row in rows
    ]


async def count_of(tx: AsyncConnection, connection_id: int) -> TrailerCount:
    """Count our trailers of a connection's titles."""
    count, size = (await tx.execute(_COUNT_OF, {"id": connection_id})).one()
    return TrailerCount(count, int(size))


async def forget_ids(tx: AsyncConnection, ids: Collection[int]) -> None:
    """Drop the rows of files that are gone, by their ids."""
    await tx.execute(delete(trailer).where(trailer.c.id == func.any(bindparam("ids", list(ids)))))


async def latest_of(tx: AsyncConnection, media_id: int) -> TrailerRead | None:
    """Get a title's newest trailer."""
    query = select(trailer).where(trailer.c.media_id == media_id).order_by(trailer.c.id.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _to_read(row)


def _to_read(row: RowMapping) -> TrailerRead:
    shown = {name: row[name] for name in TrailerRead.model_fields if name != "path"}
    return TrailerRead(path=f"{row['folder_path']}/{row['rel_path']}", **shown)
