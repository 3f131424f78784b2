"""Delete a connection: disabled and hidden at once, emptied by the workers, while webhooks of others go on.

Its trailers stay unless a person wants them removed, and so do our records of them: a title that comes back finds its
trailer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from app.context import Deps
from app.db import connections, removals, trailers
from app.db.connections import WebhookFindings
from app.domain.records import Connection
from app.errors import NotFound
from app.pipeline.trailer_removal import TrailersRemoved, remove_trailers
from app.pipeline.webhook_upkeep import remove_webhook

BATCH = 500
TRAILERS_PATIENCE = 8.0  # s; the workers remove what takes longer
# An API lets webhooks in for two seconds more, and calls that began before end within seconds too.
LINGER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A connection that is gone for its user; `entry_error` says why our entry in the Arr may still be there.

    `kept` is how many trailers of ours stay where they are; `removal` is None where all shall.
    """

    connection: Connection
    entry_error: str | None
    kept: int
    removal: TrailersRemoved | None


async def delete_connection(deps: Deps, connection_id: int, *, with_trailers: bool = False) -> Deleted:
    """Disable and hide a connection and remove our entry in its Arr. Raises NotFound.

    Webhooks to it are no longer let in (within two seconds), nothing of it is asked or fetched any more, and its name
    is free. Where wished its trailers are removed, as far as a few seconds allow. `empty_deleted` does the rest.
    """
    async with deps.db.transaction() as tx:
        marked = await removals.mark_deleted(tx, connection_id, remove_trailers=with_trailers)
        await removals.stop_downloads(tx, connection_id)
        ours = await trailers.count_of(tx, connection_id)
    if marked is None:
        message = f"There is no connection {connection_id}."
        raise NotFound(message)
    structlog.get_logger(__name__).info("connection deleted", connection=marked.name, connection_id=connection_id)
    entry_error = await _remove_entry(deps, marked)
    done = await remove_trailers(deps, connection_id, TRAILERS_PATIENCE) if with_trailers else None
    return Deleted(marked, entry_error, ours.count if done is None else done.kept.total(), done)


async def empty_deleted(deps: Deps) -> None:
    """Empty connections that were deleted, each batch in its own transaction, and delete those that are empty.

    What another worker is at is left to it, what a kill interrupts goes on with the next call.
    """
    async with deps.db.transaction() as tx:
        deleted = await removals.list_deleted(tx)
    for connection in deleted:
        if connection.remove_trailers and not await _remove_the_rest(deps, connection):
            continue
        for table in removals.TABLES:
            while await _delete_some(deps, table, connection.id) == BATCH:
                pass
        await _delete_row(deps, connection)


async def _remove_the_rest(deps: Deps, connection: Connection) -> bool:
    """Remove the trailers that there was no time for and those placed while it was deleted; False: not yet."""
    async with deps.db.transaction() as tx:
        if not await removals.was_deleted_before(tx, connection.id, LINGER):
            return False
    done = await remove_trailers(deps, connection.id)
    async with deps.db.transaction() as tx:
        await removals.end_trailer_removal(tx, connection.id)
    log = structlog.get_logger(__name__)
    log.info("trailers removed", connection=connection.name, removed=done.removed, kept=dict(done.kept))
    return True


async def _delete_some(deps: Deps, table: str, connection_id: int) -> int:
    async with deps.db.transaction() as tx:
        return await removals.delete_some(tx, table, connection_id, BATCH)


async def _delete_row(deps: Deps, connection: Connection) -> None:
    async with deps.db.transaction() as tx:
        if not await removals.was_deleted_before(tx, connection.id, LINGER):
            return
    await _remove_entry(deps, connection)
    async with deps.db.transaction() as tx:
        gone = await removals.delete_row(tx, connection.id)
    if gone:
        structlog.get_logger(__name__).info("deleted connection emptied", connection=connection.name)


async def _remove_entry(deps: Deps, connection: Connection) -> str | None:
    """Remove our entry in the Arr and give None, or say why it may still be there; it is tried again at the end."""
    if connection.manual_webhook:
        return "you made it yourself"
    if connection.notification_id is None or await _is_taken_over(deps, connection):
        return None
    if error := await remove_webhook(deps, connection):
        return error
    async with deps.db.transaction() as tx:
        await connections.set_webhook(tx, connection.id, WebhookFindings())
    return None


async def _is_taken_over(deps: Deps, connection: Connection) -> bool:
    """Say whether a new connection has the same address for webhooks: the entry may be its own by now."""
    async with deps.db.transaction() as tx:
        return connection.slug in await connections.list_doors(tx)
