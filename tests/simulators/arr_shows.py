"""Sonarr's series, of one season each, and what happens to them."""

from __future__ import annotations

from pathlib import Path

from tests.simulators import arr_series_events, arr_shapes
from tests.simulators.arr_library import BEFORE, BETTER, JSON, Events, Library


class Shows(Library):
    """Sonarr's; a series has one season."""

    word = "series"

    def __init__(self, root: Path, called: str = "") -> None:
        super().__init__(root, called)
        self._files: dict[int, dict[int, JSON]] = {}

    def compose(self, item_id: int, title: str, year: int, known: JSON) -> JSON:
        self._files[item_id] = {}
        return arr_shapes.series(item_id, title, year, self.called, known)

    def added(self, item: JSON) -> JSON:
        return arr_series_events.added(item)

    def grab(self, item_id: int) -> Events:
        yield arr_series_events.grabbed(self.items[item_id], range(1, arr_shapes.EPISODES + 1))

    def import_files(self, item_id: int, files: int = 1) -> Events:
        """Import a season pack: one event per file, then import-complete."""
        for number in range(1, files + 1):
            file = self._place(item_id, number, BEFORE)
            yield arr_series_events.imported(self.items[item_id], number, file)
        whole = {number: self._files[item_id][number] for number in range(1, files + 1)}
        yield arr_series_events.import_complete(self.items[item_id], whole)

    def upgrade(self, item_id: int) -> Events:
        replaced = self._files[item_id][1]
        yield from self.delete_file(item_id, "upgrade")
        file = self._place(item_id, 1, BETTER)
        yield arr_series_events.imported(self.items[item_id], 1, file, replaced)
        yield arr_series_events.import_complete(self.items[item_id], {1: file})

    def rename(self, item_id: int) -> Events:
        previous = dict(self._files[item_id])
        for number, file in previous.items():
            self._remove(file["path"])
            name = f"S01E{number:02} [{file['quality']}].mkv"
            self._place(item_id, number, file["quality"], file["id"], name)
        yield arr_series_events.renamed(self.items[item_id], previous, self._files[item_id])

    def delete_file(self, item_id: int, reason: str) -> Events:
        number = min(self._files[item_id])
        file = self._files[item_id].pop(number)
        self._remove(file["path"])
        yield arr_series_events.file_deleted(self._counted(item_id), number, file, reason)

    def delete(self, item_id: int, *, files: bool) -> Events:
        item = self.items.pop(item_id)
        yield arr_series_events.deleted(item, files=files)
        if files:
            self._remove_folder(item)

    def stuck(self, item_id: int) -> Events:
        yield arr_series_events.stuck(self.items[item_id])

    def test(self) -> JSON:
        return arr_series_events.test()

    def _counted(self, item_id: int) -> JSON:
        self.items[item_id] = arr_shapes.series_with_files(self.items[item_id], len(self._files[item_id]))
        return self.items[item_id]

    def _place(self, item_id: int, number: int, quality: str, file_id: int = 0, name: str = "") -> JSON:
        item = self.items[item_id]
        name = name or f"{arr_shapes.folder_name(item['title'])} - S01E{number:02} {quality}.mkv"
        path = arr_shapes.join(item["path"], "Season 01", name)
        size = self._write(path)
        relative = path.removeprefix(arr_shapes.join(item["path"], ""))
        file = arr_series_events.episode_file(item, file_id or next(self._file_ids), relative, quality, size)
        self._files[item_id][number] = file
        self._counted(item_id)
        return file
