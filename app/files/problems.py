"""What an error of the file system means: the kind of problem, and one sentence that says what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from app.errors import StorageError
from schemas.base import StorageProblem

_PROBLEMS = {
    errno.ENOSPC: StorageProblem.FULL,
    errno.EDQUOT: StorageProblem.FULL,
    errno.EACCES: StorageProblem.NOT_WRITABLE,
    errno.EPERM: StorageProblem.NOT_WRITABLE,
    errno.EROFS: StorageProblem.READ_ONLY,
    errno.ENAMETOOLONG: StorageProblem.NOT_WRITABLE,
    errno.ENOENT: StorageProblem.MISSING,
    errno.ENOTDIR: StorageProblem.MISSING,
    errno.EEXIST: StorageProblem.NAME_TAKEN,
    errno.ELOOP: StorageProblem.OUTSIDE,
}


def storage_error(error: OSError, path: Path) -> StorageError:
    """Give the StorageError for an OSError; what tells nothing about the file itself is UNREACHABLE."""
    problem = _PROBLEMS.get(error.errno or 0, StorageProblem.UNREACHABLE)
    return storage_problem(problem, path, os.strerror(error.errno) if error.errno else type(error).__name__)


def storage_problem(problem: StorageProblem, path: Path, detail: str = "no answer in time") -> StorageError:
    """Give the StorageError of a kind; `detail` is the system's own word where a disk cannot be reached."""
    shown = os.fspath(path).encode(errors="replace").decode()
    match problem:
        case StorageProblem.FULL:
            text = f"There is no space left for {shown}: free some, or raise the quota."
        case StorageProblem.NOT_WRITABLE:
            text = f"Trailhook may not write to {shown}: let user {os.geteuid()} write there ({detail})."
        case StorageProblem.READ_ONLY:
            text = f"{shown} is on a read-only file system: mount it writable."
        case StorageProblem.MISSING:
            text = f"{shown} is not there: check that the library is mounted here, or add a path mapping."
        case StorageProblem.NAME_TAKEN:
            text = f"{shown} exists already and is left as it is: remove or rename it."
        case StorageProblem.OUTSIDE:
            text = f"{shown} would lead out of the title's folder: replace the symbolic link or correct the name."
        case StorageProblem.UNREACHABLE:
            text = f"{shown} cannot be reached: check the disk or the network mount ({detail})."
    return StorageError(text, problem)
