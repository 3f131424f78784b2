"""The jobs: each finds what it needs, calls one pipeline function and leaves the outcome to Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.context import Deps
from app.db import connections, runs
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connection_manager import manager_of
from workers.outcome import settled
from workers.pace import Pace

DEPS = "trailhook"


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the jobs of one process share."""

    deps: Deps
    pace: Pace


async def sync_item(ctx: dict[str, Any], connection_id: int, arr_id: int) -> None:
    """Bring one item up to date."""
    workshop: Workshop = ctx[DEPS]
    async with settled("sync_item", connection_id=connection_id, arr_id=arr_id):
        async with workshop.deps.db.transaction() as tx:
            connection = await connections.get(tx, connection_id)
        if connection is not None:
            await manager_of(connection, workshop.deps).sync(arr_id)


async def refresh_connection(ctx: dict[str, Any], run_id: int) -> None:
    """Reconcile one connection."""
    workshop: Workshop = ctx[DEPS]
    async with settled("refresh_connection", run_id=run_id):
        async with workshop.deps.db.transaction() as tx:
            held = await runs.claim(tx, run_id)
            connection = None if held is None else await connections.get(tx, held.connection_id)
        if held is not None and connection is not None:
            await manager_of(connection, workshop.deps).refresh(held)


async def acquire_trailer(ctx: dict[str, Any], media_id: int) -> None:
    """Fetch the best due trailer, whichever title woke this job."""
    workshop: Workshop = ctx[DEPS]
    async with settled("acquire_trailer", woken_by=media_id):
        max_rank = await workshop.pace.turn()
        if await acquire(workshop.deps, max_rank) is not AcquireOutcome.NOTHING_DUE:
            workshop.pace.ended()
