"""The claim on an item's sync does, in any order of events, workers and time, exactly what a small model of it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import events, item_sync
from app.db.item_sync import Claim
from app.errors import LeaseLost
from tests.fakes import FakeArr
from tests.integration.conftest import Bench

LEASE = 60  # s
# All waits lie far apart, so that the real time which a test takes decides nothing.
SHIFTS = [200, 2000, 20_000]  # s
SPACINGS = [0, 1000]  # s
DELAYS = [0, 1000, None]  # s
LOOKS = [None, 1000]  # s
ITEMS = [1, 2]

PASS_TIME = """
    UPDATE item_sync SET next_at = next_at - {0}, ended_at = ended_at - {0}, lease_until = lease_until - {0},
        look_again_at = look_again_at - {0} RETURNING 1
"""


@dataclass
class Item:
    """What the model knows of one item; times are seconds of its own clock."""

    requested: int = 0
    claimed: int = 0
    synced: int = 0
    token: int = 0
    attempts: int = 0
    streak: int = 0
    failed: bool = False
    next_at: int = 0
    lease_until: int | None = None
    ended_at: int | None = None
    look_at: int | None = None
    events: list[str] = field(default_factory=list)

    def store(self, now: int) -> None:
        if self.failed:
            self.failed, self.attempts, self.next_at = False, 0, now
        self.requested += 1
        self.events += [""] * (self.requested - 1 - len(self.events)) + ["pending"]

    def replay(self, number: int, now: int) -> None:
        """Move a stored event behind all others."""
        self.failed, self.attempts, self.next_at = False, 0, now
        self.events[number - 1] = ""
        self.requested += 1
        self.events += [""] * (self.requested - 1 - len(self.events)) + ["pending"]

    def claimable(self, now: int) -> bool:
        free = self.lease_until is None or self.lease_until <= now
        return self.synced < self.requested and not self.failed and self.next_at <= now and free

    def claim(self, now: int) -> None:
        self.attempts += self.lease_until is not None
        self.claimed, self.token, self.lease_until = self.requested, self.token + 1, now + LEASE

    def next_streak(self, now: int) -> int:
        return self.streak + 1 if self.ended_at is not None and now - self.ended_at < 60 else 1

    def holds(self, claim: Claim) -> bool:
        return self.token == claim.lease_token and self.lease_until is not None

    def end(self, now: int) -> None:
        self.lease_until, self.ended_at = None, now

    def complete(self, claim: Claim, now: int, spacing: int, look: int | None) -> None:
        self.end(now)
        self.synced, self.attempts, self.streak = self.claimed, 0, claim.streak
        self.next_at, self.look_at = now + spacing, None if look is None else now + look
        self.finish("processed")

    def give_up(self, now: int) -> None:
        self.end(now)
        self.failed = self.requested == self.claimed
        self.attempts = self.attempts + 1 if self.failed else 0
        self.synced = self.synced if self.failed else self.claimed
        self.finish("failed")

    def finish(self, state: str) -> None:
        """Close what the claim covers: what waits, and by a success also what had failed before."""
        closes = {"pending", "failed"} if state == "processed" else {"pending"}
        self.events = [
            state if number <= self.claimed and was in closes else was for number, was in enumerate(self.events, 1)
        ]

    def shown(self) -> tuple[object, ...]:
        """Give what a row and its events show."""
        counters = (self.requested, self.claimed, self.synced, self.token, self.attempts, self.streak)
        known = [(number, state) for number, state in enumerate(self.events, 1) if state]
        return (*counters, self.failed, self.lease_until is not None, self.look_at is not None, known)


class Machine:
    """Does each step to Postgres and to the model, and compares all of both after it."""

    def __init__(self, bench: Bench, connection: int) -> None:
        self.bench, self.connection = bench, connection
        self.now = 0
        self.items: dict[int, Item] = {}
        self.claims: list[Claim] = []

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        async with self.bench.deps.db.transaction() as tx:
            return await work(tx)

    async def fenced(self, claim: Claim, work: Callable[[AsyncConnection], Awaitable[None]]) -> bool:
        """Do a holder's work; says whether the claim still held, which must be what the model thinks."""
        holds = self.items[claim.arr_id].holds(claim)
        try:
            await self.transact(work)
        except LeaseLost:
            assert not holds
            return False
        assert holds
        return True

    async def store(self, arr_id: int) -> None:
        await self.bench.event(self.connection, arr_id)
        self.items.setdefault(arr_id, Item(next_at=self.now)).store(self.now)

    async def claim(self, arr_id: int) -> None:
        """Let three workers try at once: at most one gets it, and it gets it if it is to be had."""
        item = self.items.get(arr_id, Item())
        tries = (self.transact(lambda tx: item_sync.claim(tx, self.connection, arr_id)) for _ in range(3))
        got = [claim for claim in await asyncio.gather(*tries) if claim is not None]
        assert len(got) == item.claimable(self.now)
        self.note(item, got)

    async def claim_next(self) -> None:
        """Let three workers ask for whatever is due: each gets another item, or none is left."""
        due = [arr_id for arr_id, item in self.items.items() if item.claimable(self.now)]
        tries = (self.transact(lambda tx: item_sync.claim_next(tx, self.connection)) for _ in range(3))
        got = [claim for claim in await asyncio.gather(*tries) if claim is not None]
        assert sorted(claim.arr_id for claim in got) == sorted(due)
        for claim in got:
            self.note(self.items[claim.arr_id], [claim])

    def note(self, item: Item, got: list[Claim]) -> None:
        for claim in got:
            assert claim.streak == item.next_streak(self.now)
            item.claim(self.now)
            assert (claim.claimed_seq, claim.attempts) == (item.claimed, item.attempts)
            self.claims.append(claim)

    async def store_beside_a_claim(self, arr_id: int) -> None:
        """Let an event come just when a worker claims: the claim covers it or leaves it waiting."""
        item = self.items.get(arr_id, Item(next_at=self.now))
        waited = item.claimable(self.now)
        claiming = self.transact(lambda tx: item_sync.claim(tx, self.connection, arr_id))
        _, claim = await asyncio.gather(self.bench.event(self.connection, arr_id), claiming)
        self.items[arr_id] = item
        if claim is not None and claim.claimed_seq == item.requested:
            self.note(item, [claim])
            item.store(self.now)
        else:
            item.store(self.now)
            assert claim is not None or not waited
            assert claim is None or item.claimable(self.now)
            self.note(item, [claim] if claim else [])

    async def complete(self, claim: Claim, spacing: int, look: int | None, *, beside_event: bool) -> None:
        async def work(tx: AsyncConnection) -> None:
            await item_sync.fence(tx, claim)
            wait = None if look is None else timedelta(seconds=look)
            await item_sync.complete(tx, claim, timedelta(seconds=spacing), wait)

        item = self.items[claim.arr_id]
        storing = [self.bench.event(self.connection, claim.arr_id)] if beside_event and item.holds(claim) else []
        held, *_ = await asyncio.gather(self.fenced(claim, work), *storing)
        if held:
            item.complete(claim, self.now, spacing, look)
        if storing:
            item.store(self.now)

    async def fail(self, claim: Claim, wait: int | None) -> None:
        """Let a sync fail; without a wait it was the last attempt."""
        delay = None if wait is None else timedelta(seconds=wait)
        if not await self.fenced(claim, lambda tx: item_sync.retry_later(tx, claim, "broken", delay)):
            return
        item = self.items[claim.arr_id]
        if wait is None:
            item.give_up(self.now)
        else:
            item.end(self.now)
            item.attempts, item.next_at = item.attempts + 1, self.now + wait

    async def release(self, claim: Claim) -> None:
        if await self.fenced(claim, lambda tx: item_sync.release(tx, claim, "stopped")):
            self.items[claim.arr_id].lease_until = None

    async def extend(self, claim: Claim) -> None:
        if await self.fenced(claim, lambda tx: item_sync.extend(tx, claim)):
            self.items[claim.arr_id].lease_until = self.now + LEASE

    async def replay(self, arr_id: int, ago: int) -> None:
        """Let a person ask for one of the item's events again."""
        item = self.items.get(arr_id, Item())
        stored = [number for number, state in enumerate(item.events, 1) if state]
        if ago >= len(stored):
            return
        number = stored[-1 - ago]
        ((event_id,),) = await self.bench.rows(f"SELECT id FROM event WHERE arr_id = {arr_id} AND item_seq = {number}")
        await self.transact(lambda tx: events.make_pending(tx, event_id, self.connection, arr_id))
        item.replay(number, self.now)

    async def look_again(self) -> None:
        await self.transact(item_sync.request_due_looks)
        for item in self.items.values():
            if item.look_at is not None and item.look_at <= self.now:
                item.requested, item.look_at = item.requested + 1, None

    async def pass_time(self, seconds: int) -> None:
        await self.bench.rows(PASS_TIME.format(f"interval '{seconds} seconds'"))
        self.now += seconds

    async def check(self) -> None:
        """Compare everything, and what must hold whatever the model says."""
        rows = await self.bench.rows("""
            SELECT i.arr_id, requested_seq, claimed_seq, synced_seq, lease_token, attempts, streak, failed,
                lease_until IS NOT NULL, look_again_at IS NOT NULL,
                coalesce(array_agg(ARRAY[CAST(item_seq AS text), state] ORDER BY item_seq)
                         FILTER (WHERE item_seq IS NOT NULL), '{}')
            FROM item_sync i LEFT JOIN event e ON e.arr_id = i.arr_id GROUP BY i.connection_id, i.arr_id
        """)
        found = {row[0]: (*row[1:-1], [(int(number), state) for number, state in row[-1]]) for row in rows}
        assert found == {arr_id: item.shown() for arr_id, item in self.items.items()}
        for requested, claimed, synced, *_, known in found.values():
            assert requested >= claimed >= synced
            assert all(state == "pending" for number, state in known if number > claimed)
            assert all(state != "pending" for number, state in known if number <= synced)
        due = await self.transact(item_sync.list_due_connections)
        assert bool(due) == any(item.claimable(self.now) for item in self.items.values())

    async def drain(self) -> None:
        """Let time pass and sync what is due: then nothing waits any more but what has failed for good."""
        await self.pass_time(200_000)
        for arr_id, item in self.items.items():
            await self.claim(arr_id)
            if item.lease_until is not None:
                await self.complete(self.claims[-1], 0, None, beside_event=False)
            assert item.failed or item.synced == item.requested
            assert item.failed or "pending" not in item.events
        await self.check()


items = st.sampled_from(ITEMS)
# A claim is named by how long ago it was made: mostly the newest, sometimes one that others have taken over.
claims = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 5])
completions = st.tuples(st.just("complete"), claims, st.sampled_from(SPACINGS), st.sampled_from(LOOKS), st.booleans())
steps = st.one_of(
    st.tuples(st.just("store"), items),
    st.tuples(st.just("store"), items),
    completions,
    st.tuples(st.just("claim"), items),
    st.tuples(st.just("store beside a claim"), items),
    completions,
    st.tuples(st.just("fail"), claims, st.sampled_from(DELAYS)),
    st.tuples(st.just("release"), claims),
    st.tuples(st.just("extend"), claims),
    st.tuples(st.just("claim next")),
    st.tuples(st.just("replay"), items, st.integers(0, 2)),
    st.tuples(st.just("look again")),
    st.tuples(st.just("pass time"), st.sampled_from(SHIFTS)),
)


async def take(machine: Machine, step: tuple[Any, ...]) -> None:
    """Do one step; what needs a claim does nothing while there is none."""
    match step:
        case ("store", arr_id):
            await machine.store(arr_id)
        case ("claim", arr_id):
            await machine.claim(arr_id)
        case ("store beside a claim", arr_id):
            await machine.store_beside_a_claim(arr_id)
        case ("claim next",):
            await machine.claim_next()
        case ("replay", arr_id, ago):
            await machine.replay(arr_id, ago)
        case ("look again",):
            await machine.look_again()
        case ("pass time", seconds):
            await machine.pass_time(seconds)
        case (name, ago, *more) if ago < len(machine.claims):
            await work_on(machine, machine.claims[-1 - ago], name, more)


async def work_on(machine: Machine, claim: Claim, name: str, more: list[Any]) -> None:
    """Do a step of a worker that claimed."""
    match name:
        case "complete":
            await machine.complete(claim, more[0], more[1], beside_event=more[2])
        case "fail":
            await machine.fail(claim, more[0])
        case "release":
            await machine.release(claim)
        case "extend":
            await machine.extend(claim)


@pytest.fixture
async def connection(bench: Bench) -> int:
    return await bench.connect(FakeArr())


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a failing plan is printed as it is: shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=st.lists(steps, min_size=15, max_size=40))
async def test_the_claim_does_what_the_model_does(bench: Bench, connection: int, plan: list[tuple[Any, ...]]) -> None:
    await bench.rows("WITH e AS (DELETE FROM event) DELETE FROM item_sync RETURNING 1")
    machine = Machine(bench, connection)
    for step in plan:
        await take(machine, step)
        await machine.check()
    await machine.drain()
