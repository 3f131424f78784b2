"""The media folders on disk, for the pipelines: every call runs in a thread, under a time limit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from app.context import OwnFile, PlacedFile, Removal
from app.domain.disk import DiskLook, DiskQuestion, FolderState, MarkedFolder, MarkedLook
from app.errors import StorageError
from app.files import placing, removing, renaming, work_dir
from app.files.looking import look, look_and_mark, look_for_media
from app.files.marks import TRUST_AFTER, MarkCheck, Roots
from app.files.placing import Manner
from app.files.problems import storage_error, storage_problem
from app.files.threads import DiskThreads
from schemas.base import StorageProblem

T = TypeVar("T")
DISK_LIMIT_SECONDS = 30.0
REMOVAL_LIMIT_SECONDS = 5.0  # a person waits for it


class DiskLibrary:
    """`Library` on real disks; what each method promises is said there. `close` when done.

    Without a `manner` new files get the mode that the process's umask leaves of 0666. A directory that changed less
    than `trust_after` seconds ago gets no mark.
    """

    def __init__(
        self, manner: Manner | None = None, limit: float = DISK_LIMIT_SECONDS, trust_after: float = TRUST_AFTER
    ) -> None:
        self._trust_after = trust_after
        self._manner = manner or Manner(usual_file_mode())
        self._threads = DiskThreads(limit)

    def close(self) -> None:
        """Take no more calls."""
        self._threads.close()

    async def check_trailer_exists(self, question: DiskQuestion) -> DiskLook:
        try:
            return await self._threads.run(Path(question.folder), lambda: look(question))
        except StorageError:
            return DiskLook(FolderState.UNREACHABLE)

    async def check_trailers(self, questions: Sequence[DiskQuestion]) -> Sequence[MarkedLook]:
        roots = Roots()

        def look_at(number: int) -> MarkedLook:
            return look_and_mark(questions[number], self._trust_after, roots)

        unreachable = MarkedLook(DiskLook(FolderState.UNREACHABLE))
        return await self._threads.run_each([question.folder for question in questions], look_at, unreachable)

    async def are_as_marked(self, folders: Sequence[MarkedFolder]) -> Sequence[bool]:
        check = MarkCheck()
        return await self._threads.run_each(
            [one.folder for one in folders], lambda number: check.holds(folders[number]), otherwise=False
        )

    async def make_work_dir(self, folder: Path, name: str) -> Path:
        try:
            return await self._run(folder, lambda: work_dir.make(folder, name))
        except asyncio.CancelledError:
            with suppress(StorageError):
                await self.remove_work_dir(folder, name)
            raise

    async def remove_work_dir(self, folder: Path, name: str) -> None:
        await self._run(folder, lambda: work_dir.remove(folder, name))

    async def describe(self, path: Path) -> PlacedFile | None:
        try:
            return await self._threads.run(path.parent, lambda: placing.describe(path))
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise storage_problem(StorageProblem.UNREACHABLE, path, detail) from error

    async def place(self, source: Path, folder: Path, rel_path: str) -> PlacedFile:
        return await self._run(folder, lambda: placing.place(source, folder, rel_path, self._manner))

    async def fit(self, folder: Path, rel_path: str) -> str:
        return await self._run(folder, lambda: placing.fit(folder, rel_path))

    async def rename_own(self, file: OwnFile, rel_path: str) -> bool:
        return await self._run(file.folder, lambda: renaming.rename(file, rel_path, self._manner))

    async def look_for_media(self, folder: Path) -> DiskLook:
        try:
            return await self._threads.run(folder, lambda: look_for_media(str(folder)))
        except StorageError:
            return DiskLook(FolderState.UNREACHABLE)

    async def remove_own(self, file: OwnFile) -> Removal:
        return await self._run(file.folder, lambda: removing.remove(file), REMOVAL_LIMIT_SECONDS)

    async def _run(self, folder: Path, work: Callable[[], T], limit: float | None = None) -> T:
        try:
            return await self._threads.run(folder, work, limit)
        except OSError as error:
            raise storage_error(error, folder) from error


def usual_file_mode() -> int:
    """Give the mode that new files have here."""
    return 0o666 & ~_umask()


def _umask() -> int:
    """Read this process's umask without changing it, which no thread could do safely."""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^Umask:\s*([0-7]+)$", status, re.MULTILINE):
            return int(found[1], 8)
    return 0o022
