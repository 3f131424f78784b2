"""What a refresh asks before it deletes, what it must leave alone, and how long a person may accept the rest."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.deletion_guard import CONFIRM_AT_MOST
from app.errors import Conflict
from app.pipeline.connections import request_reconciliation
from schemas.base import RunOutcome
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench

LEASED = "INSERT INTO item_sync (connection_id, arr_id, requested_seq, claimed_seq, lease_token, lease_until)"


def library(bench: Bench, count: int) -> FakeArr:
    return FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, count + 1)})


async def lease(bench: Bench, connection: int, arr_id: int) -> None:
    """Let a worker be at this item for a minute."""
    await bench.rows(f"{LEASED} VALUES ({connection}, {arr_id}, 1, 1, 1, now() + interval '1 min') RETURNING 1")


async def test_of_very_many_that_left_a_random_sample_is_asked_for(bench: Bench) -> None:
    arr = library(bench, 1500)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    left = list(range(1001, 1251))
    for number in left:
        del arr.items[number]
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted) == (RunOutcome.COMPLETED, len(left))
    assert len(arr.asked) == len(set(arr.asked)) == CONFIRM_AT_MOST == 200
    assert set(arr.asked) < set(left)
    assert set(arr.asked) not in ({*left[:CONFIRM_AT_MOST]}, {*left[-CONFIRM_AT_MOST:]})


async def test_up_to_the_bound_each_that_left_is_asked_for(bench: Bench) -> None:
    arr = library(bench, 1200)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    left = list(range(1, CONFIRM_AT_MOST + 1))
    for number in left:
        del arr.items[number]
    assert (await bench.refresh(connection)).deleted == CONFIRM_AT_MOST
    assert sorted(arr.asked) == left


async def test_what_is_held_can_be_accepted_for_a_day(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    for number in range(1, 6):
        del arr.items[number]
    assert (await bench.refresh(connection)).held_deletions == 5
    await bench.rows("UPDATE run SET finished_at = now() - interval '24 h 1 s' WHERE outcome = 'held' RETURNING 1")
    with pytest.raises(Conflict) as caught:
        await request_reconciliation(bench.deps, connection, accept_deletions=True)
    assert caught.value.reason == "nothing_held"
    await bench.rows("UPDATE run SET finished_at = now() - interval '23 h 59 min' WHERE outcome = 'held' RETURNING 1")
    await request_reconciliation(bench.deps, connection, accept_deletions=True)
    accepted = await bench.refresh(connection)
    assert (accepted.outcome, accepted.deleted) == (RunOutcome.COMPLETED, 5)


async def test_a_title_that_a_worker_is_at_is_neither_asked_for_nor_deleted(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    del arr.items[2], arr.items[5]
    await lease(bench, connection, 5)
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted, arr.asked) == (RunOutcome.COMPLETED, 1, [2])
    assert "Film 5" in await bench.titles()
    await bench.rows("UPDATE item_sync SET lease_until = now() - interval '1 s' RETURNING 1")
    assert (await bench.refresh(connection)).deleted == 1
    assert "Film 5" not in await bench.titles()


async def test_a_title_that_a_worker_takes_while_it_is_asked_for_is_not_deleted(bench: Bench) -> None:
    arr = library(bench, 10)
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    del arr.items[2], arr.items[5]
    arr.gate = asyncio.Event()
    refresh = asyncio.create_task(bench.refresh(connection))
    await bench.until(lambda: bool(arr.asked))
    await lease(bench, connection, 5)
    arr.gate.set()
    assert (await refresh).deleted == 1
    titles = await bench.titles()
    assert "Film 2" not in titles
    assert "Film 5" in titles
