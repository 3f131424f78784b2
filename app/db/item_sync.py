"""The claim on an item's sync: a counter of requests, a lease and a fencing token (design section 5).

Only receive, `claim` and the three endings lock a row, each briefly; whoever lost the lease gets LeaseLost and must
write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import LeaseLost

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to sync one item until the lease ends; `attempts` counts the failed ones before.

    `read_at` is the database's clock at the claim, so before the Arr is asked.
    """

    connection_id: int
    arr_id: int
    claimed_seq: int
    lease_token: int
    attempts: int
    streak: int
    read_at: datetime


_TAKE = """
    UPDATE item_sync SET claimed_seq = requested_seq, lease_token = lease_token + 1, lease_until = now() + :lease,
        attempts = attempts + CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END
    WHERE connection_id = :connection_id AND arr_id = {arr_id}
    RETURNING connection_id, arr_id, claimed_seq, lease_token, attempts,
      CASE WHEN ended_at > now() - interval '60 seconds' THEN streak + 1 ELSE 1 END AS streak,
      clock_timestamp() AS read_at
"""

_IF_DUE = """:arr_id AND synced_seq < requested_seq AND NOT failed AND next_at <= now()
      AND (lease_until IS NULL OR lease_until < now())"""

_LONGEST_DUE = """(
        SELECT i.arr_id FROM item_sync i
        JOIN connection c ON c.id = i.connection_id AND c.enabled AND c.deleted_at IS NULL
          AND (c.down_since IS NULL OR c.probe_at <= now())
        WHERE i.connection_id = :connection_id AND i.synced_seq < i.requested_seq AND NOT i.failed
          AND i.next_at <= now() AND (i.lease_until IS NULL OR i.lease_until < now())
        ORDER BY i.next_at LIMIT 1 FOR UPDATE OF i SKIP LOCKED)"""

_CLAIM = text(_TAKE.format(arr_id=_IF_DUE))
_CLAIM_NEXT = text(_TAKE.format(arr_id=_LONGEST_DUE))

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
    WHERE connection_id = :connection_id AND arr_id = :arr_id AND item_seq <= :claimed_seq
      AND state IN ('pending', 'failed') AND (state = 'pending' OR :state = 'processed')
""")

_RELEASE = text("""
    UPDATE item_sync SET lease_until = NULL, error = :error, next_at = now()
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_RETRY = text("""
    UPDATE item_sync
    SET lease_until = NULL, error = :error, attempts = attempts + 1, ended_at = now(), next_at = now() + :delay
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_GIVE_UP = text("""
    UPDATE item_sync
    SET lease_until = NULL, error = :error, ended_at = now(),
        attempts = CASE WHEN requested_seq = claimed_seq THEN attempts + 1 ELSE 0 END,
        failed = (requested_seq = claimed_seq),
        synced_seq = CASE WHEN requested_seq = claimed_seq THEN synced_seq ELSE claimed_seq END
    WHERE connection_id = :connection_id AND arr_id = :arr_id
""")

_DELETE_LEFT = text("""
    DELETE FROM item_sync WHERE (connection_id, arr_id) IN (
        SELECT i.connection_id, i.arr_id FROM item_sync i
        WHERE i.ended_at < now() - CAST(:kept AS interval) AND i.lease_until IS NULL AND i.look_again_at IS NULL
          AND (i.synced_seq >= i.requested_seq OR i.failed)
          AND NOT EXISTS (SELECT 1 FROM media m WHERE m.connection_id = i.connection_id AND m.arr_id = i.arr_id)
          AND NOT EXISTS (SELECT 1 FROM event e WHERE e.connection_id = i.connection_id AND e.arr_id = i.arr_id
                            AND e.state IN ('pending', 'failed'))
        ORDER BY i.connection_id, i.arr_id LIMIT :limit FOR UPDATE OF i SKIP LOCKED)
""")

_REQUEST_LOOKS = text("""
    UPDATE item_sync SET requested_seq = requested_seq + 1, look_again_at = NULL, next_at = greatest(next_at, now())
    WHERE (connection_id, arr_id) IN (
        SELECT connection_id, arr_id FROM item_sync WHERE look_again_at <= now()
        ORDER BY connection_id, arr_id FOR UPDATE SKIP LOCKED)
""")

_REQUEST = text("""
    INSERT INTO item_sync (connection_id, arr_id, requested_seq) VALUES (:connection_id, :arr_id, 1)
    ON CONFLICT (connection_id, arr_id) DO UPDATE SET requested_seq = item_sync.requested_seq + 1, failed = false,
        attempts = CASE WHEN item_sync.failed THEN 0 ELSE item_sync.attempts END
""")

_DUE_CONNECTIONS = text("""
    SELECT c.id FROM connection c
    WHERE c.enabled AND c.deleted_at IS NULL AND (c.down_since IS NULL OR c.probe_at <= now())
      AND EXISTS (SELECT 1 FROM item_sync i WHERE i.connection_id = c.id AND i.synced_seq < i.requested_seq
                    AND NOT i.failed AND i.next_at <= now() AND (i.lease_until IS NULL OR i.lease_until < now()))
    ORDER BY c.id
""")

_UNTIL_NEXT = text("""
    SELECT CAST(EXTRACT(epoch FROM i.next_at - clock_timestamp()) AS double precision) FROM item_sync i
    JOIN connection c ON c.id = i.connection_id AND c.enabled AND c.deleted_at IS NULL
      AND (c.down_since IS NULL OR c.probe_at <= now())
    WHERE i.connection_id = :connection_id AND i.synced_seq < i.requested_seq AND NOT i.failed
      AND (i.lease_until IS NULL OR i.lease_until < now())
    ORDER BY i.next_at LIMIT 1
""")


async def claim(tx: AsyncConnection, connection_id: int, arr_id: int) -> Claim | None:
    """Take the item if a request waits, it is due and nobody holds it; every request up to now is covered.

    A lease that ran out is counted as a failed attempt: its worker died, and an item may do that to each worker.
    """
    values = {"connection_id": connection_id, "arr_id": arr_id, "lease": LEASE}
    row = (await tx.execute(_CLAIM, values)).mappings().one_or_none()
    return None if row is None else Claim(**row)


async def claim_next(tx: AsyncConnection, connection_id: int) -> Claim | None:
    """Take what is due the longest of a connection that may be asked; what another transaction holds is passed over."""
    values = {"connection_id": connection_id, "lease": LEASE}
    row = (await tx.execute(_CLAIM_NEXT, values)).mappings().one_or_none()
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


async def release(tx: AsyncConnection, held: Claim, error: str | None) -> None:
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


async def request(tx: AsyncConnection, connection_id: int, arr_id: int) -> None:
    """Ask for a sync of one item without an event; one that failed for good is tried again."""
    await tx.execute(_REQUEST, {"connection_id": connection_id, "arr_id": arr_id})


async def delete_left(tx: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete at most `limit` rows of items that left longer ago, and of which nothing is open; gives how many went."""
    return (await tx.execute(_DELETE_LEFT, {"kept": kept, "limit": limit})).rowcount


async def request_due_looks(tx: AsyncConnection) -> None:
    """Turn every look that is due into a request for a sync."""
    await tx.execute(_REQUEST_LOOKS)


async def list_due_connections(tx: AsyncConnection) -> Sequence[int]:
    """List connections with an item that a worker could claim now."""
    return [row.id for row in await tx.execute(_DUE_CONNECTIONS)]


async def seconds_until_next(tx: AsyncConnection, connection_id: int) -> float | None:
    """Give the time until a connection's next item is due, 0 or less where one is; None where none waits."""
    seconds: float | None = (await tx.execute(_UNTIL_NEXT, {"connection_id": connection_id})).scalar_one_or_none()
    return seconds


async def _finish_events(tx: AsyncConnection, held: Claim, state: str, error: str | None) -> None:
    values = {**_item(held), "claimed_seq": held.claimed_seq, "state": state, "error": error}
    await tx.execute(_FINISH_EVENTS, values)


def _item(held: Claim) -> dict[str, object]:
    return {"connection_id": held.connection_id, "arr_id": held.arr_id}


def _key(held: Claim) -> dict[str, object]:
    return {**_item(held), "lease_token": held.lease_token}
