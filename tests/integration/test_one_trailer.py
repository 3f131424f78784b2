"""One trailer, once: whoever wants it and however often; real yt-dlp, real disks, several workers at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.context import Deps, PlacedFile
from app.db.engine import Database
from app.domain.records import Rank
from app.embedded.ffmpeg import find_ffmpeg, link_directory
from app.files.library import DiskLibrary
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connection_manager import manager_of
from app.pipeline.connections import get_connection
from app.pipeline.housekeeping import recover_lost_attempts
from app.ytdlp.client import Tools, YtDlpVideos
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin

MOVIE = "Sintel (2010) Bluray-1080p.mkv"
TRAILER = "Sintel (2010) Bluray-1080p-trailer.mp4"
VIDEO = "vid00000007"
FOREIGN = b"a person's own"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VideoHost]:
    with VideoHost(find_ffmpeg(None), tmp_path_factory.mktemp("clips")) as host:
        yield host


@pytest.fixture
def fetching(bench: Bench, host: VideoHost, tmp_path: Path) -> Bench:
    """Give the bench with the real yt-dlp; the host forgets what it counted."""
    host.downloads.clear()
    host.add(VIDEO, "Sintel", kind="mp4")
    ffmpeg = find_ffmpeg(None)
    tools = Tools(ffmpeg=ffmpeg, ffmpeg_dir=link_directory(ffmpeg, tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(write_plugin(tmp_path / "plugin", host.url))}
    bench.deps = replace(bench.deps, videos=YtDlpVideos(tools, environment))
    return bench


@asynccontextmanager
async def workers(bench: Bench, url: SecretStr, number: int) -> AsyncIterator[list[Deps]]:
    """Give what so many workers use: each has database connections of its own."""
    databases = [Database(url) for _ in range(number)]
    yield [replace(bench.deps, db=database) for database in databases]
    for database in databases:
        await database.close()


async def work(deps: Deps, bench: Bench) -> None:
    """Acquire as a worker does, until every title is downloaded."""
    async with asyncio.timeout(30):
        while await bench.rows("SELECT 1 FROM media WHERE status <> 'downloaded'"):
            if await acquire(deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE:
                await asyncio.sleep(0.05)


async def imported(bench: Bench) -> Path:
    """Import Sintel and hear of it."""
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    await bench.sync(await bench.connect(FakeArr(items={7: item})), 7)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


async def test_everybody_wants_it_at_once(fetching: Bench, host: VideoHost, postgres_url: SecretStr) -> None:
    bench, item = fetching, movie_item(7, fetching.root)
    folder = put_movie_on_disk(item)
    host.add(VIDEO, "Sintel", kind="mp4", rate=1_000_000)
    connections = [await bench.connect(FakeArr(items={7: item}), name) for name in ("Radarr", "Radarr-4K")]
    for connection in connections:
        await bench.sync(connection, 7)
        await bench.event(connection, 7)
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")

    async def hear(deps: Deps, connection: int) -> None:
        await manager_of(await get_connection(deps, connection), deps).sync(7)

    async with workers(bench, postgres_url, 3) as all_deps:
        everything = [work(deps, bench) for deps in all_deps]
        everything += [hear(deps, connection) for deps in all_deps for connection in connections]
        await asyncio.gather(*everything, *(bench.refresh(connection) for connection in connections))
    assert host.downloads[VIDEO] == 1
    assert names(folder) == {MOVIE, TRAILER}
    assert await bench.rows("SELECT count(*) FROM trailer") == [(1,)]
    assert await bench.rows("SELECT count(*), count(DISTINCT connection_id) FROM media") == [(2, 2)]
    assert await bench.rows("SELECT outcome FROM attempt WHERE outcome NOT IN ('placed', 'found')") == []


async def test_titles_in_one_folder_get_each_their_own(
    fetching: Bench, host: VideoHost, postgres_url: SecretStr
) -> None:
    bench = fetching
    titles = {7: "Sintel", 8: "Spring", 9: "Charge"}
    items = {
        number: movie_item(number, bench.root, title, path=f"{bench.root}/flat") for number, title in titles.items()
    }
    for number, item in items.items():
        folder = put_movie_on_disk(item)
        host.add(f"vid{number:08d}", titles[number], kind="mp4", rate=1_000_000)
    await bench.refresh(await bench.connect(FakeArr(items=items)))
    async with workers(bench, postgres_url, 3) as all_deps:
        await asyncio.gather(*(work(deps, bench) for deps in all_deps))
    assert {name for name in names(folder) if "trailer" in name} == {
        f"{title} (2010) Bluray-1080p-trailer.mp4" for title in titles.values()
    }
    assert len(names(folder)) == 6
    assert dict(host.downloads) == {f"vid{number:08d}": 1 for number in titles}
    assert sorted(await bench.rows("SELECT m.title, t.video_id FROM trailer t JOIN media m ON m.id = t.media_id")) == [
        ("Charge", "vid00000009"),
        ("Sintel", "vid00000007"),
        ("Spring", "vid00000008"),
    ]


async def test_a_file_that_comes_during_the_download_stays(fetching: Bench, host: VideoHost) -> None:
    bench, folder = fetching, await imported(fetching)
    host.add(VIDEO, "Sintel", kind="mp4", rate=1_000_000)
    running = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: host.under_way[VIDEO] > 0)
    (folder / TRAILER).write_bytes(FOREIGN)
    assert await running is AcquireOutcome.FOUND
    await expect_the_foreign(bench, folder)


async def test_a_file_that_comes_at_the_last_moment_stays(fetching: Bench) -> None:
    bench, folder = fetching, await imported(fetching)

    class Overtaken(DiskLibrary):
        async def place(self, source: Path, folder: Path, rel_path: str) -> PlacedFile:
            (folder / rel_path).write_bytes(FOREIGN)
            return await super().place(source, folder, rel_path)

    library = Overtaken(None)
    assert await acquire(replace(bench.deps, library=library), Rank.BACKFILL) is AcquireOutcome.FOUND
    library.close()
    await expect_the_foreign(bench, folder)


async def test_a_file_that_came_after_a_crash_is_not_taken_for_ours(fetching: Bench) -> None:
    bench, folder = fetching, await imported(fetching)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    (folder / TRAILER).write_bytes(FOREIGN)
    await bench.rows("DELETE FROM trailer RETURNING 1")
    await bench.rows("UPDATE media SET trailer_exists = false, status = 'downloading' RETURNING 1")
    await bench.rows("UPDATE attempt SET finished_at = NULL, lease_until = now() - interval '1 s' RETURNING 1")
    await recover_lost_attempts(bench.deps)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FOUND
    await expect_the_foreign(bench, folder)


async def expect_the_foreign(bench: Bench, folder: Path) -> None:
    """Check that the foreign file is there untouched, that it counts, and that none is on record as ours."""
    assert names(folder) == {MOVIE, TRAILER}
    assert (folder / TRAILER).read_bytes() == FOREIGN
    assert await bench.rows("SELECT rel_path FROM trailer") == []
    assert await bench.rows("SELECT status FROM media") == [("downloaded",)]
