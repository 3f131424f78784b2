"""The Arr's paths as this machine sees them (design rule "path mapping")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from schemas.connection import PathMapping

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A folder on this machine; `mapped` says whether a mapping led to it."""

    path: str
    mapped: bool


def to_local(arr_path: str, mappings: Sequence[PathMapping]) -> LocalPath | None:
    """Give the folder here: by the longest mapping that fits, else the same path where it is a POSIX one.

    None where the path is not usable here: a Windows path without a mapping, a relative one, one with `..` or NUL.
    """
    source = _segments(arr_path)
    if source is None:
        return None
    fitting = [(prefix, mapping) for mapping in mappings if (prefix := _prefix(mapping, source)) is not None]
    if fitting:
        length, mapping = max(fitting, key=lambda pair: pair[0])
        return LocalPath(str(PurePosixPath(mapping.path_to, *source.parts[length:])), mapped=True)
    if source.windows:
        return None
    return LocalPath("/" + "/".join(source.parts), mapped=False)


def title_folder(local: LocalPath | None, root: LocalPath | None) -> str | None:
    """Give a title's folder, None for a library's root: everything in it would pass for this title's."""
    if local is None or local.path == "/" or (root is not None and local.path == root.path):
        return None
    return local.path


@dataclass(frozen=True, slots=True)
class _Source:
    parts: tuple[str, ...]
    windows: bool


def _segments(path: str) -> _Source | None:
    windows = bool(_DRIVE.match(path)) or path.startswith("\\\\")
    if "\x00" in path or not (windows or path.startswith("/")):
        return None
    parts = tuple(part for part in (re.split(r"[\\/]", path) if windows else path.split("/")) if part not in {"", "."})
    return None if ".." in parts else _Source(parts, windows)


def _prefix(mapping: PathMapping, source: _Source) -> int | None:
    """Give how many segments of the source the mapping covers, None where it does not fit."""
    wanted = _segments(mapping.path_from)
    if wanted is None or wanted.windows is not source.windows:
        return None
    length = len(wanted.parts)
    head = source.parts[:length]
    if wanted.windows:
        fits = [part.casefold() for part in head] == [part.casefold() for part in wanted.parts]
    else:
        fits = head == wanted.parts
    return length if fits else None
