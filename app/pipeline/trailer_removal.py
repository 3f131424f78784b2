"""Remove the trailers of a connection that is deleted: file by file, as far as a time allows, and tell what stays."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.context import Deps, Removal
from app.db import trailers
from app.db.trailers import OwnTrailer
from app.errors import StorageError
from schemas.base import StorageProblem

BATCH = 200
ROOTS_AT_ONCE = 4
SHARED = "in a folder that another connection has too"
CHANGED = "changed since Trailhook placed them"
_WHY = {
    StorageProblem.UNREACHABLE: "{} cannot be reached",
    StorageProblem.NOT_WRITABLE: "Trailhook may not write in {}",
    StorageProblem.READ_ONLY: "{} is on a read-only file system",
    StorageProblem.MISSING: "the title's folder in {} is not there",
}


@dataclass(slots=True)
class TrailersRemoved:
    """How many files were removed, why how many stay, and how many there was no time for."""

    removed: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    left: int = 0


async def remove_trailers(deps: Deps, connection_id: int, seconds: float | None = None) -> TrailersRemoved:
    """Try each of its trailers once, for at most `seconds` and one call to a disk that hangs; a second call goes on.

    Only files that are as they were placed go, and none in a folder that a title of another connection has too. A
    removed file's row goes with it, every other row stays. No transaction is open while a disk is touched.
    """
    work = _Work(deps, connection_id, None if seconds is None else asyncio.get_running_loop().time() + seconds)
    after = 0
    while not work.is_over():
        async with deps.db.transaction() as tx:
            batch = await trailers.list_of(tx, connection_id, after, BATCH)
        if not batch:
            break
        await work.remove_all(batch)
        after = batch[-1].id
    async with deps.db.transaction() as tx:
        count = (await trailers.count_of(tx, connection_id)).count
    work.told.left = max(count - work.told.kept.total(), 0)
    return work.told


class _Work:
    """One pass over a connection's trailers."""

    def __init__(self, deps: Deps, connection_id: int, ends_at: float | None) -> None:
        self.told = TrailersRemoved()
        self._deps = deps
        self._connection_id = connection_id
        self._ends_at = ends_at
        self._away: dict[Path, str] = {}

    def is_over(self) -> bool:
        return self._ends_at is not None and asyncio.get_running_loop().time() > self._ends_at

    async def remove_all(self, batch: Sequence[OwnTrailer]) -> None:
        """Remove what may go, root by root and few roots at once, and forget the rows of what is gone."""
        by_root: dict[Path, list[OwnTrailer]] = {}
        for one in batch:
            if one.shared:
                self.told.kept[SHARED] += 1
            else:
                by_root.setdefault(one.file.folder.parent, []).append(one)
        turns = asyncio.Semaphore(ROOTS_AT_ONCE)

        async def in_turn(root: Path, files: Iterable[OwnTrailer]) -> list[int]:
            async with turns:
                return await self._remove_in(root, files)

        gone = await asyncio.gather(*(in_turn(root, files) for root, files in by_root.items()))
        async with self._deps.db.transaction() as tx:
            await trailers.forget_ids(tx, [one for ids in gone for one in ids])

    async def _remove_in(self, root: Path, files: Iterable[OwnTrailer]) -> list[int]:
        """Give the ids of those that are gone; below a root that cannot be reached nothing more is tried."""
        gone = []
        for one in files:
            if self.is_over():
                break
            if why := self._away.get(root):
                self.told.kept[why] += 1
                continue
            try:
                outcome = await self._deps.library.remove_own(one.file)
            except StorageError as error:
                self._keep(root, error)
                continue
            if outcome is Removal.CHANGED:
                self.told.kept[CHANGED] += 1
            else:
                gone.append(one.id)
                self.told.removed += outcome is Removal.REMOVED
        return gone

    def _keep(self, root: Path, error: StorageError) -> None:
        why = _WHY.get(error.problem, "{} cannot be used").format(root)
        self.told.kept[why] += 1
        if error.problem is StorageProblem.UNREACHABLE:
            self._away[root] = why
