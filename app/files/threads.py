"""Threads for disk calls: each call has a time limit, and a disk that hangs holds up nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from app.errors import StorageError
from app.files.problems import storage_problem
from schemas.base import StorageProblem

T = TypeVar("T")
MAX_THREADS = 32
MAX_THREADS_PER_ROOT = 4
GIVE_UP_AFTER = 3
SHORT_TURN, LONG_TURN = 0.25, 1.0  # s; enough for a thousand folders of a local disk, and for a few of a slow one


@dataclass(slots=True)
class _Lot(Generic[T]):
    """Work for several folders in one thread, at most `seconds` long but for the last; results go where they belong."""

    folders: Sequence[str]
    numbers: list[int]
    work: Callable[[int], T]
    results: list[T]
    seconds: float
    done: int = 0
    is_given_up: bool = False

    def run(self) -> None:
        end = time.monotonic() + self.seconds
        for number in self.numbers:
            result = self.work(number)
            if self.is_given_up:
                return
            self.results[number] = result
            self.done += 1
            if time.monotonic() > end:
                return


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

    async def run_each(self, folders: Sequence[str], work: Callable[[int], T], otherwise: T) -> list[T]:
        """Do short work for each folder, given by its place in the list, many in one thread; `otherwise` if one hangs.

        Below one parent a single thread begins; only what it does not get done soon is shared with others.
        """
        below: dict[str, list[int]] = {}
        for number, folder in enumerate(folders):
            below.setdefault(folder.rpartition("/")[0], []).append(number)
        results = [otherwise] * len(folders)

        def lot_of(numbers: list[int], seconds: float) -> _Lot[T]:
            return _Lot(folders, numbers, work, results, seconds)

        async def finish(numbers: list[int]) -> None:
            while numbers:
                numbers = await self._run_lot(lot_of(numbers, LONG_TURN))

        async def begin(numbers: list[int]) -> None:
            rest = await self._run_lot(lot_of(numbers, SHORT_TURN))
            shares = (rest[start::MAX_THREADS_PER_ROOT] for start in range(MAX_THREADS_PER_ROOT))
            await asyncio.gather(*(finish(share) for share in shares if share))

        await asyncio.gather(*(begin(numbers) for numbers in below.values()))
        return results

    async def _run_lot(self, lot: _Lot[T]) -> list[int]:
        """Give what is left to do; the one that hung is not."""
        try:
            await self.run(Path(lot.folders[lot.numbers[0]]), lot.run)
        except StorageError:
            return lot.numbers[lot.done + 1 :]
        finally:
            lot.is_given_up = True
        return lot.numbers[lot.done :]

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
