"""Videos that a person said are not a title's trailer; what is known of that outlives the title's row."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import rejected_video
from app.domain.records import Media


async def add(tx: AsyncConnection, title: Media, video_id: str) -> None:
    """Remember it for good."""
    values = {"kind": title.kind, "external_id": external_id(title), "video_id": video_id}
    await tx.execute(insert(rejected_video).values(**values).on_conflict_do_nothing())


async def list_for(tx: AsyncConnection, title: Media) -> frozenset[str]:
    """Give the videos that were rejected for a title."""
    query = select(rejected_video.c.video_id).where(
        rejected_video.c.kind == title.kind, rejected_video.c.external_id == external_id(title)
    )
    return frozenset(row.video_id for row in await tx.execute(query))


def external_id(title: Media) -> str:
    """Name the title as all its connections know it; one without an external id by its connection alone."""
    if title.tmdb_id:
        return f"tmdb:{title.tmdb_id}"
    if title.tvdb_id:
        return f"tvdb:{title.tvdb_id}"
    return f"connection:{title.connection_id}:{title.arr_id}"
