"""A refresh writes what differs, deletes only by the Arr's clear word, and fails without touching anything."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import ArrBadAnswer, ArrNotAnArr, ArrTimeout, Conflict, TrailhookError
from app.pipeline.connections import request_reconciliation
from schemas.base import MonitorStatus, Reason, RunOutcome
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench


def library(bench: Bench, count: int) -> FakeArr:
    return FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, count + 1)})


async def test_counts_are_true(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    first = await bench.refresh(connection)
    assert (first.outcome, first.fetched, first.created, first.updated) == (RunOutcome.COMPLETED, 10, 10, 0)
    arr.items[3]["title"] = "Film three"
    del arr.items[4]["youTubeTrailerId"]
    second = await bench.refresh(connection)
    assert (second.created, second.updated, second.unchanged, second.deleted) == (0, 2, 8, 0)
    title = await bench.title(4)
    assert title is not None
    assert title.youtube_trailer_id is None


async def test_a_few_that_left_are_deleted_after_each_was_asked_for(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    del arr.items[2], arr.items[5]
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted, run.held_deletions) == (RunOutcome.COMPLETED, 2, 0)
    assert sorted(arr.asked) == [2, 5]
    assert len(await bench.titles()) == 8


async def test_many_that_left_are_held_until_a_person_accepts_exactly_them(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    for number in range(1, 6):
        del arr.items[number]
    held = await bench.refresh(connection)
    assert (held.outcome, held.deleted, held.held_deletions) == (RunOutcome.HELD, 0, 5)
    assert "Accept it" in (held.error or "")
    titles = await bench.titles()
    assert len(titles) == 10
    assert titles["Film 1"].reason is Reason.MISSING_IN_ARR
    accepted = await bench.refresh(connection, accept=True)
    assert (accepted.outcome, accepted.deleted) == (RunOutcome.COMPLETED, 5)
    with pytest.raises(Conflict) as caught:
        await request_reconciliation(bench.deps, connection, accept_deletions=True)
    assert caught.value.reason == "nothing_held"


async def test_an_empty_list_deletes_nothing_by_itself(bench: Bench) -> None:
    arr = library(bench, 2)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    arr.items.clear()
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted) == (RunOutcome.HELD, 0)
    assert len(await bench.titles()) == 2


async def test_a_list_that_the_items_contradict_deletes_nothing(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    arr.unlisted = {1}
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted) == (RunOutcome.HELD, 0)
    assert "disagree" in (run.error or "")
    arr.unlisted = set()
    assert (await bench.refresh(connection)).outcome is RunOutcome.COMPLETED
    assert (await bench.titles())["Film 1"].missing_since is None


@pytest.mark.parametrize(
    "error",
    [ArrTimeout("No answer."), ArrNotAnArr("A proxy's page."), ArrBadAnswer("The list broke off.")],
    ids=["timeout", "html", "cut"],
)
async def test_a_failing_arr_deletes_nothing(bench: Bench, error: TrailhookError) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    arr.items = {1: arr.items[1]}
    arr.list_error = error
    run = await bench.refresh(connection)
    assert (run.outcome, run.error, run.deleted) == (RunOutcome.FAILED, error.message, 0)
    assert len(await bench.titles()) == 10


async def test_one_bad_item_is_reported_and_keeps_its_row(bench: Bench) -> None:
    arr = library(bench, 5)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    arr.items[2]["path"] = None
    arr.items[3]["title"] = "Film three"
    run = await bench.refresh(connection)
    assert (run.outcome, run.updated, run.deleted) == (RunOutcome.COMPLETED, 1, 0)
    assert [(item.arr_id, item.title) for item in run.skipped_items] == [(2, "Film 2")]
    assert "Film 2" in await bench.titles()


async def test_an_item_without_a_readable_id_stops_all_deletions(bench: Bench) -> None:
    arr = library(bench, 5)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    del arr.items[1]
    arr.items[2]["id"] = "two"
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted) == (RunOutcome.COMPLETED, 0)
    assert len(await bench.titles()) == 5


async def test_shuffled_ids_keep_titles_with_their_rows(bench: Bench) -> None:
    arr = library(bench, 6)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    before = {name: title.id for name, title in (await bench.titles()).items()}
    arr.items = {7 - number: {**item, "id": 7 - number} for number, item in arr.items.items()}
    run = await bench.refresh(connection)
    assert (run.outcome, run.created, run.updated, run.deleted) == (RunOutcome.COMPLETED, 0, 6, 0)
    assert {name: title.id for name, title in (await bench.titles()).items()} == before
    assert (await bench.titles())["Film 1"].arr_id == 6


async def test_an_older_list_overwrites_nothing_newer(bench: Bench) -> None:
    arr = library(bench, 1)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    await bench.rows("UPDATE media SET title = 'Newer', read_at = now() + interval '1 hour' RETURNING 1")
    run = await bench.refresh(connection)
    assert (run.unchanged, set(await bench.titles())) == (1, {"Newer"})


async def test_an_unchanged_refresh_writes_no_title(bench: Bench) -> None:
    arr = library(bench, 3)
    for item in arr.items.values():
        put_movie_on_disk(item)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    before = await bench.rows("SELECT id, xmin FROM media ORDER BY id")
    run = await bench.refresh(connection)
    assert run.unchanged == 3
    assert await bench.rows("SELECT id, xmin FROM media ORDER BY id") == before


async def test_the_disk_is_looked_at(bench: Bench) -> None:
    arr = library(bench, 2)
    folder = put_movie_on_disk(arr.items[1])
    (folder / "Film 1 (2010) Bluray-1080p-trailer.mp4").write_bytes(b"trailer")
    put_movie_on_disk(arr.items[2])
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    titles = await bench.titles()
    assert titles["Film 1"].status is MonitorStatus.DOWNLOADED
    assert titles["Film 2"].reason is Reason.QUEUED


async def test_two_refreshes_at_once_are_one_after_the_other(bench: Bench) -> None:
    connection = await bench.connect(library(bench, 1))
    first = await request_reconciliation(bench.deps, connection, accept_deletions=False)
    again = await request_reconciliation(bench.deps, connection, accept_deletions=False)
    assert first == again
    await bench.rows("UPDATE run SET started_at = now(), lease_until = now() + interval '1 min' RETURNING 1")
    waiting = await request_reconciliation(bench.deps, connection, accept_deletions=False)
    assert waiting != first
    await asyncio.sleep(0)
    assert await bench.rows("SELECT count(*) FROM run WHERE started_at IS NULL") == [(1,)]


async def test_an_older_answer_takes_no_arr_id_away(bench: Bench) -> None:
    arr = FakeArr(items={5: movie_item(5, bench.root)})
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    await bench.rows("UPDATE media SET read_at = now() + interval '1 hour' RETURNING 1")
    arr.items = {9: {**arr.items[5], "id": 9}, 5: movie_item(5, bench.root, "Spring", tmdbId=593048)}
    await bench.refresh(connection)
    titles = await bench.titles()
    assert titles["Sintel"].arr_id == 5


async def test_a_disk_that_is_away_promises_no_time_that_nobody_keeps(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.refresh(connection)
    title = await bench.title(7)
    assert title is not None
    assert (title.reason, title.next_try_at) == (Reason.STORAGE_UNREACHABLE, None)
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    promised = title.next_try_at
    assert promised is not None
    await bench.refresh(connection)
    title = await bench.title(7)
    assert title is not None
    assert title.next_try_at == promised
