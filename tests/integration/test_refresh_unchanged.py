"""A refresh that finds nothing changed writes nothing and looks closer only where a folder's times differ."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.context import RawItem
from app.domain.disk import DiskQuestion, MarkedLook
from app.files.library import DiskLibrary
from app.pipeline.connections import change_connection
from app.pipeline.media import update_media
from schemas.base import MonitorStatus, MonitorType, Reason, RunOutcome
from schemas.connection import ConnectionUpdate
from schemas.media import MediaUpdate
from tests.fakes import FakeArr, movie_item, put_movie_on_disk, put_series_on_disk, series_item
from tests.integration.conftest import Bench

TITLES = 300


class WatchedLibrary(DiskLibrary):
    """Trusts the times of a folder at once; notes which folders are looked into."""

    def __init__(self) -> None:
        super().__init__(trust_after=0)
        self.looked: list[str] = []

    async def check_trailers(self, questions: Sequence[DiskQuestion]) -> Sequence[MarkedLook]:
        self.looked += [Path(question.folder).name for question in questions]
        return await super().check_trailers(questions)


@pytest.fixture
async def library() -> AsyncIterator[WatchedLibrary]:
    opened = WatchedLibrary()
    yield opened
    opened.close()


@pytest.fixture
def watched(bench: Bench, library: WatchedLibrary) -> Bench:
    return replace(bench, deps=replace(bench.deps, library=library))


def films(bench: Bench, count: int) -> FakeArr:
    items = {number: movie_item(number, bench.root, f"Film {number}") for number in range(1, count + 1)}
    for number, item in items.items():
        folder = put_movie_on_disk(item)
        if number % 2:
            (folder / "Trailers").mkdir()
            (folder / "Trailers" / "one.mp4").write_bytes(b"trailer")
    return FakeArr(items=items)


async def settled(bench: Bench, library: WatchedLibrary, arr: FakeArr) -> int:
    """Connect, refresh and let the clock of the file system go on."""
    connection = await bench.connect(arr, arr.app_name)
    await bench.refresh(connection)
    await asyncio.sleep(0.02)
    library.looked.clear()
    return connection


async def test_nothing_is_written_and_nothing_looked_into(watched: Bench, library: WatchedLibrary) -> None:
    arr = films(watched, TITLES)
    for number in range(1, 6):
        arr.items[number] |= {"hasFile": False, "movieFile": None, "path": f"{watched.root}/Not there {number}"}
    connection = await settled(watched, library, arr)
    rows = "SELECT id, xmin::text, xmax::text FROM media ORDER BY id"
    before = await watched.rows(rows)
    written = []
    for _ in range(3):  # a checkpoint or autovacuum adds pages of its own to one of them
        ((position,),) = await watched.rows("SELECT pg_current_wal_lsn()::text")
        run = await watched.refresh(connection)
        assert (run.outcome, run.unchanged) == (RunOutcome.COMPLETED, TITLES)
        ((wal,),) = await watched.rows(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{position}')")
        written.append(wal)
    assert min(written) < 50_000  # the runs' own rows
    assert await watched.rows(rows) == before
    assert library.looked == []


async def test_what_differs_only_where_nobody_looks_is_noted_without_a_write(
    watched: Bench, library: WatchedLibrary
) -> None:
    arr = films(watched, 5)
    connection = await settled(watched, library, arr)
    before = await watched.rows("SELECT id, xmin::text, xmax::text FROM media ORDER BY id")
    for item in arr.items.values():
        item["popularity"] = 7.5
    assert (await watched.refresh(connection)).unchanged == 5
    assert await watched.rows("SELECT id, xmin::text, xmax::text FROM media ORDER BY id") == before
    library.looked.clear()
    assert (await watched.refresh(connection)).unchanged == 5
    assert library.looked == []


async def test_a_title_that_was_changed_here_is_compared_again(watched: Bench, library: WatchedLibrary) -> None:
    arr = films(watched, 3)
    connection = await settled(watched, library, arr)
    title = arr.items[2]["title"]
    arr.items[2]["title"] = "Between"
    await watched.sync(connection, 2)
    arr.items[2]["title"] = title
    run = await watched.refresh(connection)
    assert (run.updated, run.unchanged) == (1, 2)
    assert title in await watched.titles()


@pytest.mark.parametrize("name", ["Film 2-trailer.mkv", "Trailers/any name.mp4", "movie-trailer.mp4"])
async def test_a_trailer_that_somebody_puts_there_is_found(watched: Bench, library: WatchedLibrary, name: str) -> None:
    connection = await settled(watched, library, films(watched, 4))
    placed = watched.root / "Film 2 (2010)" / name
    placed.parent.mkdir(exist_ok=True)
    placed.write_bytes(b"trailer")
    await watched.refresh(connection)
    assert (await watched.titles())["Film 2"].status is MonitorStatus.DOWNLOADED
    assert library.looked == ["Film 2 (2010)"]


async def test_a_trailer_that_vanishes_from_a_folder_below_is_noticed(watched: Bench, library: WatchedLibrary) -> None:
    connection = await settled(watched, library, films(watched, 4))
    (watched.root / "Film 3 (2010)" / "Trailers" / "one.mp4").unlink()
    await watched.refresh(connection)
    title = (await watched.titles())["Film 3"]
    assert (title.status, title.reason) == (MonitorStatus.MONITORED, Reason.TRAILER_REMOVED)


async def test_a_folder_that_comes_is_noticed(watched: Bench, library: WatchedLibrary) -> None:
    item = movie_item(1, watched.root)
    (watched.root / "something").mkdir()
    connection = await settled(watched, library, FakeArr(items={1: item}))
    put_movie_on_disk(item)
    await watched.refresh(connection)
    assert (await watched.titles())["Sintel"].reason is Reason.QUEUED


async def test_a_series_without_an_episode_in_sight_is_always_looked_into(
    watched: Bench, library: WatchedLibrary
) -> None:
    item = series_item(1, watched.root)
    season = put_series_on_disk(item) / "Season 01"
    (season / "S01E01.mkv").rename(watched.root / "away.mkv")
    connection = await settled(watched, library, FakeArr("Sonarr", items={1: item}))
    (watched.root / "away.mkv").rename(season / "S01E01.mkv")
    await watched.refresh(connection)
    assert (await watched.titles())["Pioneer One"].reason is Reason.QUEUED


async def test_a_link_is_always_followed(watched: Bench, library: WatchedLibrary, tmp_path: Path) -> None:
    item = movie_item(1, watched.root)
    folder, elsewhere = put_movie_on_disk(item), tmp_path / "trailer.mp4"
    elsewhere.write_bytes(b"trailer")
    (folder / "Sintel-trailer.mp4").symlink_to(elsewhere)
    connection = await settled(watched, library, FakeArr(items={1: item}))
    elsewhere.unlink()
    await watched.refresh(connection)
    assert (await watched.titles())["Sintel"].reason is Reason.TRAILER_REMOVED


async def test_a_folder_that_changed_just_now_is_looked_into_again(bench: Bench) -> None:
    connection = await bench.connect(films(bench, 2))
    await bench.refresh(connection)
    assert await bench.rows("SELECT mark FROM media_seen") == [(None,), (None,)]


async def test_once_a_day_every_folder_is_looked_into(watched: Bench, library: WatchedLibrary) -> None:
    connection = await settled(watched, library, films(watched, 3))
    await watched.rows("UPDATE media_seen SET looked_at = now() - interval '25 hours' RETURNING 1")
    await watched.refresh(connection)
    assert len(library.looked) == 3
    library.looked.clear()
    await watched.refresh(connection)
    assert library.looked == []


async def test_titles_that_come_to_share_a_folder_are_all_looked_into(watched: Bench, library: WatchedLibrary) -> None:
    arr = films(watched, 2)
    connection = await settled(watched, library, arr)
    arr.items[3] = movie_item(3, watched.root, "Film 3", path=arr.items[1]["path"])
    for _ in range(2):
        await watched.refresh(connection)
    assert (await watched.titles())["Film 1"].status is MonitorStatus.MONITORED


async def test_another_policy_decides_all_anew(watched: Bench, library: WatchedLibrary) -> None:
    arr = films(watched, 4)
    arr.items[2] |= {"hasFile": False, "movieFile": None}
    connection = await settled(watched, library, arr)
    assert (await watched.titles())["Film 2"].reason is Reason.WAITING_FOR_MEDIA_FILE
    changes = ConnectionUpdate.model_validate({"policy": {"need_media_file": False}})
    await change_connection(watched.deps, connection, changes)
    await watched.refresh(connection)
    assert (await watched.titles())["Film 2"].reason is Reason.QUEUED


async def test_lost_notes_cost_a_look_and_nothing_else(watched: Bench, library: WatchedLibrary) -> None:
    connection = await settled(watched, library, films(watched, 4))
    before = await watched.titles()
    await watched.rows("DELETE FROM media_seen RETURNING 1")
    assert (await watched.refresh(connection)).unchanged == 4
    assert await watched.titles() == before
    assert len(library.looked) == 4


async def test_the_same_element_twice_is_one_title(watched: Bench) -> None:
    class Twice(FakeArr):
        async def get_all_media(self) -> AsyncGenerator[RawItem, None]:
            for _ in range(2):
                async for item in super().get_all_media():
                    yield item

    arr = Twice(items=films(watched, 2).items)
    connection = await watched.connect(arr)
    for _ in range(2):
        assert (await watched.refresh(connection)).outcome is RunOutcome.COMPLETED
    assert len(await watched.titles()) == 2


RULES: dict[MonitorType, Callable[[bool, bool], bool]] = {
    MonitorType.MISSING: lambda _monitored, _new: True,
    MonitorType.NEW: lambda _monitored, new: new,
    MonitorType.NONE: lambda _monitored, _new: False,
    MonitorType.SYNC: lambda monitored, _new: monitored,
}


async def test_every_monitor_type_decides_every_title_anew_but_for_pins(bench: Bench) -> None:
    cells = list(itertools.product([True, False], [True, False], [None, True, False]))
    items = {
        number: movie_item(
            number, bench.root, f"Film {number}", monitored=monitored, added=f"20{99 if new else 20}-01-01T00:00:00Z"
        )
        for number, (monitored, new, _) in enumerate(cells, 1)
    }
    connection = await bench.connect(FakeArr(items=items))
    await bench.refresh(connection)
    for number, (_, _, pin) in enumerate(cells, 1):
        title = await bench.title(number)
        assert title is not None
        await update_media(bench.deps, title.id, MediaUpdate(monitor=pin))
    for monitor_type in (*RULES, *reversed(RULES)):
        changes = ConnectionUpdate.model_validate({"monitor_type": monitor_type})
        await change_connection(bench.deps, connection, changes)
        await bench.refresh(connection)
        found = dict(await bench.rows("SELECT arr_id, monitor FROM media"))
        for number, (monitored, new, pin) in enumerate(cells, 1):
            expected = RULES[monitor_type](monitored, new) if pin is None else pin
            assert found[number] is expected, (monitor_type, monitored, new, pin)
