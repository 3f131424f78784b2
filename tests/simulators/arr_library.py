"""The items of a simulated app and their files on disk; each verb yields the events at their right moments."""

from __future__ import annotations

import itertools
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
Events = Iterator[JSON]
_MEDIA = b"a small media file"
BEFORE, BETTER = "Bluray-1080p", "Bluray-2160p"  # an upgrade goes from the one to the other


class Library(ABC):
    """`root` is the root folder on this disk, `called` its name in the app's eyes."""

    word: str
    """The key of the item in webhooks, and its resource below /api/v3."""

    def __init__(self, root: Path, called: str = "") -> None:
        self.root = root
        self.called = called or str(root)
        self.items: dict[int, JSON] = {}
        self._ids = itertools.count(1)
        self._file_ids = itertools.count(501)

    def on_disk(self, path: str) -> Path:
        """Give where a path of the app's lies here; raises ValueError outside of the root folder's surroundings."""
        below = path.removeprefix(self.called)
        inside = below != path and (not below or below[0] in "/\\" or self.called[-1] in "/\\")
        here = self.root.joinpath(*filter(None, re.split(r"[\\/]", below))) if inside else Path(path)
        if not here.is_relative_to(self.root.parent):
            message = f"{path} lies outside of {self.called} and cannot be written to here"
            raise ValueError(message)
        return here

    def _write(self, path: str) -> int:
        """Put a media file there; gives its size."""
        here = self.on_disk(path)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_bytes(_MEDIA)
        return len(_MEDIA)

    def _remove(self, path: str) -> None:
        self.on_disk(path).unlink(missing_ok=True)

    def _remove_folder(self, item: JSON) -> None:
        shutil.rmtree(self.on_disk(item["path"]), ignore_errors=True)

    @abstractmethod
    def compose(self, item_id: int, title: str, year: int, known: JSON) -> JSON:
        """Give a new item's resource."""

    @abstractmethod
    def added(self, item: JSON) -> JSON:
        """Give the event of a new item."""

    def add(self, title: str, year: int, known: JSON) -> tuple[int, Events]:
        """Insert an item; gives its id and the event of it."""
        item_id = next(self._ids)
        item = self.items[item_id] = self.compose(item_id, title, year, known)
        return item_id, iter([self.added(item)])

    @abstractmethod
    def grab(self, item_id: int) -> Events:
        """Hand a release to the download client."""

    @abstractmethod
    def import_files(self, item_id: int, files: int) -> Events:
        """Import a finished download: the file of a movie, the first episodes of a series."""

    @abstractmethod
    def upgrade(self, item_id: int) -> Events:
        """Replace the (first) file by a better one: the old is gone before the new is there."""

    @abstractmethod
    def rename(self, item_id: int) -> Events:
        """Rename all files, as Organize does."""

    @abstractmethod
    def delete_file(self, item_id: int, reason: str) -> Events:
        """Delete the (first) file; the event follows."""

    @abstractmethod
    def delete(self, item_id: int, *, files: bool) -> Events:
        """Remove the item: its row is gone before the event, its folder goes after it."""

    @abstractmethod
    def stuck(self, item_id: int) -> Events:
        """Tell of a finished download that needs a person."""

    @abstractmethod
    def test(self) -> JSON:
        """Give the body of a Test."""
