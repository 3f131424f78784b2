"""Give a finished file its final name in one step, and never replace anything.

A hard link does that everywhere it exists; else a rename that refuses to replace; else, as the last resort on file
systems that know neither, a look and a rename. All paths are opened step by step without following symbolic links, so
nobody who may write to the library can lead a file out of the title's folder.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.context import PlacedFile
from app.domain.naming import TRAILERS_DIR, is_plain_path, is_trailers_dir
from app.files.problems import storage_problem
from schemas.base import StorageProblem

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)
_NO_SUCH_RENAME = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_SUCH_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_RENAME_NOREPLACE = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A name in an open directory."""

    dir_fd: int
    name: str


@dataclass(frozen=True, slots=True)
class Manner:
    """Whose a placed file is and who may read it.

    `dir_mode` None: a new directory's is its folder's. Owner and group None: the folder's; only root can give files
    away.
    """

    file_mode: int = 0o644
    dir_mode: int | None = None
    owner: int | None = None
    group: int | None = None


def fit(folder: Path, rel_path: str) -> str:
    """Give the path with the name that a directory `Trailers` has there already, whatever its case."""
    directory, _, name = rel_path.partition("/")
    if directory != TRAILERS_DIR or not name:
        return rel_path
    with os.scandir(folder) as found:
        there = [entry.name for entry in found if is_trailers_dir(entry.name) and entry.is_dir()]
    return rel_path if TRAILERS_DIR in there or not there else f"{min(there)}/{name}"


def place(source: Path, folder: Path, rel_path: str, manner: Manner) -> PlacedFile:
    """Move the source to `folder/rel_path`, safe on disk, in this manner."""
    if not is_plain_path(rel_path):
        raise storage_problem(StorageProblem.OUTSIDE, folder / rel_path)
    target = PurePosixPath(rel_path)
    with _opened(folder) as folder_fd, _opened(source.parent) as source_fd:
        made = Name(source_fd, source.name)
        with opened_to_place(folder, folder_fd, target.parent, manner) as target_fd:
            file = _prepare(made, os.fstat(folder_fd), manner)
            give_name(made, Name(target_fd, target.name), folder / rel_path)
            _sync_directory(target_fd)
    return PlacedFile(folder / rel_path, file.st_size, file.st_mtime_ns)


def describe(path: Path) -> PlacedFile | None:
    """Give size and time of a regular file, None where there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return PlacedFile(path, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def link_new(source: Name, target: Name) -> None:
    """Add the name and take away the old one; raises FileExistsError, or OSError where links are not supported."""
    os.link(source.name, target.name, src_dir_fd=source.dir_fd, dst_dir_fd=target.dir_fd, follow_symlinks=False)
    with suppress(OSError):  # the trailer is in place; the work directory with the old name is removed later
        os.unlink(source.name, dir_fd=source.dir_fd)


def rename_new(source: Name, target: Name) -> None:
    """Rename by renameat2(RENAME_NOREPLACE); raises FileExistsError, or OSError where it is not supported."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = (source.dir_fd, os.fsencode(source.name), target.dir_fd, os.fsencode(target.name))
    if libc.renameat2(*names, _RENAME_NOREPLACE) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def look_and_rename(source: Name, target: Name) -> None:
    """Rename where nothing is seen under the new name; between look and rename somebody else's file could come."""
    try:
        os.stat(target.name, dir_fd=target.dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source.name, target.name, src_dir_fd=source.dir_fd, dst_dir_fd=target.dir_fd)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def give_name(source: Name, target: Name, path: Path) -> None:
    """Rename in one step. Raises StorageError(NAME_TAKEN), and replaces nothing."""
    try:
        _by_the_best_way(source, target)
    except FileExistsError:
        raise storage_problem(StorageProblem.NAME_TAKEN, path) from None


def _by_the_best_way(source: Name, target: Name) -> None:
    try:
        link_new(source, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
    else:
        return
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno not in _NO_SUCH_RENAME:
            raise
        look_and_rename(source, target)


@contextmanager
def _opened(path: str | Path, *, dir_fd: int | None = None, flags: int = _DIRECTORY) -> Iterator[int]:
    fd = os.open(path, flags, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def opened_to_place(folder: Path, folder_fd: int, rel_dir: PurePosixPath, manner: Manner) -> Iterator[int]:
    """Open a directory below the folder, step by step; only a missing `Trailers` is made."""
    if str(rel_dir) == TRAILERS_DIR:
        _make_trailers_dir(folder_fd, manner)
    fd = os.dup(folder_fd)
    try:
        walked = folder
        for part in rel_dir.parts:
            walked /= part
            parent_fd, fd = fd, _step_into(fd, part, walked)
            os.close(parent_fd)
        yield fd
    finally:
        os.close(fd)


def _step_into(parent_fd: int, name: str, path: Path) -> int:
    try:
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent_fd)
    except NotADirectoryError:
        found = os.stat(name, dir_fd=parent_fd, follow_symlinks=False)
        is_link = stat.S_ISLNK(found.st_mode)
        problem = StorageProblem.OUTSIDE if is_link else StorageProblem.NAME_TAKEN
        raise storage_problem(problem, path) from None


def _make_trailers_dir(folder_fd: int, manner: Manner) -> None:
    """Make it like the folder it is in unless told, so that whoever may write there may write here."""
    try:
        os.mkdir(TRAILERS_DIR, 0o700, dir_fd=folder_fd)
    except FileExistsError:
        return
    folder = os.fstat(folder_fd)
    with _opened(TRAILERS_DIR, dir_fd=folder_fd, flags=_DIRECTORY | os.O_NOFOLLOW) as fd:
        _give_away(fd, folder, manner)
        mode = stat.S_IMODE(folder.st_mode) if manner.dir_mode is None else manner.dir_mode
        with suppress(PermissionError, NotImplementedError):  # mounts without modes of their own refuse
            os.fchmod(fd, mode | 0o700)


def _prepare(source: Name, folder: os.stat_result, manner: Manner) -> os.stat_result:
    """Set owner and mode and bring the file to disk, before it has its name."""
    with _opened(source.name, dir_fd=source.dir_fd, flags=os.O_RDONLY | os.O_NOFOLLOW) as fd:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        _give_away(fd, folder, manner)
        with suppress(PermissionError):  # mounts without modes of their own refuse
            os.fchmod(fd, manner.file_mode)
        _sync(fd)
        return os.fstat(fd)


def _give_away(fd: int, folder: os.stat_result, manner: Manner) -> None:
    """As root give the file to whom it shall belong, so that the user of a NAS can remove it; else a group at most."""
    owner = folder.st_uid if manner.owner is None else manner.owner
    group = folder.st_gid if manner.group is None else manner.group
    with suppress(OSError):  # a mount may squash root or have no owners; the file is usable all the same
        os.fchown(fd, owner if os.geteuid() == 0 else -1, group)


def _sync(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_SUCH_SYNC:
            raise


def _sync_directory(fd: int) -> None:
    """Make the name last; the file has it already, so a failure here must not be told as one of placing."""
    with suppress(OSError):
        os.fsync(fd)
