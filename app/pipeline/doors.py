"""Who may send webhooks: all connections' passwords, kept in memory for two seconds at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from app.context import Deps
from app.crypto import password_hash, same
from app.db import connections
from app.db.connections import WebhookDoor
from app.errors import NotFound, Unauthorized

FRESH = 2.0  # s; how long a change of a connection may go unnoticed
RETRY_GAP = 0.2  # s between two reads that wrong passwords or unknown slugs cause
_NO_SUCH_DOOR = password_hash("")


class Doors:
    """Answers from memory; a mismatch of either kind reads the database again, so that both cost the same."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._known: Mapping[str, WebhookDoor] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def authenticate(self, slug: str, password: str | None) -> WebhookDoor:
        """Let a webhook in. Raises NotFound, Unauthorized, Unavailable."""
        given = password_hash(password or "")
        await self._refresh(FRESH)
        if not self._opens(slug, given):
            await self._refresh(RETRY_GAP)
        opens = self._opens(slug, given)
        door = self._known.get(slug)
        if door is None:
            message = "There is no such webhook; copy its address from the connection."
            raise NotFound(message)
        if not opens:
            message = "The webhook's password is missing or wrong."
            raise Unauthorized(message)
        return door

    def _opens(self, slug: str, given: bytes) -> bool:
        door = self._known.get(slug)
        matches = same(given, _NO_SUCH_DOOR if door is None else door.password_sha256)
        return matches and door is not None

    async def _refresh(self, at_most: float) -> None:
        if time.monotonic() - self._read_at < at_most:
            return
        async with self._reading:
            if time.monotonic() - self._read_at < at_most:
                return
            began = time.monotonic()
            async with self._deps.db.transaction() as tx:
                self._known = await connections.list_doors(tx)
            self._read_at = began
