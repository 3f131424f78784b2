"""Remove a file of ours while it is the one that was placed; no symbolic link below the folder is followed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import PurePosixPath

from app.context import OwnFile, Removal
from app.domain.naming import TRAILERS_DIR, is_plain_path
from app.files.paths import is_unchanged, opened, opened_below
from app.files.problems import storage_problem
from schemas.base import StorageProblem


def remove(file: OwnFile) -> Removal:
    """Remove the file, and a `Trailers` that is empty then. Raises OSError where the folder itself cannot be opened."""
    if not is_plain_path(file.rel_path):
        raise storage_problem(StorageProblem.OUTSIDE, file.folder / file.rel_path)
    target = PurePosixPath(file.rel_path)
    with opened(file.folder) as folder_fd:
        try:
            with opened_below(folder_fd, target.parent) as fd:
                found = os.stat(target.name, dir_fd=fd, follow_symlinks=False)
                if not is_unchanged(found, file):
                    return Removal.CHANGED
                os.unlink(target.name, dir_fd=fd)
        except FileNotFoundError:
            return Removal.GONE
        if str(target.parent) == TRAILERS_DIR:
            with suppress(OSError):  # it holds something else, and stays
                os.rmdir(TRAILERS_DIR, dir_fd=folder_fd)
    return Removal.REMOVED
