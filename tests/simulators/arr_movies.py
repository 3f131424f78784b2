"""Radarr's movies and what happens to them."""

from __future__ import annotations

from tests.simulators import arr_movie_events, arr_shapes
from tests.simulators.arr_library import BEFORE, BETTER, JSON, Events, Library


class Movies(Library):
    """Radarr's."""

    word = "movie"

    def compose(self, item_id: int, title: str, year: int, known: JSON) -> JSON:
        return arr_shapes.movie(item_id, title, year, self.called, known)

    def added(self, item: JSON) -> JSON:
        return arr_movie_events.added(item)

    def grab(self, item_id: int) -> Events:
        yield arr_movie_events.grabbed(self.items[item_id])

    def import_files(self, item_id: int, files: int = 1) -> Events:
        yield arr_movie_events.imported(self._place(item_id, BEFORE))

    def upgrade(self, item_id: int) -> Events:
        replaced = self.items[item_id]["movieFile"]
        yield from self.delete_file(item_id, "upgrade")
        yield arr_movie_events.imported(self._place(item_id, BETTER), replaced)

    def rename(self, item_id: int) -> Events:
        previous = self.items[item_id]["movieFile"]
        self._remove(previous["path"])
        quality = previous["quality"]["quality"]["name"]
        item = self._place(item_id, quality, previous["id"], f"{self._stem(item_id)} [{quality}].mkv")
        yield arr_movie_events.renamed(item, previous)

    def delete_file(self, item_id: int, reason: str) -> Events:
        file = self.items[item_id]["movieFile"]
        self._remove(file["path"])
        item = self.items[item_id] = arr_shapes.movie_with_file(self.items[item_id], None)
        yield arr_movie_events.file_deleted(item, file, reason)

    def delete(self, item_id: int, *, files: bool) -> Events:
        item = self.items.pop(item_id)
        yield arr_movie_events.deleted(item, files=files)
        if files:
            self._remove_folder(item)

    def stuck(self, item_id: int) -> Events:
        yield arr_movie_events.stuck(self.items[item_id])

    def test(self) -> JSON:
        return arr_movie_events.test()

    def _stem(self, item_id: int) -> str:
        item = self.items[item_id]
        return arr_shapes.folder_name(f"{item['title']} ({item['year'] or ''})")

    def _place(self, item_id: int, quality: str, file_id: int = 0, name: str = "") -> JSON:
        item = self.items[item_id]
        name = name or f"{self._stem(item_id)} {quality}.mkv"
        size = self._write(arr_shapes.join(item["path"], name))
        file = arr_shapes.movie_file(item, file_id or next(self._file_ids), name, quality, size)
        self.items[item_id] = arr_shapes.movie_with_file(item, file)
        return self.items[item_id]
