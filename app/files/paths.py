"""Open directories step by step, so that no symbolic link below a title's folder leads anywhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from app.context import OwnFile

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def is_unchanged(found: os.stat_result, file: OwnFile) -> bool:
    """Say whether a file is the one that we placed."""
    return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (file.size, file.mtime_ns)


@contextmanager
def opened_below(folder_fd: int, rel_dir: PurePosixPath) -> Iterator[int]:
    """Open a directory below the folder, step by step."""
    if not rel_dir.parts:
        yield folder_fd
        return
    first, *rest = rel_dir.parts
    with opened(first, folder_fd) as fd, opened_below(fd, PurePosixPath(*rest)) as below:
        yield below


@contextmanager
def opened(path: str | Path, dir_fd: int | None = None) -> Iterator[int]:
    """Open a directory; the title's folder itself may be reached through a link, as the library is set up."""
    fd = os.open(path, _DIRECTORY | (0 if dir_fd is None else os.O_NOFOLLOW), dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)
