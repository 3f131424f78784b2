"""A library of many movies: their folders on disk, and the list that Radarr gives of them, composed movie by movie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.simulators import arr_shapes

WITHOUT_FILE = 10  # every tenth movie is only wanted and has no folder yet
WITH_TRAILER = 2  # every second of the others has its trailer
_WORDS = "A quiet story about people who look for something, lose it on the way, and find each other instead. "
_OTHER_TITLES = ("Élan", "Nächte", "Вечер", "夕方", "Sera", "Noite", "Kväll", "Ilta", "Esti", "Wieczór", "Večer")


def make_folders(root: Path, count: int) -> None:
    """Make what Radarr imported."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        if number % WITHOUT_FILE:
            folder = root / _folder(number)
            folder.mkdir(exist_ok=True)
            (folder / f"{_folder(number)} Bluray-1080p.mkv").touch()
            if number % WITH_TRAILER:
                (folder / f"{_folder(number)} Bluray-1080p-trailer.mp4").touch()


def folders(root: Path, count: int) -> list[str]:
    """Give the paths of all folders, those that are not there yet too."""
    return [f"{root}/{_folder(number)}" for number in range(1, count + 1)]


def list_in_pieces(root: Path, count: int) -> Iterator[bytes]:
    """Give the answer to GET /movie, one movie at a time."""
    for number in range(1, count + 1):
        yield (b"," if number > 1 else b"[") + json.dumps(movie(root, number), ensure_ascii=False).encode()
    yield b"]"


def movie(root: Path, number: int) -> dict[str, Any]:
    """Compose one movie of between 4 and 5 KB, always the same."""
    known = {"tmdb_id": number, "added": "2026-01-02T03:04:05Z", "youtube_trailer_id": f"v{number:010d}"}
    item = arr_shapes.movie(number, f"Movie {number:06d}", 2000 + number % 25, str(root), known)
    item["overview"] = _WORDS * 5
    item["keywords"] = ["based on novel or book", "friendship", "road trip", "small town", "coming of age"]
    item["alternateTitles"] = [
        {"sourceType": "tmdb", "movieMetadataId": number, "title": f"Film {number}: {name}", "id": 10 * number + at}
        for at, name in enumerate(_OTHER_TITLES)
    ]
    if not number % WITHOUT_FILE:
        return item
    name = f"{_folder(number)} Bluray-1080p.mkv"
    file = arr_shapes.movie_file(item, number, name, "Bluray-1080p", 8_000_000_000 + number)
    return arr_shapes.movie_with_file(item, {**file, "dateAdded": "2026-01-03T03:04:05Z"})


def _folder(number: int) -> str:
    return f"Movie {number:06d} ({2000 + number % 25})"
