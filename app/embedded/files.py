"""Files and directories that we share with an embedded server: private, never loosened, never through a link.

What root makes gets the owner of the directory that it is in, so that a person who once used sudo is not locked out.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import NamedTuple

_LOG_LIMIT = 4 * 1024 * 1024  # bytes, then the log starts anew beside the former one


class Owner(NamedTuple):
    """Who gets what we make."""

    uid: int
    gid: int


def make_directory(path: Path, mode: int, owner: Owner | None = None) -> None:
    """Make a directory with exactly this mode; one that exists stays as it is."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        os.chown(path, *(owner or _owner_of(path.parent)))
    path.chmod(mode)


def write_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file by one step, and have it on disk when this returns."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = _create(temporary, os.O_WRONLY | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_secret(path: Path) -> None:
    """Write a new password there, unless there is one: 192 bits in characters that no URL or file format escapes."""
    if not path.exists():
        write_file(path, secrets.token_urlsafe(24))


def open_log(path: Path) -> int:
    """Open a log for appending; the caller closes the descriptor."""
    return _create(path, os.O_WRONLY | os.O_APPEND)


def rotate_log(path: Path) -> None:
    """Put a log that has grown large aside, over the one before it."""
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.1"))


def lock_file(path: Path) -> int | None:
    """Take an exclusive flock; give the descriptor that holds it, or None where another process has it.

    The lock lasts until the last copy of the descriptor is closed, a child's included.
    """
    descriptor = _create(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def sync_directory(path: Path) -> None:
    """Have the names in a directory on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        os.fchown(descriptor, *_owner_of(path.parent))
    return descriptor


def _owner_of(directory: Path) -> Owner:
    status = directory.stat()
    return Owner(status.st_uid, status.st_gid)
