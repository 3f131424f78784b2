"""Rename a file of ours while it is the one that was placed; no symbolic link is followed, nothing is replaced."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import PurePosixPath

from app.context import OwnFile
from app.domain.naming import TRAILERS_DIR, is_plain_path
from app.errors import StorageError
from app.files.paths import is_unchanged, opened, opened_below
from app.files.placing import Manner, Name, give_name, opened_to_place
from app.files.problems import storage_problem
from schemas.base import StorageProblem


def rename(file: OwnFile, rel_path: str, manner: Manner) -> bool:
    """Give it the name, and remove a `Trailers` that is empty then; False where it is not ours or the name is taken.

    Raises OSError, StorageError(OUTSIDE).
    """
    if not is_plain_path(rel_path) or not is_plain_path(file.rel_path):
        raise storage_problem(StorageProblem.OUTSIDE, file.folder / rel_path)
    source, target = PurePosixPath(file.rel_path), PurePosixPath(rel_path)
    with opened(file.folder) as folder_fd:
        try:
            with opened_below(folder_fd, source.parent) as source_fd:
                if not is_unchanged(os.stat(source.name, dir_fd=source_fd, follow_symlinks=False), file):
                    return False
                with opened_to_place(file.folder, folder_fd, target.parent, manner) as target_fd:
                    give_name(Name(source_fd, source.name), Name(target_fd, target.name), file.folder / rel_path)
        except FileNotFoundError:
            return False
        except StorageError as error:
            if error.problem is StorageProblem.NAME_TAKEN:
                return False
            raise
        if str(source.parent) == TRAILERS_DIR:
            with suppress(OSError):  # it holds something else, and stays
                os.rmdir(TRAILERS_DIR, dir_fd=folder_fd)
    return True
