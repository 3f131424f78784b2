"""Reconciliation runs: one waiting and one running per connection, held by a lease with a fencing token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import run
from app.errors import LeaseLost
from schemas.base import RunOutcome, RunTrigger
from schemas.connection import LastRun
from schemas.run import RunRead, SkippedItem

LEASE = timedelta(seconds=40)
ACCEPTABLE_FOR = timedelta(hours=24)
LOST_IN_A_ROW = 3  # workers; then the list itself may be what kills them


@dataclass(frozen=True, slots=True)
class RunClaim:
    """The right to reconcile one connection until the lease ends; `read_at` is the database's clock at its start.

    `accepted_ids` are the titles whose deletion a person has accepted.
    """

    id: int
    connection_id: int
    accepted_ids: frozenset[int]
    lease_token: int
    read_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run that nobody has taken."""

    id: int
    connection_id: int
    asked_by_person: bool


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did; `held_ids` are the titles it would have deleted."""

    outcome: RunOutcome
    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    held_ids: frozenset[int] = frozenset()
    skipped: tuple[SkippedItem, ...] = ()
    error: str | None = None


_END_DEAD = text("""
    UPDATE run SET outcome = 'failed', finished_at = now(), lease_until = NULL, lease_token = lease_token + 1,
      lost = true, error = 'The worker stopped during this run; another one begins anew.'
    WHERE finished_at IS NULL AND started_at IS NOT NULL AND lease_until < now()
    RETURNING connection_id, trigger, accepted_ids
""")

_CLAIM = text("""
    UPDATE run SET started_at = now(), lease_until = now() + :lease, lease_token = lease_token + 1
    WHERE id = :id AND started_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM run other WHERE other.connection_id = run.connection_id
                        AND other.started_at IS NOT NULL AND other.finished_at IS NULL)
    RETURNING id, connection_id, accepted_ids, lease_token, now() AS read_at
""")

_WAITING = text(f"""
    SELECT r.id, r.connection_id, r.trigger IN ('manual', 'connect') AS asked_by_person FROM run r
    JOIN connection c ON c.id = r.connection_id AND c.enabled
      AND (c.down_since IS NULL OR c.probe_at <= now() OR r.trigger IN ('manual', 'connect'))
    WHERE r.started_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM run other WHERE other.connection_id = r.connection_id
                        AND other.started_at IS NOT NULL AND other.finished_at IS NULL)
      AND (r.trigger IN ('manual', 'connect') OR NOT EXISTS (
        SELECT 1 FROM (SELECT lost, finished_at FROM run last WHERE last.connection_id = r.connection_id
                         AND last.finished_at IS NOT NULL ORDER BY last.id DESC LIMIT {LOST_IN_A_ROW}) AS last
        HAVING count(*) FILTER (WHERE lost) = {LOST_IN_A_ROW} AND max(finished_at) > now() - interval '1 hour'))
    ORDER BY asked_by_person DESC, r.id LIMIT :limit
""")  # noqa: S608 - built from the constant above

_PROBES = text("""
    SELECT id FROM connection WHERE enabled AND down_since IS NOT NULL AND probe_at <= now() ORDER BY id
""")

# Each connection has its own moment within the interval, so that they are not all refreshed together after a start.
_OVERDUE = text("""
    WITH spread AS (
      SELECT c.id, c.down_since, date_bin(CAST(:interval AS interval), now(), timestamptz '2000-01-01'
          + CAST(:interval AS interval) * (row_number() OVER (ORDER BY c.id) - 1) / count(*) OVER ()) AS moment
      FROM connection c WHERE c.enabled)
    SELECT s.id FROM spread s WHERE s.down_since IS NULL
      AND NOT EXISTS (SELECT 1 FROM run r WHERE r.connection_id = s.id AND r.outcome IS DISTINCT FROM 'failed'
                        AND r.requested_at >= least(s.moment, now() - CAST(:interval AS interval) / 2))
      AND NOT EXISTS (SELECT 1 FROM run r WHERE r.connection_id = s.id AND r.finished_at > now() - interval '1 minute')
    ORDER BY s.id
""")

_DELETE_OLD = text("""
    DELETE FROM run WHERE id IN (
        SELECT r.id FROM run r WHERE r.finished_at < now() - CAST(:kept AS interval)
          AND EXISTS (SELECT 1 FROM run newer WHERE newer.connection_id = r.connection_id AND newer.id > r.id
                        AND newer.finished_at IS NOT NULL)
        ORDER BY r.id LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


async def request(
    tx: AsyncConnection, connection_id: int, trigger: RunTrigger, *, accepted: Collection[int] = ()
) -> int:
    """Ask for a run and give its id; one that waits already serves, for its fetch begins after this request too.

    It becomes a person's where a person asks. `accepted` are titles that it may delete whatever their number.
    """
    new = insert(run).values(connection_id=connection_id, trigger=trigger, accepted_ids=sorted(accepted))
    statement = new.on_conflict_do_update(
        index_elements=["connection_id"],
        index_where=text("started_at IS NULL"),
        set_={
            "accepted_ids": run.c.accepted_ids.concat(new.excluded.accepted_ids),
            "trigger": case(
                (
                    (new.excluded.trigger == RunTrigger.MANUAL) & (run.c.trigger != RunTrigger.CONNECT),
                    RunTrigger.MANUAL,
                ),
                else_=run.c.trigger,
            ),
        },
    )
    run_id: int = (await tx.execute(statement.returning(run.c.id))).scalar_one()
    return run_id


async def end_dead(tx: AsyncConnection) -> None:
    """End runs whose worker died, and ask for each anew."""
    for row in (await tx.execute(_END_DEAD)).all():
        await request(tx, row.connection_id, RunTrigger(row.trigger), accepted=row.accepted_ids)


async def claim(tx: AsyncConnection, run_id: int) -> RunClaim | None:
    """Take a waiting run unless another of its connection is under way; of several that try at once one gets it."""
    try:
        async with tx.begin_nested():
            row = (await tx.execute(_CLAIM, {"id": run_id, "lease": LEASE})).mappings().one_or_none()
    except IntegrityError:
        return None
    return None if row is None else RunClaim(**{**row, "accepted_ids": frozenset(row["accepted_ids"])})


async def delete_old(tx: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete at most `limit` runs that ended longer ago, never a connection's last; gives how many went."""
    return (await tx.execute(_DELETE_OLD, {"kept": kept, "limit": limit})).rowcount


async def progress(tx: AsyncConnection, held: RunClaim, fetched: int) -> None:
    """Note how far the run is and lengthen its lease; raises LeaseLost unless the claim still holds."""
    await _update(tx, held, fetched=fetched, lease_until=func.now() + LEASE)


async def finish(tx: AsyncConnection, held: RunClaim, result: RunResult) -> None:
    """End a run; raises LeaseLost unless the claim still holds."""
    await _update(
        tx,
        held,
        outcome=result.outcome,
        finished_at=func.now(),
        lease_until=None,
        fetched=result.fetched,
        created=result.created,
        updated=result.updated,
        unchanged=result.unchanged,
        deleted=result.deleted,
        held_ids=sorted(result.held_ids),
        skipped_items=[item.model_dump() for item in result.skipped],
        error=result.error,
    )


async def list_waiting(tx: AsyncConnection, limit: int) -> Sequence[WaitingRun]:
    """List runs that a worker could take now, those that a person waits for first."""
    return [WaitingRun(**row) for row in (await tx.execute(_WAITING, {"limit": limit})).mappings()]


async def list_overdue(tx: AsyncConnection, interval: timedelta) -> Sequence[int]:
    """List connections that work and had no run within the interval but failed ones, the last a minute ago or more."""
    return [row.id for row in await tx.execute(_OVERDUE, {"interval": interval})]


async def list_probes(tx: AsyncConnection) -> Sequence[int]:
    """List connections that failed and may be asked again now."""
    return [row.id for row in await tx.execute(_PROBES)]


async def last_held(tx: AsyncConnection, connection_id: int) -> frozenset[int] | None:
    """Get what the connection's newest run that did not fail holds for a person's word.

    None where it holds nothing, or for too long.
    """
    query = (
        select(run.c.outcome, run.c.held_ids, run.c.finished_at > func.now() - ACCEPTABLE_FOR)
        .where(run.c.connection_id == connection_id, run.c.outcome != RunOutcome.FAILED)
        .order_by(run.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return frozenset(row[1]) if row is not None and row[0] == RunOutcome.HELD and row[2] else None


async def get(tx: AsyncConnection, run_id: int) -> RunRead | None:
    """Get one run."""
    row = (await tx.execute(select(run).where(run.c.id == run_id))).mappings().one_or_none()
    return None if row is None else _to_read(row)


async def list_page(tx: AsyncConnection, before_id: int | None, limit: int) -> tuple[Sequence[RunRead], int]:
    """List runs, newest first, and count all."""
    total = (await tx.execute(select(func.count()).select_from(run))).scalar_one()
    query = select(run).order_by(run.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(run.c.id < before_id)
    return [_to_read(row) for row in (await tx.execute(query)).mappings()], total


async def last_of_each(tx: AsyncConnection) -> dict[int, LastRun]:
    """Get each connection's newest run."""
    newest = select(func.max(run.c.id)).group_by(run.c.connection_id)
    rows = await tx.execute(select(run).where(run.c.id.in_(newest)))
    return {
        row["connection_id"]: LastRun(
            id=row["id"], outcome=row["outcome"], finished_at=row["finished_at"], error=row["error"]
        )
        for row in rows.mappings()
    }


def _to_read(row: RowMapping) -> RunRead:
    started, finished = row["started_at"], row["finished_at"]
    shown = {name: row[name] for name in RunRead.model_fields if name in row and name != "skipped_items"}
    return RunRead(
        **shown,
        held_deletions=len(row["held_ids"]),
        skipped_items=[SkippedItem.model_validate(item) for item in row["skipped_items"]],
        seconds=(finished - started).total_seconds() if started and finished else None,
    )


async def _update(tx: AsyncConnection, held: RunClaim, **values: object) -> None:
    statement = (
        update(run)
        .where(run.c.id == held.id, run.c.lease_token == held.lease_token, run.c.finished_at.is_(None))
        .values(**values)
    )
    if (await tx.execute(statement)).rowcount == 0:
        message = "another worker took over this reconciliation"
        raise LeaseLost(message)
