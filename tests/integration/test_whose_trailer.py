"""Whose a trailer is: never a neighbour's, never a stranger's; and what another Arr behind the address cannot do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.domain.records import Rank
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.following import clean_up_after_titles
from app.pipeline.rejecting import reject_trailer
from schemas.base import RunOutcome
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.test_following import NEW, OLD, let_time_pass, names, sync, upgrade, with_trailer


async def two_in_one_folder(bench: Bench) -> tuple[int, FakeArr, Path]:
    """Alpha and Beta share a folder, and each has its trailer."""
    alpha, beta = movie_item(1, bench.root, "Alpha"), movie_item(2, bench.root, "Beta")
    beta["path"] = alpha["path"]
    folder = put_movie_on_disk(alpha)
    put_movie_on_disk(beta)
    arr = FakeArr(items={1: alpha, 2: beta})
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    for _ in range(2):
        assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    return connection, arr, folder


async def test_a_neighbour_that_left_leaves_its_trailer_to_nobody(bench: Bench) -> None:
    connection, arr, folder = await two_in_one_folder(bench)
    del arr.items[2]
    await bench.sync(connection, 2, "MovieDelete")
    await bench.sync(connection, 1)
    title = await bench.title(1)
    assert title is not None
    await reject_trailer(bench.deps, title.id)
    assert "Beta (2010) Bluray-1080p-trailer.mp4" in names(folder)
    assert "Alpha (2010) Bluray-1080p-trailer.mp4" not in names(folder)
    assert await bench.rows("SELECT video_id FROM rejected_video") == [("vid00000001",)]


async def test_a_trailer_that_a_person_removed_stays_away_for_every_connection(bench: Bench) -> None:
    first, _, folder = await with_trailer(bench)
    second = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}), "Radarr 4K")
    await bench.refresh(second)
    (folder / f"{OLD}-trailer.mp4").unlink()
    for connection in (first, second):
        await bench.refresh(connection)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    assert await bench.rows("SELECT DISTINCT trailer_removed FROM media") == [(True,)]


async def test_a_title_that_needs_no_file_keeps_its_trailer(bench: Bench) -> None:
    item = movie_item(7, bench.root, hasFile=False, movieFile=None)
    folder = Path(item["path"])
    await asyncio.to_thread(folder.mkdir)
    connection = await bench.connect(FakeArr(items={7: item}), policy={"need_media_file": False})
    await bench.refresh(connection)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    for _ in range(3):
        await sync(bench, connection)
        await let_time_pass(bench)
        await clean_up_after_titles(bench.deps)
    assert len(names(folder)) == 1
    before = await bench.rows("SELECT requested_seq FROM item_sync")
    await bench.refresh(connection)
    assert await bench.rows("SELECT requested_seq FROM item_sync") == before


async def test_a_rename_that_was_not_recorded_is_recognised(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    upgrade(arr, folder)
    (folder / f"{OLD}-trailer.mp4").rename(folder / f"{NEW}-trailer.mp4")
    await sync(bench, connection)
    assert await bench.rows("SELECT rel_path FROM trailer") == [(f"{NEW}-trailer.mp4",)]


async def test_a_disk_of_a_pool_that_is_out_for_a_day_costs_no_record(bench: Bench) -> None:
    connection, arr, folder = await with_trailer(bench)
    (bench.root / "Another (2010)").mkdir()
    file = arr.items[7].pop("movieFile")
    arr.items[7]["hasFile"] = False
    away = folder.with_name("out of the pool")
    await sync(bench, connection)
    folder.rename(bench.root.parent / away.name)
    await let_time_pass(bench)
    await clean_up_after_titles(bench.deps)
    (bench.root.parent / away.name).rename(folder)
    arr.items[7] |= {"hasFile": True, "movieFile": file}
    await sync(bench, connection)
    assert await bench.rows("SELECT rel_path, left_at FROM trailer") == [(f"{OLD}-trailer.mp4", None)]


async def test_ours_in_a_sub_folder_is_seen_from_the_top(bench: Bench) -> None:
    connection, _, folder = await with_trailer(bench)
    (folder / "CD1").mkdir()
    (folder / f"{OLD}-trailer.mp4").rename(folder / "CD1" / f"{OLD}-trailer.mp4")
    await bench.rows(f"UPDATE trailer SET rel_path = 'CD1/{OLD}-trailer.mp4', named_for = 'CD1/{OLD}.mkv' RETURNING 1")
    await sync(bench, connection)
    title = await bench.title(7)
    assert title is not None
    assert (title.trailer_exists, title.trailer_removed) == (True, False)
    assert await bench.rows("SELECT rel_path FROM trailer") != []


@pytest.mark.parametrize("others", [60, 9])
async def test_another_arr_behind_the_address_deletes_nothing(bench: Bench, others: int) -> None:
    url = "http://radarr.example:7878"
    connection = await bench.connect(FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in range(1, 11)}))
    await bench.refresh(connection)
    strangers = {n: movie_item(n, bench.root, f"Other {n}", tmdbId=900_000 + n) for n in range(1, others + 1)}
    bench.arrs.arrs[url] = FakeArr(items=strangers)
    for _ in range(2):
        run = await bench.refresh(connection)
        assert (run.outcome, run.deleted) == (RunOutcome.HELD, 0)
    assert await bench.rows("SELECT count(*) FROM media WHERE title LIKE 'Film %'") == [(10,)]
