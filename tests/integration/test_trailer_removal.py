"""A deleted connection's trailers: they stay unless a person wants otherwise, and only what is ours goes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.context import OwnFile, Removal
from app.db import media, removals, trailers
from app.domain.videos import TrailerFile
from app.errors import StorageError
from app.files.library import DiskLibrary
from app.pipeline import removal, trailer_removal
from app.pipeline.trailer_removal import remove_trailers
from schemas.base import CandidateSource, StorageProblem
from tests.fakes import FakeArr, movie_item, put_movie_on_disk, put_series_on_disk, series_item
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from tests.integration.test_removal import rest_over

OPEN_TRANSACTIONS = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in tr%' AND pid <> pg_backend_pid()"


class Watched(DiskLibrary):
    """The real disk, but nothing below `away` answers; with `alone` no transaction may be open meanwhile."""

    def __init__(self, bench: Bench, away: Path | None = None) -> None:
        super().__init__(None)
        self.asked: list[Path] = []
        self.away = away
        self.alone = False
        self._bench = bench

    async def remove_own(self, file: OwnFile) -> Removal:
        self.asked.append(file.folder)
        if self.alone:
            assert await self._bench.rows(OPEN_TRANSACTIONS) == [(0,)]
        if self.away is not None and file.folder.is_relative_to(self.away):
            message = "it hangs"
            raise StorageError(message, StorageProblem.UNREACHABLE)
        return await super().remove_own(file)


@pytest.fixture
async def library(bench: Bench) -> AsyncIterator[Watched]:
    watched = Watched(bench)
    bench.deps = replace(bench.deps, library=watched)
    yield watched
    watched.close()


@pytest.fixture
async def client(bench: Bench, library: Watched) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def connect(bench: Bench, name: str, items: list[dict[str, Any]], app: str = "Radarr") -> int:
    connection = await bench.connect(FakeArr(app_name=app, items={item["id"]: item for item in items}), name)
    await bench.refresh(connection)
    return connection


def written(path: Path) -> os.stat_result:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"trailer")
    return path.stat()


async def placed(bench: Bench, connection_id: int, arr_id: int, rel_path: str = "x-trailer.mp4") -> Path:
    """Put a trailer into a title's folder and record it as ours."""
    query = f"SELECT id, folder_path FROM media WHERE connection_id = {connection_id} AND arr_id = {arr_id}"
    ((media_id, folder),) = await bench.rows(query)
    path = Path(folder, rel_path)
    found = written(path)
    file = TrailerFile(
        rel_path, CandidateSource.ARR, "v", 60, 1280, 720, "h264", "aac", found.st_size, found.st_mtime_ns
    )
    async with bench.deps.db.transaction() as tx:
        await trailers.record(tx, await media.get(tx, media_id), folder, file)
    return path


async def recorded(bench: Bench) -> set[Path]:
    return {Path(*row) for row in await bench.rows("SELECT folder_path, rel_path FROM trailer")}


def movies(bench: Bench, *numbers: int, root: str = "") -> list[dict[str, Any]]:
    items = [movie_item(number, bench.root / root, f"Film {number}") for number in numbers]
    for item in items:
        put_movie_on_disk(item)
    return items


async def test_only_what_is_ours_and_unchanged_goes(bench: Bench, library: Watched, client: httpx.AsyncClient) -> None:
    library.alone = True
    items = movies(bench, 1, 2, 3, 4)
    doomed, _ = await connect(bench, "HD", items), await connect(bench, "4K", items[3:])
    plain, changed, touched, shared = [await placed(bench, doomed, number) for number in (1, 2, 3, 4)]
    changed.write_bytes(b"better")
    touched.touch()
    foreign = plain.with_name("mine-trailer.mp4")
    foreign.write_bytes(b"trailer")
    answer = (await client.delete(f"/api/v1/connections/{doomed}?trailers=remove")).json()
    assert answer["trailers"] == {"removed": 1, "kept": 3, "remaining": 0}
    for words in ("1 trailer was removed", "2 changed since", "1 in a folder that another connection has too"):
        assert words in answer["message"]
    assert [path.exists() for path in (plain, changed, touched, shared, foreign)] == [False, True, True, True, True]
    assert await recorded(bench) == {changed, touched, shared}
    await rest_over(bench)
    await removal.empty_deleted(bench.deps)
    assert await recorded(bench) == {changed, touched, shared}
    assert await bench.rows("SELECT name FROM connection") == [("4K",)]


async def test_a_folder_of_trailers_goes_with_the_last_of_ours(bench: Bench, library: Watched) -> None:
    items = [series_item(number, bench.root, f"Show {number}") for number in (1, 2)]
    for item in items:
        put_series_on_disk(item)
    shows = await connect(bench, "Sonarr", items, "Sonarr")
    alone, beside = [await placed(bench, shows, number, "Trailers/x-trailer.mp4") for number in (1, 2)]
    (beside.parent / "mine.mp4").write_bytes(b"mine")
    assert (await remove_trailers(bench.deps, shows)).removed == 2
    assert (alone.parent.exists(), [path.name for path in beside.parent.iterdir()]) == (False, ["mine.mp4"])
    assert alone.parent.parent.is_dir()


async def test_a_link_is_not_followed_what_is_gone_is_forgotten_and_what_a_left_title_has_goes(
    bench: Bench, library: Watched
) -> None:
    shows = await connect(bench, "Radarr", movies(bench, 1, 2))
    left = await placed(bench, shows, 2, "left-trailer.mp4")
    await bench.rows("UPDATE trailer SET media_id = NULL RETURNING 1")
    linked, gone = await placed(bench, shows, 1, "Trailers/x-trailer.mp4"), await placed(bench, shows, 2)
    elsewhere = bench.root / "elsewhere"
    linked.parent.rename(elsewhere)
    linked.parent.symlink_to(elsewhere)
    gone.unlink()
    done = await remove_trailers(bench.deps, shows)
    assert (done.removed, done.kept.total(), done.left) == (1, 1, 0)
    assert ((elsewhere / linked.name).exists(), left.exists()) == (True, False)
    assert await recorded(bench) == {linked}


async def test_they_stay_by_default(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await connect(bench, "Radarr", movies(bench, 1))
    trailer = await placed(bench, connection, 1)
    for wrong in ("", "yes", "Remove"):
        refused = await client.delete(f"/api/v1/connections/{connection}?trailers={wrong}")
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["trailers"])
    answer = (await client.delete(f"/api/v1/connections/{connection}")).json()
    assert answer["trailers"] == {"removed": 0, "kept": 1, "remaining": 0}
    assert answer["message"] == "Radarr is deleted; its trailers stay where they are."
    await rest_over(bench)
    await removal.empty_deleted(bench.deps)
    assert (trailer.exists(), await recorded(bench)) == (True, {trailer})


async def test_a_mount_that_hangs_is_asked_once_and_its_trailers_stay(
    bench: Bench, library: Watched, client: httpx.AsyncClient
) -> None:
    connection = await connect(bench, "Radarr", [*movies(bench, 1, 2, 3, root="nas"), *movies(bench, 4, root="disk")])
    kept = {await placed(bench, connection, number) for number in (1, 2, 3)}
    removed = await placed(bench, connection, 4)
    library.away = bench.root / "nas"
    answer = (await client.delete(f"/api/v1/connections/{connection}?trailers=remove")).json()
    assert answer["trailers"] == {"removed": 1, "kept": 3, "remaining": 0}
    assert f"3 {bench.root / 'nas'} cannot be reached" in answer["message"]
    assert sum(folder.is_relative_to(library.away) for folder in library.asked) == 1
    assert (removed.exists(), await recorded(bench)) == (False, kept)


async def test_what_takes_too_long_is_removed_by_the_workers_with_what_was_placed_meanwhile(
    bench: Bench, library: Watched
) -> None:
    connection = await connect(bench, "Radarr", movies(bench, *range(1, 5)))
    first = {await placed(bench, connection, number) for number in (1, 2, 3)}
    assert (await remove_trailers(bench.deps, connection, seconds=-1)).left == 3
    async with bench.deps.db.transaction() as tx:
        await removals.mark_deleted(tx, connection, remove_trailers=True)
    await removal.empty_deleted(bench.deps)
    assert await recorded(bench) == first
    late = await placed(bench, connection, 4)
    await rest_over(bench)
    await asyncio.gather(removal.empty_deleted(bench.deps), removal.empty_deleted(bench.deps))
    await removal.empty_deleted(bench.deps)
    assert await recorded(bench) == set()
    assert not any(path.exists() for path in (*first, late))
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_many_go_in_batches(bench: Bench) -> None:
    connection = await connect(bench, "Radarr", movies(bench, 1))
    trailer = await placed(bench, connection, 1, "0-trailer.mp4")
    many = 2 * trailer_removal.BATCH + 50
    for number in range(1, many):
        trailer.with_name(f"{number}-trailer.mp4").hardlink_to(trailer)
    columns = "source, video_id, duration, width, height, video_codec, size, mtime_ns, media_id, connection_id"
    await bench.rows(
        f"INSERT INTO trailer (folder_path, rel_path, {columns}) SELECT folder_path, n || '-trailer.mp4', {columns}"
        f" FROM trailer, generate_series(1, {many - 1}) n RETURNING 1"
    )
    done = await remove_trailers(bench.deps, connection, seconds=60)
    assert (done.removed, done.kept.total(), done.left) == (many, 0, 0)
    assert [path.suffix for path in trailer.parent.iterdir()] == [".mkv"]
    assert await recorded(bench) == set()


async def test_what_a_deleted_twin_left_in_its_folders_goes_too(bench: Bench, library: Watched) -> None:
    items = [movie_item(1, bench.root, "One")]
    twin, kept = await connect(bench, "Twin", items), await connect(bench, "Kept", items)
    path = await placed(bench, twin, 1)
    await removal.delete_connection(bench.deps, twin)
    done = await removal.delete_connection(bench.deps, kept, with_trailers=True)
    assert done.removal is not None
    assert (done.removal.removed, path.exists()) == (1, False)
