"""Sources of videos and root folders that are in trouble; one that works has no row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import RowMapping, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import attempt, source
from app.domain.breaker import SourceState, Suspect


async def list_open(tx: AsyncConnection) -> Sequence[SourceState]:
    """List the sources that are paused or wait for their probe."""
    rows = await tx.execute(select(source).where(source.c.is_open).order_by(source.c.name))
    return [_to_state(row) for row in rows.mappings()]


async def lock_open(tx: AsyncConnection) -> Sequence[SourceState]:
    """List them, and let nobody else choose their probe before this transaction ends."""
    rows = await tx.execute(select(source).where(source.c.is_open).order_by(source.c.name).with_for_update())
    return [_to_state(row) for row in rows.mappings()]


async def probing(tx: AsyncConnection, states: Collection[SourceState]) -> frozenset[str]:
    """Give the names of those whose probe is under way."""
    ids = [state.probe_attempt_id for state in states if state.probe_attempt_id is not None]
    if not ids:
        return frozenset()
    query = select(attempt.c.id).where(attempt.c.id == func.any(bindparam("ids", ids)), attempt.c.finished_at.is_(None))
    running = {row.id for row in await tx.execute(query)}
    return frozenset(state.name for state in states if state.probe_attempt_id in running)


async def set_probe(tx: AsyncConnection, names: Collection[str], attempt_id: int) -> None:
    """Make an attempt the probe of these sources."""
    statement = update(source).where(source.c.name == func.any(bindparam("names", list(names))))
    await tx.execute(statement.values(probe_attempt_id=attempt_id))


async def lock(tx: AsyncConnection, name: str) -> SourceState:
    """Give a source's state, for this transaction alone to change."""
    await tx.execute(insert(source).values(name=name).on_conflict_do_nothing())
    query = select(source).where(source.c.name == name).with_for_update()
    return _to_state((await tx.execute(query)).mappings().one())


async def save(tx: AsyncConnection, state: SourceState) -> None:
    """Write a source's state; after `lock`."""
    values = asdict(state)
    del values["name"]
    values["suspects"] = list(values["suspects"])
    await tx.execute(update(source).where(source.c.name == state.name).values(**values))


async def forget(tx: AsyncConnection, names: Collection[str]) -> None:
    """Note that these work."""
    await tx.execute(delete(source).where(source.c.name == func.any(bindparam("names", list(names)))))


def _to_state(row: RowMapping) -> SourceState:
    values = dict(row)
    values["suspects"] = tuple(Suspect(**suspect) for suspect in row["suspects"])
    return SourceState(**values)
