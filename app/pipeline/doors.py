"""Who may send webhooks: all connections' passwords, kept in memory for two seconds at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from app.context import Deps
from app.crypto import password_hash, same
from app.db import connections
from app.db.connections import WebhookDoor
from app.db.engine import AWAY
from app.errors import NotFound, Unauthorized, Unavailable

FRESH = 2.0  # s; how long a change of a connection may go unnoticed
READ_GAP = 0.2  # s between two reads, however many wrong passwords and unknown slugs cause them
PATIENCE = 1.5  # s; an Arr waits, and Postgres may be away
NOTED_EVERY = 60.0  # s between two notes of wrong passwords for one connection
READ_LIMIT = 3.0  # s until a read is given up, so that a dead connection to Postgres ends and a new one is tried
_NO_SUCH_DOOR = password_hash("")


class Doors:
    """Answers right passwords from memory; refuses only after a read that began when the request was there.

    A wrong password and an unknown slug take the same way, so that both cost the same.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._known: Mapping[str, WebhookDoor] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._noted_at: dict[int, float] = {}
        self._refused: set[int] = set()

    async def close(self) -> None:
        """End a read that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def authenticate(self, slug: str, password: str | None) -> WebhookDoor:
        """Let a webhook in. Raises NotFound, Unauthorized, Unavailable."""
        came = time.monotonic()
        given = password_hash(password or "")
        await self._know_since(came - FRESH)
        if not self._opens(slug, given):
            await self._know_since(came)
        opens = self._opens(slug, given)
        door = self._known.get(slug)
        if door is None:
            message = "There is no such webhook; copy its address from the connection."
            raise NotFound(message)
        if not opens:
            self._note_refusal(door)
            message = "The webhook's password is missing or wrong."
            raise Unauthorized(message)
        return door

    def _note_refusal(self, door: WebhookDoor) -> None:
        """Remember it once in a while, for the next read to write: somebody may have changed our entry's password."""
        now = time.monotonic()
        if now - self._noted_at.get(door.connection_id, float("-inf")) >= NOTED_EVERY:
            self._noted_at[door.connection_id] = now
            self._refused.add(door.connection_id)

    def _opens(self, slug: str, given: bytes) -> bool:
        door = self._known.get(slug)
        matches = same(given, _NO_SUCH_DOOR if door is None else door.password_sha256)
        return matches and door is not None

    async def _know_since(self, moment: float) -> None:
        """Return once what is known was read after this moment; all who wait share one read, and its failure."""
        if self._read_at >= moment:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                while self._read_at < moment:
                    await asyncio.shield(self._next_read())
        except TimeoutError as error:
            raise Unavailable(AWAY) from error

    def _next_read(self) -> asyncio.Task[None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_note)
        return self._reading

    async def _read(self) -> None:
        await asyncio.sleep(max(0.0, self._tried_at + READ_GAP - time.monotonic()))
        began = self._tried_at = time.monotonic()
        refused = set(self._refused)
        async with asyncio.timeout(READ_LIMIT), self._deps.db.transaction() as tx:
            self._known = await connections.list_doors(tx)
            for connection_id in refused:
                await connections.note_refused_webhook(tx, connection_id)
        self._refused -= refused
        self._read_at = began


def _note(read: asyncio.Task[None]) -> None:
    """Take note of a read's failure even where nobody waits for it any more."""
    if not read.cancelled():
        read.exception()
