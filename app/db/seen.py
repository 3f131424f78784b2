"""What the last refresh saw of each title, so that the next need not look again: notes that may be lost at any time.

The table is not logged: writing a note costs no WAL, and a crash of Postgres empties it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Statements


class Known(NamedTuple):
    """A title with this arr_id, and what was noted of it; without a note that still holds `digest` is None.

    `mark` is what the folder looked like, None where it has to be looked at in any case.
    """

    arr_id: int
    media_id: int
    digest: bytes | None
    mark: str | None
    folder_path: str | None
    root_path: str | None
    external_id: int | None


class Note(NamedTuple):
    """What a refresh saw; it holds while the title has this version."""

    media_id: int
    version: int
    digest: bytes
    mark: str | None


# A look at the folder itself is due once a day: not every file system tells of each change in it.
_KNOWN = """
    SELECT m.arr_id, m.id AS media_id, n.digest,
      CASE WHEN n.looked_at > now() - interval '1 day' THEN n.mark END AS mark, m.folder_path, m.root_path,
      CASE WHEN m.kind = 'movie' THEN m.tmdb_id ELSE m.tvdb_id END AS external_id
    FROM media m LEFT JOIN media_seen n ON n.media_id = m.id AND n.version = m.version
    WHERE m.connection_id = $1 AND m.arr_id = ANY($2)
"""

_NOTE = """
    INSERT INTO media_seen (media_id, version, digest, mark)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[])
    ON CONFLICT (media_id) DO UPDATE
    SET version = excluded.version, digest = excluded.digest, mark = excluded.mark, looked_at = now()
"""

_FORGET_FOLDERS = text("""
    DELETE FROM media_seen n USING media m
    WHERE m.id = n.media_id AND n.mark IS NOT NULL AND m.folder_path = ANY(:folders)
""")

_DELETE_ORPHANS = text("DELETE FROM media_seen n WHERE NOT EXISTS (SELECT FROM media m WHERE m.id = n.media_id)")


async def known(statements: Statements, connection_id: int, arr_ids: Sequence[int]) -> dict[int, Known]:
    """Give what is known of the titles that have these arr_ids."""
    rows = await statements.fetch(_KNOWN, connection_id, arr_ids)
    return {row["arr_id"]: Known(**row) for row in rows}


async def note(statements: Statements, notes: Sequence[Note]) -> None:
    """Write notes; each takes the place of the title's last."""
    if notes:
        columns = zip(*notes, strict=True)
        await statements.fetch(_NOTE, *map(list, columns))


async def forget_folders(tx: AsyncConnection, folder_paths: Sequence[str]) -> None:
    """Drop the notes of titles that were alone in these folders, so that they are looked at again."""
    if folder_paths:
        await tx.execute(_FORGET_FOLDERS, {"folders": folder_paths})


async def delete_orphans(tx: AsyncConnection) -> None:
    """Drop the notes of titles that are gone."""
    await tx.execute(_DELETE_ORPHANS)
