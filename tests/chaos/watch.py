"""Watches the rows and the library while everything breaks, and keeps the spacing of syncs from slowing the run."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import asyncpg

from tests.chaos.arrs import version_of
from tests.chaos.database import SPACING_IS_OVER
from tests.chaos.sending import Acknowledged

INTERVAL = 0.2  # s
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


_ROWS = """
    SELECT m.connection_id, m.arr_id, m.overview, ARRAY(
        SELECT e.id FROM event e WHERE e.connection_id = m.connection_id AND e.arr_id = m.arr_id
          AND e.state = 'processed' AND e.processed_at > now() - interval '10 seconds') AS done_with
    FROM media m
"""


class Watch:
    """Looks from `start` to `stop`; `behind` tells of rows that lack what an event told that was done with.

    A row may go back: an item's sync may happen to read changes whose events are still to come, and a reconciliation
    that asked before them may write after it. But never to before an event that is done with.
    """

    def __init__(self, dsn: str, folders: Iterable[Path], acknowledged: Sequence[Acknowledged]) -> None:
        self.behind: set[str] = set()
        self.first_seen: dict[Path, float] = {}
        self._dsn = dsn
        self._folders = list(folders)
        self._acknowledged = acknowledged
        self._least: dict[tuple[int, int], int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = await asyncpg.connect(self._dsn, timeout=5)
            except AWAY:
                await asyncio.sleep(INTERVAL)
                continue
            try:
                while not self._stopping.is_set():
                    await self._look(connection)
                    await asyncio.sleep(INTERVAL)
            except AWAY:
                continue
            finally:
                connection.terminate()

    async def _look(self, connection: asyncpg.Connection) -> None:
        await connection.execute(SPACING_IS_OVER)
        told = {event.event_id: event.version for event in list(self._acknowledged)}
        for row in await connection.fetch(_ROWS):
            key, version = (row["connection_id"], row["arr_id"]), version_of(row["overview"])
            done_with = [told[event_id] for event_id in row["done_with"] if event_id in told]
            least = self._least[key] = max([self._least.get(key, 0), *done_with])
            if version < least:
                self.behind.add(f"item {key[1]} of connection {key[0]} was at {version}, and done with {least}")
        now = time.time()
        for folder in self._folders:
            for path in trailers_in(folder):
                self.first_seen.setdefault(path, now)


def trailers_in(folder: Path) -> list[Path]:
    """List the trailers of a title's folder, at both places where we put them."""
    return [*folder.glob("*-trailer.*"), *folder.glob("Trailers/*-trailer.*")]
