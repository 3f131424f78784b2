"""Loops: no wake-up is lost, never more of them than allowed, and they stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from workers.loops import NOW, Loops


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


class Shelf:
    """Work to be taken: `pieces` is committed work, `gate` holds back whoever is at a piece."""

    def __init__(self, pieces: int = 0) -> None:
        self.pieces = pieces
        self.done = 0
        self.at_once = 0
        self.most_at_once = 0
        self.looks = 0
        self.gate = asyncio.Event()
        self.next_in: float | None = None

    async def take(self, found: Callable[[], None]) -> float | None:
        self.looks += 1
        seen = self.pieces
        await asyncio.sleep(0.01)  # what comes meanwhile is not seen by this look
        if seen == 0 or self.pieces == 0:
            return self.next_in
        self.pieces -= 1
        found()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        self.done += 1
        return NOW


async def test_all_is_done_in_a_few_loops_after_one_wake_up() -> None:
    shelf = Shelf(20)
    loops = Loops(4, shelf.take)
    loops.wake()
    await until(lambda: shelf.at_once == 4)
    for _ in range(10):
        loops.wake()
    await asyncio.sleep(0.05)
    assert (shelf.at_once, shelf.pieces) == (4, 16)
    shelf.gate.set()
    await until(lambda: shelf.done == 20)
    assert shelf.most_at_once == 4
    await loops.stop(1)


@pytest.mark.parametrize("most", [1, 2])
async def test_a_wake_up_during_the_last_look_is_not_lost(most: int) -> None:
    shelf = Shelf()
    shelf.gate.set()
    loops = Loops(most, shelf.take)
    for expected in range(1, 30):
        loops.wake()
        looks = shelf.looks
        await until(lambda looks=looks: shelf.looks > looks)  # type: ignore[misc]  # mypy cannot infer a default
        shelf.pieces += 1
        loops.wake()
        await until(lambda expected=expected: shelf.done == expected)  # type: ignore[misc]  # the same
    await loops.stop(1)


async def test_it_looks_again_when_the_next_piece_is_due() -> None:
    shelf = Shelf()
    shelf.gate.set()
    shelf.next_in = 0.3
    loops = Loops(4, shelf.take)
    loops.wake()
    await until(lambda: shelf.looks == 1)
    await asyncio.sleep(0.1)
    shelf.pieces, shelf.next_in = 1, None
    assert (shelf.looks, shelf.done) == (1, 0)
    await until(lambda: shelf.done == 1)
    await loops.stop(1)


async def test_work_that_fails_ends_its_loop_alone() -> None:
    shelf = Shelf(3)
    shelf.gate.set()
    failures = iter([True])

    async def work(found: Callable[[], None]) -> float | None:
        if next(failures, False):
            raise RuntimeError("a bug")
        return await shelf.take(found)

    loops = Loops(1, work)
    loops.wake()
    await asyncio.sleep(0.05)
    assert shelf.done == 0
    loops.wake()
    await until(lambda: shelf.done == 3)
    await loops.stop(1)


async def test_stopping_finishes_or_cancels_and_takes_nothing_more() -> None:
    shelf = Shelf(20)
    loops = Loops(4, shelf.take)
    loops.wake()
    await until(lambda: shelf.at_once == 4)
    stopping = asyncio.create_task(loops.stop(5))
    await asyncio.sleep(0)
    shelf.gate.set()
    await stopping
    assert (shelf.done, shelf.pieces) == (4, 16)
    loops.wake()
    await asyncio.sleep(0.05)
    assert shelf.pieces == 16

    hung = Shelf(1)
    others = Loops(1, hung.take)
    others.wake()
    await until(lambda: hung.at_once == 1)
    await others.stop(0.01)
    assert hung.done == 0
