"""Our trailers live with the library: renames, upgrades, moves, returns, and the clean-up after titles that left."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.records import Rank
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.following import clean_up_after_titles
from app.pipeline.removal import delete_connection
from schemas.base import MonitorStatus, Reason
from tests.fakes import FakeArr, movie_item, put_movie_on_disk, put_series_on_disk, series_item
from tests.integration.conftest import Bench

OLD = "Sintel (2010) Bluray-1080p"
NEW = "Sintel (2010) Remux-2160p"


async def with_trailer(bench: Bench, name: str = "Radarr") -> tuple[int, FakeArr, Path]:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    arr = FakeArr(items={7: item})
    connection = await bench.connect(arr, name)
    await bench.sync(connection, 7)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    return connection, arr, folder


async def sync(bench: Bench, connection: int) -> None:
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    await bench.sync(connection, 7)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def upgrade(arr: FakeArr, folder: Path) -> None:
    arr.items[7]["movieFile"] = {**arr.items[7]["movieFile"], "relativePath": f"{NEW}.mkv"}
    (folder / f"{OLD}.mkv").rename(folder / f"{NEW}.mkv")


async def let_time_pass(bench: Bench, hours: int = 25) -> None:
    await bench.rows(f"UPDATE trailer SET check_at = check_at - interval '{hours} hours' RETURNING 1")


async def test_an_upgrade_renames_ours_and_fetches_nothing(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    upgrade(arr, folder)
    await sync(bench, connection)
    assert names(folder) == {f"{NEW}.mkv", f"{NEW}-trailer.mp4"}
    assert await bench.rows("SELECT rel_path, named_for FROM trailer") == [(f"{NEW}-trailer.mp4", f"{NEW}.mkv")]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE


@pytest.mark.parametrize("name", ["Film-trailer", "movie-trailer", "Trailer", "Trailer (2010)"])
async def test_a_movie_that_is_named_like_a_trailer_gets_one_and_keeps_its_own_file(bench: Bench, name: str) -> None:
    item = movie_item(7, bench.root)
    item["movieFile"]["relativePath"] = f"{name}.mkv"
    folder = put_movie_on_disk(item)
    arr = FakeArr(items={7: item})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert names(folder) == {f"{name}.mkv", f"{name}-trailer.mp4"}
    trailer = (folder / f"{name}-trailer.mp4").read_bytes()

    (folder / f"{name}.mkv").unlink()
    (folder / "New-trailer.mkv").write_bytes(b"a better movie")
    item["movieFile"]["relativePath"] = "New-trailer.mkv"
    await sync(bench, connection)
    assert names(folder) == {"New-trailer.mkv", "New-trailer-trailer.mp4"}
    assert (folder / "New-trailer.mkv").read_bytes() == b"a better movie"
    assert (folder / "New-trailer-trailer.mp4").read_bytes() == trailer
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE


async def test_an_upgrade_that_only_a_refresh_saw_is_followed_too(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    upgrade(arr, folder)
    await bench.refresh(connection)
    assert await bench.rows("SELECT requested_seq > synced_seq FROM item_sync") == [(True,)]
    await sync(bench, connection)
    assert f"{NEW}-trailer.mp4" in names(folder)
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    await bench.refresh(connection)
    assert await bench.rows("SELECT requested_seq > synced_seq FROM item_sync") == [(False,)]


async def test_nothing_is_overwritten_by_a_rename(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    (folder / f"{NEW}-trailer.mp4").write_bytes(b"a person's")
    upgrade(arr, folder)
    await sync(bench, connection)
    assert names(folder) == {f"{NEW}.mkv", f"{NEW}-trailer.mp4", f"{OLD}-trailer.mp4"}
    assert (folder / f"{NEW}-trailer.mp4").read_bytes() == b"a person's"


async def test_what_somebody_changed_is_not_renamed(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    (folder / f"{OLD}-trailer.mp4").write_bytes(b"cut by hand")
    upgrade(arr, folder)
    await sync(bench, connection)
    assert names(folder) == {f"{NEW}.mkv", f"{OLD}-trailer.mp4"}


async def test_a_title_that_moves_takes_its_trailer_along(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    moved = bench.root / "Elsewhere" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    arr.items[7] |= {"path": str(moved)}
    await sync(bench, connection)
    assert await bench.rows("SELECT folder_path, left_at, media_id IS NULL FROM trailer") == [(str(moved), None, False)]
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED


async def test_a_trailer_that_its_title_left_behind_goes_when_nothing_else_is_there(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    moved = bench.root / "Elsewhere (2010)"
    moved.mkdir()
    (folder / f"{OLD}.mkv").rename(moved / f"{OLD}.mkv")
    arr.items[7] |= {"path": str(moved)}
    await sync(bench, connection)
    assert await bench.rows("SELECT media_id, check_at IS NULL FROM trailer") == [(1, False)]
    await clean_up_after_titles(bench.deps)
    assert names(folder) == {f"{OLD}-trailer.mp4"}
    await let_time_pass(bench)
    await clean_up_after_titles(bench.deps)
    assert names(folder) == set()
    assert await bench.rows("SELECT 1 FROM trailer") == []


async def leave(bench: Bench, connection: int, arr: FakeArr) -> None:
    del arr.items[7]
    await bench.event(connection, 7, event_type="MovieDelete")
    await sync(bench, connection)
    assert await bench.title(7) is None


async def test_a_title_that_left_with_its_file_takes_our_trailer_with_it(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    await leave(bench, connection, arr)
    (folder / f"{OLD}.mkv").unlink()
    (folder / "poster.jpg").write_bytes(b"theirs")
    await clean_up_after_titles(bench.deps)
    assert f"{OLD}-trailer.mp4" in names(folder)
    await let_time_pass(bench, 1)
    await clean_up_after_titles(bench.deps)
    assert names(folder) == {"poster.jpg"}


async def stays_with_a_video(bench: Bench, folder: Path) -> None:
    (folder / f"{OLD}.mkv").unlink()
    (folder / "Extras").mkdir()
    (folder / "Extras" / "Making of.mkv").write_bytes(b"theirs")


async def stays_by_policy(bench: Bench, folder: Path) -> None:
    (folder / f"{OLD}.mkv").unlink()
    await bench.rows("UPDATE connection SET policy = '{\"remove_with_title\": false}' RETURNING 1")


async def stays_when_changed(bench: Bench, folder: Path) -> None:
    (folder / f"{OLD}.mkv").unlink()
    (folder / f"{OLD}-trailer.mp4").write_bytes(b"cut by hand")


async def stays_for_another_connection(bench: Bench, folder: Path) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    other = await bench.connect(FakeArr(items={7: item}), "Radarr-4K")
    await bench.sync(other, 7)


@pytest.mark.parametrize("why", [stays_with_a_video, stays_by_policy, stays_when_changed, stays_for_another_connection])
async def test_a_trailer_of_a_title_that_left_stays(bench: Bench, why: Any) -> None:
    connection, arr, folder = await with_trailer(bench)
    await leave(bench, connection, arr)
    await why(bench, folder)
    for _ in range(2):
        await clean_up_after_titles(bench.deps)
        await let_time_pass(bench)
    assert f"{OLD}-trailer.mp4" in names(folder)
    assert await bench.rows("SELECT 1 FROM trailer WHERE check_at <= now()") == []


async def test_a_folder_that_cannot_be_reached_is_looked_at_daily_for_a_month(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    await leave(bench, connection, arr)
    await clean_up_after_titles(bench.deps)
    away = bench.root.with_name("away")
    bench.root.rename(away)
    bench.root.mkdir()
    await let_time_pass(bench)
    await clean_up_after_titles(bench.deps)
    (again,) = await bench.rows("SELECT check_at BETWEEN now() + '23 hours' AND now() + '25 hours' FROM trailer")
    assert again == (True,)
    await bench.rows("UPDATE trailer SET left_at = left_at - interval '31 days' RETURNING 1")
    await let_time_pass(bench)
    await clean_up_after_titles(bench.deps)
    assert await bench.rows("SELECT check_at FROM trailer") == [(None,)]
    assert f"{OLD}-trailer.mp4" in names(away / folder.name)


async def test_a_trailer_without_its_movie_goes_after_a_day_and_comes_back_with_it(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    (folder / f"{OLD}.mkv").unlink()
    file = arr.items[7].pop("movieFile")
    arr.items[7]["hasFile"] = False
    await sync(bench, connection)
    (wait,) = await bench.rows("SELECT check_at - now() > interval '23 hours' FROM trailer")
    assert wait == (True,)
    await let_time_pass(bench)
    await clean_up_after_titles(bench.deps)
    assert names(folder) == set()
    title = await bench.title(7)
    assert title is not None
    assert (title.trailer_removed, title.reason) == (False, Reason.WAITING_FOR_MEDIA_FILE)
    arr.items[7] |= {"hasFile": True, "movieFile": file}
    put_movie_on_disk(arr.items[7])
    await sync(bench, connection)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED


async def test_a_file_that_is_back_within_the_day_keeps_its_trailer(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    (folder / f"{OLD}.mkv").unlink()
    file = arr.items[7].pop("movieFile")
    arr.items[7]["hasFile"] = False
    await sync(bench, connection)
    arr.items[7] |= {"hasFile": True, "movieFile": file}
    put_movie_on_disk(arr.items[7])
    await sync(bench, connection)
    assert await bench.rows("SELECT left_at, check_at FROM trailer") == [(None, None)]
    assert f"{OLD}-trailer.mp4" in names(folder)


async def test_a_title_that_returns_takes_its_trailer_up_again(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    item = dict(arr.items[7])
    await leave(bench, connection, arr)
    await clean_up_after_titles(bench.deps)
    arr.items[7] = item
    await bench.refresh(connection)
    await sync(bench, connection)
    title = await bench.title(7)
    assert title is not None
    assert title.status is MonitorStatus.DOWNLOADED
    assert await bench.rows("SELECT media_id, left_at, check_at FROM trailer") == [(title.id, None, None)]
    assert f"{OLD}-trailer.mp4" in names(folder)


async def test_the_trailers_of_a_deleted_connection_stay(bench: Bench) -> None:
    connection, _, folder = await with_trailer(bench)
    (folder / f"{OLD}.mkv").unlink()
    await delete_connection(bench.deps, connection)
    await bench.rows("DELETE FROM media RETURNING 1")
    await clean_up_after_titles(bench.deps)
    assert await bench.rows("SELECT media_id, check_at FROM trailer") == [(None, None)]
    assert names(folder) == {f"{OLD}-trailer.mp4"}


async def test_a_series_without_episodes_loses_its_trailers_folder_too(bench: Bench) -> None:
    item = series_item(7, bench.root)
    folder = put_series_on_disk(item)
    arr = FakeArr("Sonarr", items={7: item})
    connection = await bench.connect(arr, "Sonarr")
    await bench.sync(connection, 7)
    await bench.rows("UPDATE media SET trailer_url = 'https://www.youtube.com/watch?v=chosen00001' RETURNING 1")
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    for path in [path for path in folder.rglob("*") if path.is_file() and "trailer" not in path.name]:
        path.unlink()
    del arr.items[7]
    await bench.event(connection, 7, event_type="SeriesDelete")
    await sync(bench, connection)
    await clean_up_after_titles(bench.deps)
    await let_time_pass(bench, int(timedelta(hours=1).total_seconds() // 3600))
    await clean_up_after_titles(bench.deps)
    assert names(folder) == set()
    assert not (folder / "Trailers").exists()
