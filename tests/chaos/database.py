"""The database behind Trailhook's back: what is in it, and time that passes faster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

# Rows in the order of their keys and none that is locked: nobody may wait for us, or we for them.
_LEASES_RUN_OUT = (
    """UPDATE item_sync SET lease_until = now() - interval '1 second' WHERE (connection_id, arr_id) IN (
        SELECT connection_id, arr_id FROM item_sync WHERE lease_until > now()
        ORDER BY connection_id, arr_id FOR UPDATE SKIP LOCKED)""",
    """UPDATE attempt SET lease_until = now() - interval '1 second' WHERE id IN (
        SELECT id FROM attempt WHERE finished_at IS NULL AND lease_until > now() ORDER BY id FOR UPDATE SKIP LOCKED)""",
    """UPDATE run SET lease_until = now() - interval '1 second' WHERE id IN (
        SELECT id FROM run WHERE finished_at IS NULL AND lease_until > now() ORDER BY id FOR UPDATE SKIP LOCKED)""",
)
SPACING_IS_OVER = """
    UPDATE item_sync SET next_at = now() WHERE (connection_id, arr_id) IN (
        SELECT connection_id, arr_id FROM item_sync
        WHERE next_at > now() AND attempts = 0 AND lease_until IS NULL
        ORDER BY connection_id, arr_id FOR UPDATE SKIP LOCKED)"""
_PROBES_ARE_DUE = """
    UPDATE connection SET probe_at = now() WHERE id IN (
        SELECT id FROM connection WHERE probe_at > now() ORDER BY id FOR UPDATE SKIP LOCKED)"""
_RETRIES_ARE_DUE = """
    UPDATE media SET retry_at = now(), next_try_at = now(), version = version + 1 WHERE id IN (
        SELECT id FROM media WHERE retry_at > now() ORDER BY id FOR UPDATE SKIP LOCKED)"""


class Rows:
    """SQL from synchronous code; a connection for each call, for Postgres comes and goes."""

    def __init__(self, url: str) -> None:
        self.dsn = url.replace("postgresql+asyncpg", "postgresql")

    def fetch(self, query: str, *arguments: object) -> list[Mapping[str, Any]]:
        return asyncio.run(self._fetch(query, arguments))

    def execute(self, *statements: str) -> None:
        asyncio.run(self._execute(statements))

    def let_leases_run_out(self) -> None:
        """Age every lease by its whole time; only right while no process is alive that might hold one."""
        self.execute(*_LEASES_RUN_OUT)

    def let_waiting_end(self) -> None:
        """Make due what waits for politeness alone: the space between syncs, probes, tries after a failure."""
        self.execute(SPACING_IS_OVER, _PROBES_ARE_DUE, _RETRIES_ARE_DUE)

    def let_probes_be_due(self) -> None:
        """Ask a connection that was down at once."""
        self.execute(_PROBES_ARE_DUE)

    async def _fetch(self, query: str, arguments: tuple[object, ...]) -> list[Mapping[str, Any]]:
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def _execute(self, statements: tuple[str, ...]) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
