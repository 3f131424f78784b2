"""Videos that a person said are not a title's trailer; what is known of that outlives the title's row."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import rejected_video
from app.domain.records import Media


async def add(tx: AsyncConnection, title: Media, video_id: str) -> None:
    """Remember it for good."""
    values = {"kind": title.kind, "external_id": title.external_id, "video_id": video_id}
    await tx.execute(insert(rejected_video).values(**values).on_conflict_do_nothing())


async def list_for(tx: AsyncConnection, title: Media) -> frozenset[str]:
    """Give the videos that were rejected for a title."""
    query = select(rejected_video.c.video_id).where(
        rejected_video.c.kind == title.kind, rejected_video.c.external_id == title.external_id
    )
    return frozenset(row.video_id for row in await tx.execute(query))
