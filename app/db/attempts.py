"""Attempts to fetch a trailer: at most one unfinished per place, held by a lease (design section 5, "Acquire")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.rows import to_media
from app.db.tables import attempt
from app.domain.candidates import Considered, Past
from app.domain.naming import WORK_DIR_PREFIX
from app.domain.records import Media, Rank
from app.domain.videos import TrailerFile
from app.errors import LeaseLost
from schemas.base import CandidateSource, FetchFailure
from schemas.media import AttemptRead

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AttemptClaim:
    """The right to fetch for one place until the lease ends."""

    id: int
    media_id: int | None
    place: str
    folder_path: str
    lease_token: int

    @property
    def folder(self) -> Path:
        """The title's folder on this machine."""
        return Path(self.folder_path)

    @property
    def work_dir_name(self) -> str:
        """The hidden directory below the folder that belongs to this attempt alone."""
        return f"{WORK_DIR_PREFIX}{self.id}"


@dataclass(frozen=True, slots=True)
class Closed:
    """Sources that may not be used now: by nobody, or only by a title that a person asked for."""

    for_all: Sequence[str] = ()
    but_for_persons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt whose worker stopped without ending it; `intended` is set once it was about to place that file."""

    claim: AttemptClaim
    intended: TrailerFile | None


_CLAIMABLE = """
    FROM media m JOIN connection c ON c.id = m.connection_id AND c.enabled
    WHERE m.due_rank IS NOT NULL AND m.due_rank <= :max_rank AND (m.next_try_at IS NULL OR m.next_try_at <= now())
      AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.folder_path = m.folder_path AND a.finished_at IS NULL)
      AND NOT ARRAY[CASE WHEN m.trailer_url LIKE 'https://vimeo.com/%' THEN 'vimeo' ELSE 'youtube' END,
                    'root:' || m.root_path]
              && CASE WHEN m.due_rank = 0 THEN CAST(:for_all AS text[]) ELSE CAST(:but_for_persons AS text[]) END
    ORDER BY m.due_rank, m.id
"""
_NEXT_DUE = text(f"SELECT m.* {_CLAIMABLE} LIMIT 1 FOR UPDATE OF m SKIP LOCKED")
_LIST_DUE = text(f"SELECT m.id {_CLAIMABLE} LIMIT :limit")

_TAKE_LOST = text("""
    UPDATE attempt SET lease_token = lease_token + 1, lease_until = now() + :lease
    WHERE id IN (SELECT id FROM attempt WHERE finished_at IS NULL AND lease_until < now()
                 ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, media_id, place, folder_path, lease_token, intended
""")


_DELETE_OLD = text("""
    DELETE FROM attempt WHERE id IN (
        SELECT a.id FROM attempt a WHERE a.finished_at < now() - CAST(:kept AS interval) AND NOT a.work_dir_left
          AND (a.media_id IS NULL
               OR EXISTS (SELECT 1 FROM attempt newer WHERE newer.media_id = a.media_id AND newer.id > a.id))
        ORDER BY a.id LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


_PAST = text("""
    SELECT c.video_id, bool_or(c.fate = 'gone') AS is_gone,
      min(a.finished_at) FILTER (WHERE c.fate = 'unavailable') AS unavailable_since
    FROM attempt a, jsonb_to_recordset(a.candidates) AS c(video_id text, fate text)
    WHERE a.media_id = :media_id AND c.fate IN ('gone', 'unavailable')
    GROUP BY c.video_id
""")


async def next_due(tx: AsyncConnection, max_rank: Rank, closed: Closed) -> Media | None:
    """Get the best title that is due, locked; titles in folders where an attempt runs have to wait."""
    row = (await tx.execute(_NEXT_DUE, _bounds(max_rank, closed))).mappings().one_or_none()
    return None if row is None else to_media(row)


async def list_due(tx: AsyncConnection, max_rank: Rank, closed: Closed, limit: int) -> Sequence[int]:
    """List titles that could be claimed now, the best first."""
    return [row.id for row in await tx.execute(_LIST_DUE, {**_bounds(max_rank, closed), "limit": limit})]


def _bounds(max_rank: Rank, closed: Closed) -> dict[str, object]:
    others = [*closed.for_all, *closed.but_for_persons]
    return {"max_rank": int(max_rank), "for_all": list(closed.for_all), "but_for_persons": others}


async def start(tx: AsyncConnection, title: Media, place: str) -> AttemptClaim | None:
    """Begin an attempt for a place; None where one is under way there."""
    statement = insert(attempt).values(
        media_id=title.id,
        place=place,
        folder_path=title.folder_path,
        rank=title.due_rank,
        lease_until=func.now() + LEASE,
    )
    done = statement.on_conflict_do_nothing().returning(attempt.c.id, attempt.c.lease_token)
    row = (await tx.execute(done)).one_or_none()
    if row is None or title.folder_path is None:
        return None
    return AttemptClaim(row.id, title.id, place, title.folder_path, row.lease_token)


async def extend(tx: AsyncConnection, held: AttemptClaim) -> None:
    """Lengthen the lease by its full time; raises LeaseLost unless the claim still holds."""
    await _update(tx, held, lease_until=func.now() + LEASE)


async def intend(tx: AsyncConnection, held: AttemptClaim, file: TrailerFile) -> None:
    """Note what is about to be placed; raises LeaseLost unless the claim still holds."""
    await _update(
        tx,
        held,
        final_path=f"{held.folder_path}/{file.rel_path}",
        source=file.source,
        video_id=file.video_id,
        intended=asdict(file),
        lease_until=func.now() + LEASE,
    )


async def finish(
    tx: AsyncConnection,
    held: AttemptClaim,
    outcome: str,
    failure: FetchFailure | None = None,
    why: str | None = None,
    *,
    considered: Sequence[Considered] = (),
) -> None:
    """End an attempt; raises LeaseLost unless the claim still holds."""
    await _update(
        tx,
        held,
        finished_at=func.now(),
        outcome=outcome,
        failure=failure,
        text=why,
        candidates=[asdict(one) for one in considered],
        lease_until=None,
    )


async def leave_work_dir(tx: AsyncConnection, held: AttemptClaim, *, left: bool) -> None:
    """Note whether an attempt's work directory is left, whoever holds it now."""
    await tx.execute(update(attempt).where(attempt.c.id == held.id).values(work_dir_left=left))


async def list_left(tx: AsyncConnection, limit: int) -> Sequence[AttemptClaim]:
    """List ended attempts that left their work directory, the oldest first."""
    query = select(attempt).where(attempt.c.work_dir_left, attempt.c.finished_at.is_not(None))
    return [_claim_of(row) for row in (await tx.execute(query.order_by(attempt.c.id).limit(limit))).mappings()]


async def take_lost(tx: AsyncConnection, limit: int) -> Sequence[LostAttempt]:
    """Take over attempts whose lease ran out, with a new token, so that their workers can write nothing more."""
    rows = (await tx.execute(_TAKE_LOST, {"lease": LEASE, "limit": limit})).mappings()
    return [LostAttempt(_claim_of(row), _file_of(row["intended"])) for row in rows]


async def delete_old(tx: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete at most `limit` attempts that ended longer ago, never a title's last; gives how many went."""
    return (await tx.execute(_DELETE_OLD, {"kept": kept, "limit": limit})).rowcount


async def live_among(tx: AsyncConnection, media_ids: Collection[int]) -> frozenset[int]:
    """Give those of these titles for which an attempt holds a running lease."""
    query = select(attempt.c.media_id).where(
        attempt.c.media_id == func.any(bindparam("ids", list(media_ids))),
        attempt.c.finished_at.is_(None),
        attempt.c.lease_until > func.now(),
    )
    return frozenset(row.media_id for row in await tx.execute(query))


async def past_of(tx: AsyncConnection, media_id: int) -> Past:
    """Give what a title's attempts learnt of its videos."""
    rows = (await tx.execute(_PAST, {"media_id": media_id})).all()
    return Past(
        frozenset(row.video_id for row in rows if row.is_gone),
        {row.video_id: row.unavailable_since for row in rows if row.unavailable_since is not None},
    )


async def list_for_media(tx: AsyncConnection, media_id: int, limit: int) -> Sequence[AttemptRead]:
    """List a title's newest attempts."""
    columns = [attempt.c[name] for name in AttemptRead.model_fields]
    query = select(*columns).where(attempt.c.media_id == media_id).order_by(attempt.c.id.desc()).limit(limit)
    return [AttemptRead.model_validate(dict(row)) for row in (await tx.execute(query)).mappings()]


def _claim_of(row: RowMapping) -> AttemptClaim:
    return AttemptClaim(row["id"], row["media_id"], row["place"], row["folder_path"], row["lease_token"])


def _file_of(document: dict[str, Any] | None) -> TrailerFile | None:
    if document is None:
        return None
    return TrailerFile(**{**document, "source": CandidateSource(document["source"])})


async def _update(tx: AsyncConnection, held: AttemptClaim, **values: object) -> None:
    statement = (
        update(attempt)
        .where(attempt.c.id == held.id, attempt.c.lease_token == held.lease_token, attempt.c.finished_at.is_(None))
        .values(**values)
    )
    if (await tx.execute(statement)).rowcount == 0:
        message = "another worker took over this download"
        raise LeaseLost(message)
