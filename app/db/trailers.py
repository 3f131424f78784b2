"""Trailer files of ours: a row lives as long as its file, whatever becomes of the title."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, RowMapping, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import OwnFile
from app.db.tables import trailer
from app.domain.records import Media
from app.domain.videos import TrailerFile
from schemas.media import TrailerRead


async def record(tx: AsyncConnection, title: Media | None, folder_path: str, file: TrailerFile) -> None:
    """Write the row of a placed file; one that stood there before is overwritten, for the file is what counts."""
    values = {**asdict(file), "folder_path": folder_path, **_served(title), "left_at": None, "check_at": None}
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
    """A trailer of ours: relative to its folder, the title it was placed for while that is there, and who that is."""

    rel_path: str
    media_id: int | None
    identity: str | None

    def serves(self, title: Media, *, shared: bool) -> bool:
        """Say whether it is a title's: one of another title in the same folder never is."""
        if self.identity is None:
            return not shared
        return self.media_id == title.id or self.identity == title.identity


async def recorded_in(tx: AsyncConnection, folder_paths: Collection[str]) -> dict[str, list[Recorded]]:
    """Give our trailers of each of these folders; a folder without any is left out."""
    columns = (trailer.c.folder_path, trailer.c.rel_path, trailer.c.media_id, trailer.c.identity)
    query = select(*columns).where(trailer.c.folder_path == func.any(bindparam("folders", list(folder_paths))))
    found: dict[str, list[Recorded]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.folder_path, []).append(Recorded(row.rel_path, row.media_id, row.identity))
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
    identity: str | None


async def placed_in(tx: AsyncConnection, folder_path: str) -> list[Placed]:
    """Give our trailers of a folder, the newest last."""
    columns = [trailer.c[one.name] for one in fields(Placed)]
    query = select(*columns).where(trailer.c.folder_path == folder_path).order_by(trailer.c.id)
    return [Placed(**row) for row in (await tx.execute(query)).mappings()]


@dataclass(frozen=True, slots=True)
class Followed:
    """A trailer of ours whose title may have changed, or has left."""

    id: int
    file: OwnFile
    media_id: int | None
    connection_id: int | None
    left_at: datetime | None


_OF_TITLE = text("""
    SELECT id, folder_path, rel_path, size, mtime_ns, media_id, connection_id, left_at FROM trailer
    WHERE media_id = :media_id OR (media_id IS NULL AND folder_path = :folder_path AND identity = :identity)
    ORDER BY id
""")
_LEAVE_BEHIND = text("""
    UPDATE trailer t SET left_at = now(), check_at = now() + :wait
    WHERE t.media_id IS NULL AND t.left_at IS NULL
      AND EXISTS (SELECT 1 FROM connection c WHERE c.id = t.connection_id AND c.deleted_at IS NULL)
""")
_TAKE_DUE = text("""
    UPDATE trailer SET check_at = now() + :lease WHERE id IN (
        SELECT id FROM trailer WHERE check_at <= now() ORDER BY check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, folder_path, rel_path, size, mtime_ns, media_id, connection_id, left_at
""")
_REQUEST_FOLLOWING = text("""
    INSERT INTO item_sync (connection_id, arr_id, requested_seq)
    SELECT DISTINCT m.connection_id, m.arr_id, 1 FROM media m
    JOIN trailer t ON t.media_id = m.id OR (t.media_id IS NULL AND t.folder_path = m.folder_path AND t.identity =
        m.kind || CASE WHEN m.tmdb_id IS NOT NULL THEN ':tmdb:' || m.tmdb_id
                       WHEN m.tvdb_id IS NOT NULL THEN ':tvdb:' || m.tvdb_id
                       ELSE ':connection:' || m.connection_id || ':' || m.arr_id END)
    WHERE m.connection_id = :connection_id AND m.arr_id IS NOT NULL AND m.missing_since IS NULL
      AND (t.media_id IS NULL OR t.folder_path IS DISTINCT FROM m.folder_path
           OR (m.media_exists AND t.named_for IS DISTINCT FROM m.media_filename)
           OR (m.media_exists OR NOT :need_media_file) = (t.left_at IS NOT NULL))
    ON CONFLICT (connection_id, arr_id) DO UPDATE SET requested_seq = item_sync.requested_seq + 1
""")


async def of_title(tx: AsyncConnection, title: Media) -> list[Followed]:
    """List what was placed for a title, also before it left and came back, or left one of its connections."""
    values = {"media_id": title.id, "folder_path": title.folder_path, "identity": title.identity}
    return [_to_followed(row) for row in await tx.execute(_OF_TITLE, values)]


async def serve(tx: AsyncConnection, trailer_id: int, title: Media, rel_path: str, wait: timedelta | None) -> None:
    """Note that a trailer is this title's, in its folder under this name; `wait` where its media file has left.

    A row that stood for that name before goes: there is one file of a name.
    """
    place = {"folder_path": title.folder_path, "rel_path": rel_path}
    same = delete(trailer).where(trailer.c.id != trailer_id)
    await tx.execute(same.where(trailer.c.folder_path == title.folder_path, trailer.c.rel_path == rel_path))
    left = (
        {"left_at": None, "check_at": None}
        if wait is None
        else {
            "left_at": func.coalesce(trailer.c.left_at, func.now()),
            "check_at": func.coalesce(trailer.c.check_at, func.now() + wait),
        }
    )
    await tx.execute(update(trailer).where(trailer.c.id == trailer_id).values(**place, **_served(title), **left))


async def leave_behind(tx: AsyncConnection, trailer_id: int, wait: timedelta) -> None:
    """Note that a trailer's title is elsewhere now; its old folder is looked at after a while."""
    values = {
        "left_at": func.coalesce(trailer.c.left_at, func.now()),
        "check_at": func.coalesce(trailer.c.check_at, func.now() + wait),
    }
    await tx.execute(update(trailer).where(trailer.c.id == trailer_id).values(**values))


async def notice_left_titles(tx: AsyncConnection, wait: timedelta) -> None:
    """Set when the trailers of titles that have left are looked at; those of deleted connections stay for good."""
    await tx.execute(_LEAVE_BEHIND, {"wait": wait})


async def take_due(tx: AsyncConnection, limit: int, lease: timedelta) -> list[Followed]:
    """Take trailers that are to be looked at; nobody else gets them within the lease."""
    return [_to_followed(row) for row in await tx.execute(_TAKE_DUE, {"limit": limit, "lease": lease})]


async def look_again(tx: AsyncConnection, trailer_id: int, at: datetime | None) -> None:
    """Set when a trailer is looked at again; None: it stays as it is."""
    await tx.execute(update(trailer).where(trailer.c.id == trailer_id).values(check_at=at))


async def request_following(tx: AsyncConnection, connection_id: int, *, need_media_file: bool) -> None:
    """Ask for a sync of each title whose trailer does not fit it any more."""
    await tx.execute(_REQUEST_FOLLOWING, {"connection_id": connection_id, "need_media_file": need_media_file})


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


# Those placed for its titles, and those that a deleted connection left in the folders of its titles.
_ITS_OWN = """(t.connection_id = :id OR (
        NOT EXISTS (SELECT FROM connection c WHERE c.id = t.connection_id AND c.deleted_at IS NULL)
        AND EXISTS (SELECT FROM media o WHERE o.folder_path = t.folder_path AND o.connection_id = :id)))"""
_LIST_OF = text(f"""
    SELECT t.id, t.folder_path, t.rel_path, t.size, t.mtime_ns,
           EXISTS (SELECT FROM media o JOIN connection c ON c.id = o.connection_id AND c.deleted_at IS NULL
                   WHERE o.folder_path = t.folder_path AND o.connection_id <> :id) AS shared
    FROM trailer t WHERE {_ITS_OWN} AND t.id > :after ORDER BY t.id LIMIT :limit
""")  # noqa: S608 - a constant
_COUNT_OF = text(f"SELECT count(*), coalesce(sum(size), 0) FROM trailer t WHERE {_ITS_OWN}")  # noqa: S608 - a constant


async def list_of(tx: AsyncConnection, connection_id: int, after: int, limit: int) -> list[OwnTrailer]:
    """List what was placed for a connection's titles, also for those that left; with a higher id than `after`."""
    rows = await tx.execute(_LIST_OF, {"id": connection_id, "after": after, "limit": limit})
    return [
        OwnTrailer(row.id, OwnFile(Path(row.folder_path), row.rel_path, row.size, row.mtime_ns), row.shared)
        for row in rows
    ]


async def count_of(tx: AsyncConnection, connection_id: int) -> TrailerCount:
    """Count what was placed for a connection's titles, also for those that left."""
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


def _served(title: Media | None) -> dict[str, object]:
    if title is None:
        return dict.fromkeys(("media_id", "connection_id", "identity", "named_for"))
    return {
        "media_id": title.id,
        "connection_id": title.connection_id,
        "identity": title.identity,
        "named_for": title.media_filename,
    }


def _to_followed(row: Row[Any]) -> Followed:
    file = OwnFile(Path(row.folder_path), row.rel_path, row.size, row.mtime_ns)
    return Followed(row.id, file, row.media_id, row.connection_id, row.left_at)
