"""Remove a file of ours while it is the one that was placed; no symbolic link below the folder is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from app.context import OwnFile, Removal
from app.domain.naming import TRAILERS_DIR, is_plain_path
from app.files.problems import storage_problem
from schemas.base import StorageProblem

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def remove(file: OwnFile) -> Removal:
    """Remove the file, and a `Trailers` that is empty then. Raises OSError where the folder itself cannot be opened."""
    if not is_plain_path(file.rel_path):
        raise storage_problem(StorageProblem.OUTSIDE, file.folder / file.rel_path)
    target = PurePosixPath(file.rel_path)
    with _opened(file.folder, None) as folder_fd:
        try:
            with _opened_below(folder_fd, target.parent) as fd:
                found = os.stat(target.name, dir_fd=fd, follow_symlinks=False)
                if not _is_unchanged(found, file):
                    return Removal.CHANGED
                os.unlink(target.name, dir_fd=fd)
        except FileNotFoundError:
            return Removal.GONE
        if str(target.parent) == TRAILERS_DIR:
            with suppress(OSError):  # it holds something else, and stays
                os.rmdir(TRAILERS_DIR, dir_fd=folder_fd)
    return Removal.REMOVED


def _is_unchanged(found: os.stat_result, file: OwnFile) -> bool:
    return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (file.size, file.mtime_ns)


@contextmanager
def _opened_below(folder_fd: int, rel_dir: PurePosixPath) -> Iterator[int]:
    """Open a directory below the folder, step by step."""
    if not rel_dir.parts:
        yield folder_fd
        return
    first, *rest = rel_dir.parts
    with _opened(first, folder_fd) as fd, _opened_below(fd, PurePosixPath(*rest)) as below:
        yield below


@contextmanager
def _opened(path: str | Path, dir_fd: int | None) -> Iterator[int]:
    """Open a directory; the title's folder itself may be reached through a link, as the library is set up."""
    fd = os.open(path, _DIRECTORY | (0 if dir_fd is None else os.O_NOFOLLOW), dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)
