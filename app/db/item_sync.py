"""The claim on an item's sync: a counter of requests, a lease and a fencing token (design section 5).

Only receive, `claim` and the three endings lock a row, each briefly; whoever lost the lease gets LeaseLost and must
write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import LeaseLost

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to sync one item until the lease ends; `attempts` counts the failed ones before."""

    connection_id: int
    arr_id: int
    claimed_seq: int
    lease_token: int
    attempts: int
    streak: int


@dataclass(frozen=True, slots=True)
class DueItem:
    """An item with a request that no worker holds."""

    connection_id: int
    arr_id: int
    requested_seq: int


_CLAIM = text("""
    UPDATE item_sync SET claimed_seq = requested_seq, lease_token = lease_token + 1, lease_until = now() + :lease
    WHERE connection_id = :connection_id AND arr_id = :arr_id AND synced_seq < requested_seq AND NOT failed
      AND next_at <= now() AND (lease_until IS NULL OR lease_until < now())
    RETURNING connection_id, arr_id, claimed_seq, lease_token, attempts,
      CASE WHEN ended_at > now() - interval '60 seconds' THEN streak + 1 ELSE 1 END AS streak
""")

_FENCE = text("""
    SELECT 1 FROM item_sync
    WHERE connection_id = :connection_id AND arr_id = :arr_id AND lease_token = :lease_token AND lease_until IS NOT NULL
    FOR UPDATE
""")

_EXTEND = text("""
    UPDATE item_sync SET lease_until = now() + :lease
    WHERE connection_id = :connection_id AND arr_id = :arr_id AND lease_token = :lease_token AND lease_until IS NOT NULL
""")

_COMPLETE = text("""
    UPDATE item_sync
    SET synced_seq = claimed_seq, lease_until = NULL, attempts = 0, error = NULL, ended_at = now(), streak = :streak,
        next_at = now() + :spacing, look_again_at = now() + CAST(:look_again AS interval)
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_FINISH_EVENTS = text("""
    UPDATE event SET state = :state, error = :error, processed_at = now()
    WHERE connection_id = :connection_id AND arr_id = :arr_id AND state = 'pending' AND item_seq <= :claimed_seq
""")

_RELEASE = text("""
    UPDATE item_sync SET lease_until = NULL, error = :error
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_RETRY = text("""
    UPDATE item_sync
    SET lease_until = NULL, error = :error, attempts = attempts + 1, ended_at = now(), next_at = now() + :delay
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_GIVE_UP = text("""
    UPDATE item_sync
    SET lease_until = NULL, error = :error, attempts = attempts + 1, ended_at = now(),
        failed = (requested_seq = claimed_seq),
        synced_seq = CASE WHEN requested_seq = claimed_seq THEN synced_seq ELSE claimed_seq END
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_REQUEST_LOOKS = text("""
    UPDATE item_sync SET requested_seq = requested_seq + 1, look_again_at = NULL
    WHERE (connection_id, arr_id) IN (
        SELECT connection_id, arr_id FROM item_sync WHERE look_again_at <= now()
        ORDER BY connection_id, arr_id FOR UPDATE SKIP LOCKED)
""")

_DUE = text("""
    SELECT i.connection_id, i.arr_id, i.requested_seq FROM item_sync i
    JOIN connection c ON c.id = i.connection_id AND c.enabled AND (c.down_since IS NULL OR c.probe_at <= now())
    WHERE i.synced_seq < i.requested_seq AND NOT i.failed AND i.next_at <= now()
      AND (i.lease_until IS NULL OR i.lease_until < now())
    ORDER BY i.next_at LIMIT :limit
""")


async def claim(tx: AsyncConnection, connection_id: int, arr_id: int) -> Claim | None:
    """Take the item if a request waits, it is due and nobody holds it; every request up to now is covered."""
    values = {"connection_id": connection_id, "arr_id": arr_id, "lease": LEASE}
    row = (await tx.execute(_CLAIM, values)).mappings().one_or_none()
    return None if row is None else Claim(**row)


async def fence(tx: AsyncConnection, held: Claim) -> None:
    """Lock the row to the end of the transaction; raises LeaseLost unless the claim still holds."""
    if (await tx.execute(_FENCE, _key(held))).one_or_none() is None:
        message = "another worker took over this sync"
        raise LeaseLost(message)


async def extend(tx: AsyncConnection, held: Claim) -> None:
    """Lengthen the lease by its full time; raises LeaseLost unless the claim still holds."""
    if (await tx.execute(_EXTEND, {**_key(held), "lease": LEASE})).rowcount == 0:
        message = "another worker took over this sync"
        raise LeaseLost(message)


async def complete(tx: AsyncConnection, held: Claim, spacing: timedelta, look_again: timedelta | None) -> None:
    """End a sync that worked, in the transaction that wrote its data; call `fence` first in it.

    The next sync starts `spacing` from now at the earliest; after `look_again` one comes even without an event.
    """
    values = {**_item(held), "spacing": spacing, "look_again": look_again, "streak": held.streak}
    await tx.execute(_COMPLETE, values)
    await _finish_events(tx, held, "processed", None)


async def release(tx: AsyncConnection, held: Claim, error: str) -> None:
    """Give the item back uncounted: its connection failed, or the worker stops."""
    await fence(tx, held)
    await tx.execute(_RELEASE, {**_item(held), "error": error})


async def retry_later(tx: AsyncConnection, held: Claim, error: str, delay: timedelta | None) -> None:
    """Count a failure of the item itself; without a delay it has failed for good, and so have its events."""
    await fence(tx, held)
    if delay is not None:
        await tx.execute(_RETRY, {**_item(held), "error": error, "delay": delay})
        return
    await tx.execute(_GIVE_UP, {**_item(held), "error": error})
    await _finish_events(tx, held, "failed", error)


async def request_due_looks(tx: AsyncConnection) -> None:
    """Turn every look that is due into a request for a sync."""
    await tx.execute(_REQUEST_LOOKS)


async def list_due(tx: AsyncConnection, limit: int) -> Sequence[DueItem]:
    """List items that a worker could claim now, the longest due first."""
    rows = (await tx.execute(_DUE, {"limit": limit})).mappings()
    return [DueItem(**row) for row in rows]


async def _finish_events(tx: AsyncConnection, held: Claim, state: str, error: str | None) -> None:
    values = {**_item(held), "claimed_seq": held.claimed_seq, "state": state, "error": error}
    await tx.execute(_FINISH_EVENTS, values)


def _item(held: Claim) -> dict[str, object]:
    return {"connection_id": held.connection_id, "arr_id": held.arr_id}


def _key(held: Claim) -> dict[str, object]:
    return {**_item(held), "lease_token": held.lease_token}
