"""Marks of directories: while the times of all that were listed are the same, so is what they hold.

A mark is one line for each directory: its two times in ns, and its path below the title's folder.
"""

from __future__ import annotations

import os
import time

from app.domain.disk import FolderState, MarkedFolder

# s; some file systems count in steps of two seconds, so that a change in the same step as the look would not show.
TRUST_AFTER = 2.0
_ABSENT = "absent"


class Marker:
    """Takes the times of directories before they are listed; `spoil` where times would not tell of every change."""

    def __init__(self, trust_after: float) -> None:
        self._not_after = time.time_ns() - int(trust_after * 1e9)
        self._lines: list[str] | None = []

    def take(self, path: str, rel_dir: str) -> None:
        """Note a directory's times. Raises OSError as `stat` does."""
        found = os.stat(path)  # noqa: PTH116 - pathlib's takes longer, and there are many
        times = found.st_mtime_ns, found.st_ctime_ns
        if self._lines is not None and max(times) <= self._not_after and _is_storable(rel_dir):
            self._lines.append(_line(times, rel_dir))
        else:
            self._lines = None

    def spoil(self) -> None:
        """Give no mark."""
        self._lines = None

    def mark(self) -> str | None:
        """Give the mark of all that was taken."""
        return "\n".join(self._lines) if self._lines else None


def mark_of_absence(state: FolderState) -> str | None:
    """Give the mark of a folder that is not there."""
    return _ABSENT if state is FolderState.ABSENT else None


class Roots:
    """Looks at each root once, for many folders that are looked at together."""

    def __init__(self) -> None:
        self._states: dict[str, FolderState] = {}

    def state_without_folder(self, root: str) -> FolderState:
        """Tell a folder that is missing from a mount that is away, which shows as a missing or an empty root."""
        if root not in self._states:
            self._states[root] = _state_without_folder(root)
        return self._states[root]


class MarkCheck:
    """Compares folders with their marks."""

    def __init__(self) -> None:
        self._roots = Roots()

    def holds(self, marked: MarkedFolder) -> bool:
        """Say whether nothing has changed; an error is a change."""
        try:
            if marked.mark == _ABSENT:
                return self._is_absent(marked)
            return all(_is_same(marked.folder, line) for line in marked.mark.split("\n"))
        except (OSError, ValueError):
            return False

    def _is_absent(self, marked: MarkedFolder) -> bool:
        try:
            os.stat(marked.folder)  # noqa: PTH116 - as above
        except (FileNotFoundError, NotADirectoryError):
            return self._roots.state_without_folder(marked.root) is FolderState.ABSENT
        return False


def _state_without_folder(root: str) -> FolderState:
    try:
        with os.scandir(root) as found:
            return FolderState.ABSENT if any(is_shown(entry.name) for entry in found) else FolderState.ROOT_EMPTY
    except (FileNotFoundError, NotADirectoryError):
        return FolderState.ROOT_ABSENT


def is_shown(name: str) -> bool:
    """Leave out what an empty file system has too, and what people do not see."""
    return not name.startswith(".") and name != "lost+found"


def _is_same(folder: str, line: str) -> bool:
    times, _, rel_dir = line.partition(" ")
    found = os.stat(f"{folder}/{rel_dir}" if rel_dir else folder)  # noqa: PTH116 - as above
    return times == f"{found.st_mtime_ns}.{found.st_ctime_ns}"


def _line(times: tuple[int, int], rel_dir: str) -> str:
    return f"{times[0]}.{times[1]} {rel_dir}" if rel_dir else f"{times[0]}.{times[1]}"


def _is_storable(rel_dir: str) -> bool:
    """Refuse the few names that a line of text in the database cannot hold."""
    return "\n" not in rel_dir and rel_dir.isprintable()
