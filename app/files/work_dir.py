"""The hidden work directory in a title's folder: made, emptied and removed without ever following a symbolic link."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

from app.domain.naming import WORK_DIR_PREFIX
from app.files.problems import storage_problem
from schemas.base import StorageProblem

_REMOVAL_TRIES = 3


def make(folder: Path, name: str) -> Path:
    """Make `name` in an existing folder, for its owner alone; one left from before is emptied."""
    _check_name(folder, name)
    folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _is_directory(folder_fd, name):
            _remove_tree(folder_fd, name)
        os.mkdir(name, 0o700, dir_fd=folder_fd)
    except FileExistsError:
        raise storage_problem(StorageProblem.NAME_TAKEN, folder / name) from None
    finally:
        os.close(folder_fd)
    return folder / name


def remove(folder: Path, name: str) -> None:
    """Remove the directory with all that is in it; what is no directory was not made here and stays."""
    _check_name(folder, name)
    try:
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        if _is_directory(folder_fd, name):
            _remove_tree(folder_fd, name)
    finally:
        os.close(folder_fd)


def _check_name(folder: Path, name: str) -> None:
    own = name.removeprefix(WORK_DIR_PREFIX)
    if own == name or not own.replace("-", "").isalnum():
        raise storage_problem(StorageProblem.OUTSIDE, folder / name)


def _is_directory(folder_fd: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _remove_tree(folder_fd: int, name: str) -> None:
    """Remove a tree to which a process that is just ending may still add a file."""
    for last in (number == _REMOVAL_TRIES for number in range(1, _REMOVAL_TRIES + 1)):
        try:
            shutil.rmtree(name, dir_fd=folder_fd)
        except FileNotFoundError:
            if not _is_directory(folder_fd, name):
                return
        except OSError as error:
            if last or error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
