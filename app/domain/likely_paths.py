"""Where a folder of the Arr probably is on this machine: guesses for a person to confirm, never acted on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from schemas.connection import PathMapping

MOUNT_POINTS = ("/", "/data", "/media", "/mnt", "/srv", "/volume1", "/library")
_SYSTEM = frozenset(
    {
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr",
        "var",
    }
)
MOST_GUESSES = 40


def likely_folders(arr_root: str, mappings: Sequence[PathMapping], known_roots: Iterable[str]) -> tuple[str, ...]:
    """Give folders of this machine that may be the Arr's root, the likeliest first; most of them will not exist.

    `known_roots` are root folders of other connections as this machine sees them. A folder beside or equal to one that
    is in use goes before one that merely has the same name below a usual mount point.
    """
    names = _names(arr_root)
    in_use = [PurePosixPath(path) for path in (*(one.path_to for one in mappings), *known_roots)]
    same = (str(folder) for folder in in_use if names and folder.name.casefold() == names[-1].casefold())
    guesses = (*same, *_beside(in_use, names), *_mounted(names))
    taken = {arr_root.rstrip("/"), *MOUNT_POINTS}
    return tuple(path for path in dict.fromkeys(guesses) if path not in taken)[:MOST_GUESSES]


def likely_folder(guesses: Sequence[str], existing: Collection[str]) -> str | None:
    """Give the likeliest of the folders that exist here, None where none does."""
    return next((path for path in guesses if path in existing), None)


def missing_root(arr_root: str, likely: str | None) -> str:
    """Say that an Arr's root folder is not here, with the option that maps it."""
    if likely is None:
        return f"{arr_root} does not exist here; say where it is with {map_option(arr_root, '/path/here')}."
    return f"{arr_root} does not exist here; maybe it is {likely}: then use {map_option(arr_root, likely)}."


def map_option(path_from: str, path_to: str) -> str:
    """Write the option of `trailhook connect` as a shell takes it."""
    text = f"{path_from}={path_to}"
    quoted = shlex.quote(text)
    return "--map " + (f"'{text}'" if quoted == text else quoted)


def _names(arr_root: str) -> list[str]:
    """Give the last two names of a path of any host; a Windows drive is none."""
    windows = re.match(r"[A-Za-z]:[\\/]|\\\\", arr_root)
    names = [name for name in re.split(r"[\\/]" if windows else "/", arr_root) if name]
    names = [name for name in names if name not in {".", ".."} and "\x00" not in name]
    return [name for name in names if not re.fullmatch(r"[A-Za-z]:", name)][-2:]


def _beside(in_use: Iterable[PurePosixPath], names: Sequence[str]) -> Iterator[str]:
    for folder in in_use:
        for name in _spellings(names[-1]) if names else ():
            yield str(folder.parent / name)


def _mounted(names: Sequence[str]) -> Iterator[str]:
    """Give the last two names below each mount point, then the last alone."""
    for tail in dict.fromkeys(("/".join(names), *names[-1:])):
        for spelling in _spellings(tail) if tail else ():
            below = (PurePosixPath(base, spelling) for base in MOUNT_POINTS)
            yield from (str(folder) for folder in below if folder.parts[1] not in _SYSTEM)


def _spellings(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, name.lower())))
