"""Counts for the status endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import attempt, media
from schemas.base import MonitorStatus, RunOutcome
from schemas.status import InboxRead, MediaCounts

_INBOX = text("""
    SELECT count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'failed') AS failed,
      extract(epoch FROM now() - min(received_at) FILTER (WHERE state = 'pending')) AS oldest_seconds
    FROM event WHERE state IN ('pending', 'failed')
""")


_LAST_FINISHED = text("""
    SELECT c.id AS connection_id, r.* FROM connection c CROSS JOIN LATERAL (
      SELECT outcome, finished_at, fetched, created, updated, unchanged, deleted, cardinality(held_ids) AS held,
        jsonb_array_length(skipped_items) AS skipped
      FROM run WHERE connection_id = c.id AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1) r
""")


@dataclass(frozen=True, slots=True)
class RunningAttempt:
    """A download that holds a running lease."""

    media_id: int
    title: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What the last reconciliation of a connection that ended met and did."""

    outcome: RunOutcome
    finished_at: datetime
    fetched: int
    created: int
    updated: int
    unchanged: int
    deleted: int
    held: int
    skipped: int


async def last_finished_runs(tx: AsyncConnection) -> dict[int, FinishedRun]:
    """Give for each connection that has one the newest run that ended, whatever waits or runs since."""
    return {connection_id: FinishedRun(*counts) for connection_id, *counts in await tx.execute(_LAST_FINISHED)}


async def inbox(tx: AsyncConnection) -> InboxRead:
    """Count the events that are not done."""
    row = (await tx.execute(_INBOX)).one()
    oldest = None if row.oldest_seconds is None else float(row.oldest_seconds)
    return InboxRead(pending=row.pending, failed=row.failed, oldest_seconds=oldest)


async def media_counts(tx: AsyncConnection) -> MediaCounts:
    """Count the titles by status."""
    rows = await tx.execute(select(media.c.status, func.count()).group_by(media.c.status))
    counts = {str(status): 0 for status in MonitorStatus} | {row[0]: row[1] for row in rows}
    return MediaCounts(total=sum(counts.values()), **counts)


async def media_counts_by_connection(tx: AsyncConnection) -> dict[int, MediaCounts]:
    """Count the titles of each connection that has any, by status."""
    rows = await tx.execute(
        select(media.c.connection_id, media.c.status, func.count()).group_by(media.c.connection_id, media.c.status)
    )
    counts: dict[int, dict[str, int]] = {}
    for connection_id, status, count in rows:
        counts.setdefault(connection_id, {str(one): 0 for one in MonitorStatus})[status] = count
    return {one: MediaCounts(total=sum(by_status.values()), **by_status) for one, by_status in counts.items()}


async def running_attempts(tx: AsyncConnection) -> Sequence[RunningAttempt]:
    """List the downloads under way."""
    query = (
        select(attempt.c.media_id, media.c.title, attempt.c.started_at)
        .join(media, media.c.id == attempt.c.media_id)
        .where(attempt.c.finished_at.is_(None), attempt.c.lease_until > func.now())
        .order_by(attempt.c.id)
    )
    return [RunningAttempt(*row) for row in await tx.execute(query)]
