"""Threads for disk calls: each call has a time limit, and a disk that hangs holds up nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app.files.problems import storage_problem
from schemas.base import StorageProblem

T = TypeVar("T")
MAX_THREADS = 32
MAX_THREADS_PER_ROOT = 4
GIVE_UP_AFTER = 3


@dataclass(slots=True)
class _Root:
    """The folders below one parent share their threads; `hung` counts calls that outlived their time limit."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_THREADS_PER_ROOT))
    hung: int = 0

    def end_call(self, call: asyncio.Future[Any]) -> None:
        """Free the slot; an error that nobody waits for any more is taken note of, so that asyncio does not log it."""
        self.slots.release()
        if not call.cancelled():
            call.exception()

    def end_hang(self, _: asyncio.Future[Any]) -> None:
        self.hung -= 1


class DiskThreads:
    """Runs blocking calls on disks that may hang; a thread that hangs stays, but takes no other root's place."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="disk")
        self._roots: dict[Path, _Root] = {}

    async def run(self, folder: Path, work: Callable[[], T], limit: float | None = None) -> T:
        """Run a call that touches this folder.

        Raises StorageError(UNREACHABLE) after the time limit (the call itself may still end later), and at once while
        several calls below the same parent hang. A cancelled caller waits for the call to end, up to the time limit.
        A shorter `limit` than the general one is for callers that cannot wait so long.
        """
        limit = self._limit if limit is None else min(limit, self._limit)
        root = self._roots.setdefault(folder.parent, _Root())
        if root.hung >= GIVE_UP_AFTER:
            raise storage_problem(StorageProblem.UNREACHABLE, folder)
        try:
            async with asyncio.timeout(limit):
                await root.slots.acquire()
        except TimeoutError:
            raise storage_problem(StorageProblem.UNREACHABLE, folder) from None
        return await self._run_in(root, folder, work, limit)

    def close(self) -> None:
        """Take no more calls; one that hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run_in(self, root: _Root, folder: Path, work: Callable[[], T], limit: float) -> T:
        call = asyncio.get_running_loop().run_in_executor(self._pool, work)
        call.add_done_callback(root.end_call)
        try:
            await asyncio.wait({call}, timeout=limit)
        except asyncio.CancelledError:
            # What is half done on the disk must not go on behind the back of a caller that cleans up.
            await asyncio.wait({call}, timeout=limit)
            raise
        finally:
            if not call.done():
                root.hung += 1
                call.add_done_callback(root.end_hang)
        if not call.done():
            raise storage_problem(StorageProblem.UNREACHABLE, folder)
        return call.result()
