"""The jobs: wake-ups from Redis, which start work off Postgres; all that they say is where to look."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.pipeline.acquire import AcquireOutcome, acquire
from workers.outcome import settled
from workers.workshop import Workshop

DEPS = "trailhook"
_AT_END = "trailhook_at_end"


async def sync_items(ctx: dict[str, Any], connection_id: int) -> None:
    """Start the syncs of a connection's due items."""
    workshop: Workshop = ctx[DEPS]
    ctx[_AT_END] = partial(workshop.wake_items, connection_id)


async def refresh_connections(ctx: dict[str, Any]) -> None:
    """Start the reconciliations that wait."""
    workshop: Workshop = ctx[DEPS]
    ctx[_AT_END] = workshop.wake_refreshes


async def start_work(ctx: dict[str, Any]) -> None:
    """Do what the job asked for, once it has left Redis.

    A request that comes before that finds the job there and sends none, but its commit is seen by the look that starts
    here; one that comes later is a new job.
    """
    if _AT_END in ctx:
        ctx[_AT_END]()


async def acquire_trailer(ctx: dict[str, Any], media_id: int) -> None:
    """Fetch the best due trailer, whichever title woke this job."""
    workshop: Workshop = ctx[DEPS]
    async with workshop.downloads, settled("acquire_trailer", woken_by=media_id):
        max_rank = await workshop.pace.turn()
        outcome = await acquire(workshop.deps, max_rank, workshop.tell_servers)
        if outcome is not AcquireOutcome.NOTHING_DUE:
            workshop.pace.ended()
