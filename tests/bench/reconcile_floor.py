"""The least that a refresh could do, as a process of its own: read, decode, COPY and stat, nothing more.

`python -m tests.bench.reconcile_floor URL POSTGRES ROOT COUNT` prints the CPU seconds that Python took for it.
"""

from __future__ import annotations

import asyncio
import codecs
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.bench import big_library

_PIECE = 64 * 1024
_BATCH = 1000
_ADDED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_TABLE = "DROP TABLE IF EXISTS floor; CREATE TABLE floor (LIKE media INCLUDING DEFAULTS)"
_COLUMNS = (
    *("arr_id", "kind", "title", "original_title", "clean_title", "year", "language", "overview", "runtime", "studio"),
    *("imdb_id", "tmdb_id", "tvdb_id", "youtube_trailer_id", "title_slug", "poster_url", "fanart_url", "arr_path"),
    *("path_mapped", "folder_path", "root_path", "media_exists", "media_filename", "season_count", "tags", "genres"),
    *("arr_monitored", "arr_added_at", "monitor", "id", "connection_id", "wanted_rank", "disk_state"),
    *("trailer_exists", "status", "reason", "due_rank"),
)


def elements(url: str) -> Iterator[dict[str, Any]]:
    """Decode the list in chunks, with the standard library."""
    asked = http.client.HTTPConnection(urlsplit(url).netloc)
    asked.request("GET", "/api/v3/movie")
    answer, utf8, decoder = asked.getresponse(), codecs.getincrementaldecoder("utf-8")(), json.JSONDecoder()
    text = ""
    while piece := answer.read(_PIECE):
        text += utf8.decode(piece)
        at = 1  # behind the bracket or the comma
        while True:
            try:
                element, end = decoder.raw_decode(text, at)
            except json.JSONDecodeError:
                break
            yield element
            at = end + 1
        text = text[at - 1 :]
    asked.close()


def row(movie: dict[str, Any]) -> tuple[object, ...]:
    """Give what a title keeps of a movie."""
    poster, fanart = (image["remoteUrl"] for image in movie["images"])
    file = movie.get("movieFile", {}).get("relativePath")
    return (
        *(movie["id"], "movie", movie["title"], movie["originalTitle"], movie["cleanTitle"], movie["year"]),
        *(movie["originalLanguage"]["name"], movie["overview"], movie["runtime"], movie["studio"], movie["imdbId"]),
        *(movie["tmdbId"], None, movie["youTubeTrailerId"], movie["titleSlug"], poster, fanart, movie["path"], False),
        *(movie["path"], movie["rootFolderPath"], movie["hasFile"], file, None, movie["tags"], movie["genres"]),
        *(movie["monitored"], _ADDED, True),
        *(movie["id"], 1, 3, "ready", False, "monitored", "queued", 3),
    )


async def copy(url: str, postgres: str) -> None:
    """Put the rows that a first refresh makes into a table like theirs, without an index."""
    connection = await asyncpg.connect(postgres)
    await connection.execute(_TABLE)
    rows = map(row, elements(url))
    while batch := list(islice(rows, _BATCH)):
        await connection.copy_records_to_table("floor", columns=_COLUMNS, records=batch)
    await connection.close()


def stat(folders: list[str]) -> None:
    """Look whether each folder is there."""
    for folder in folders:
        try:
            os.stat(folder)  # noqa: PTH116 - pathlib's takes longer
        except FileNotFoundError:
            continue


def main() -> None:
    """Do all of it once."""
    url, postgres, root, count = sys.argv[1:]
    began = time.process_time()
    asyncio.run(copy(url, postgres))
    stat(big_library.folders(Path(root), int(count)))
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
