"""An Arr that fails is one connection that pauses: nothing is counted against its items, nothing is deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from arq.connections import ArqRedis

from app.arr.factory import ArrFactory
from app.context import RawItem
from app.db import connections, runs
from app.errors import ArrTimeout
from app.http import ArrPatience, HttpClients
from app.pipeline.connection_manager import SyncOutcome
from app.pipeline.connections import add_connection, request_reconciliation
from app.pipeline.housekeeping import request_what_is_due
from schemas.arr.common import SystemStatus
from schemas.base import RunTrigger
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench
from tests.integration.workers import until_rows, working
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator

RUNS_DONE = "UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1"
PROBE_NOW = "UPDATE connection SET probe_at = now() WHERE down_since IS NOT NULL RETURNING 1"
PAUSE = "SELECT failures, round(EXTRACT(epoch FROM probe_at - now())) FROM connection"


async def many_due(bench: Bench, connection: int, count: int) -> None:
    await bench.rows(
        "INSERT INTO item_sync (connection_id, arr_id, requested_seq)"
        f" SELECT {connection}, n, 1 FROM generate_series(1, {count}) n RETURNING 1"
    )


async def test_a_night_without_the_arr_burns_no_attempts_and_its_probes_become_rare(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    arr.error = ArrTimeout("Radarr does not answer.")
    await bench.event(connection, 7)
    for probe, pause in enumerate([5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300], 1):
        assert await (await bench.manager(connection)).sync(7) is SyncOutcome.CONNECTION_FAILED
        assert await bench.rows(PAUSE) == [(probe, pause)]
        assert await (await bench.manager(connection)).sync(7) is SyncOutcome.NOTHING_DUE
        assert len(arr.asked) == probe
        await bench.rows(PROBE_NOW)
    assert await bench.rows("SELECT attempts, synced_seq, failed, next_at <= now() FROM item_sync") == [
        (0, 0, False, True)
    ]
    arr.error = None
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.SYNCED
    assert await bench.rows("SELECT down_since, failures FROM connection") == [(None, 0)]


async def test_calls_that_fail_together_are_one_failure(bench: Bench) -> None:
    arr = FakeArr(gate=asyncio.Event())
    connection = await bench.connect(arr)
    await many_due(bench, connection, 4)
    managers = [await bench.manager(connection) for _ in range(4)]
    calls = [asyncio.create_task(manager.sync(number)) for number, manager in enumerate(managers, 1)]
    await bench.until(lambda: len(arr.asked) == 4)
    arr.error = ArrTimeout("Radarr does not answer.")
    assert arr.gate is not None
    arr.gate.set()
    assert set(await asyncio.gather(*calls)) == {SyncOutcome.CONNECTION_FAILED}
    assert await bench.rows(PAUSE) == [(1, 5)]


class GatedArr(FakeArr):
    """Holds back every call; counts those that began."""

    calls = 0

    async def get_system_status(self) -> SystemStatus:
        self.calls += 1
        assert self.gate is not None
        await self.gate.wait()
        return await super().get_system_status()

    async def get_media(self, arr_id: int) -> RawItem:
        self.calls += 1
        return await super().get_media(arr_id)


async def test_a_person_does_not_wait_for_the_next_probe(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={1: movie_item(1, bench.root)}))
    await bench.refresh(connection)
    async with bench.deps.db.transaction() as tx:
        await runs.request(tx, connection, RunTrigger.SCHEDULE)
    await bench.rows("UPDATE connection SET down_since = now(), probe_at = now() + interval '5 min' RETURNING 1")
    async with bench.deps.db.transaction() as tx:
        assert await runs.list_waiting(tx, 5) == []
    await request_reconciliation(bench.deps, connection, accept_deletions=False)
    async with bench.deps.db.transaction() as tx:
        assert len(await runs.list_waiting(tx, 5)) == 1


async def test_one_probe_asks_then_all_go_on_and_a_refresh_comes(bench: Bench, redis: ArqRedis) -> None:
    arr = GatedArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in range(1, 21)}, gate=asyncio.Event())
    assert arr.gate is not None
    arr.gate.set()
    connection = await bench.connect(arr)
    arr.gate.clear()
    arr.calls = 0
    await bench.rows(RUNS_DONE)
    await bench.rows("UPDATE connection SET down_since = now(), failures = 3, probe_at = now() RETURNING 1")
    await many_due(bench, connection, 20)
    async with working(bench.deps, redis, 2):
        await bench.until(lambda: arr.calls > 0)
        for _ in range(20):
            await bench.deps.wakeups.wake_syncs([connection])
            await asyncio.sleep(0.05)
        assert arr.calls == 1
        arr.gate.set()
        await until_rows(bench, "SELECT count(*) FROM item_sync WHERE synced_seq = 1", [(20,)])
        await until_rows(
            bench, "SELECT trigger, outcome FROM run ORDER BY id DESC LIMIT 1", [("recovery", "completed")]
        )
    assert await bench.rows("SELECT down_since, failures FROM connection") == [(None, 0)]
    assert await bench.rows("SELECT count(*) FROM run") == [(2,)]
    assert sorted(arr.asked) == list(range(1, 21))


async def test_a_probe_that_a_run_is_taking_asks_for_no_second_run(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    await bench.rows("UPDATE connection SET down_since = now(), failures = 3, probe_at = now() RETURNING 1")
    async with bench.deps.db.transaction() as tx:
        asked = await connections.get(tx, connection)
        assert asked is not None
        assert await connections.may_ask(tx, asked)
        (waiting,) = await runs.list_waiting(tx, 5)
        assert await runs.claim(tx, waiting.id) is not None
        sweep = asyncio.create_task(request_what_is_due(bench.deps))
        await asyncio.wait({sweep}, timeout=0.5)
    await sweep
    assert await bench.rows("SELECT count(*) FROM run") == [(1,)]


async def test_a_probe_that_nobody_takes_asks_for_a_run(bench: Bench) -> None:
    await bench.connect(FakeArr())
    await bench.rows(RUNS_DONE)
    await bench.rows("UPDATE connection SET down_since = now(), failures = 3, probe_at = now() RETURNING 1")
    await request_what_is_due(bench.deps)
    assert await bench.rows("SELECT trigger FROM run ORDER BY id") == [("connect",), ("recovery",)]


async def test_a_proxy_that_answers_404_to_everything_deletes_nothing(bench: Bench, redis: ArqRedis) -> None:
    bodies = [("<html><body>404</body></html>", "text/html"), ("404 page not found", "text/plain"), ("", None)]
    with ArrSimulator("Radarr", bench.root) as radarr:
        for number in range(200):
            radarr.add(f"Film {number}", 2010)
        async with HttpClients("test") as clients:
            deps = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())))
            new = {"arr_type": "radarr", "url": radarr.url, "api_key": radarr.api_key, "register_webhook": False}
            connection = (await add_connection(deps, ConnectionCreate.model_validate(new))).connection.id
            async with working(deps, redis):
                await until_rows(bench, "SELECT outcome FROM run", [("completed",)])
                radarr.fault = faults.not_found(*bodies[0])
                for arr_id in range(1, 201):
                    await bench.event(connection, arr_id)
                for failures, body in enumerate(bodies, 1):
                    radarr.fault = faults.not_found(*body)
                    await bench.rows(PROBE_NOW)
                    await until_rows(bench, f"SELECT failures >= {failures} FROM connection", [(True,)])
                assert await bench.rows("SELECT count(*), count(missing_since) FROM media") == [(200, 0)]
                assert await bench.rows("SELECT state, count(*) FROM event GROUP BY state") == [("pending", 200)]
                assert await bench.rows("SELECT max(attempts) FROM item_sync") == [(0,)]
                radarr.fault = None
                await bench.rows(PROBE_NOW)
                await until_rows(bench, "SELECT state, count(*) FROM event GROUP BY state", [("processed", 200)])
                await until_rows(bench, "SELECT count(*) FROM run WHERE outcome IS NULL", [(0,)])
        assert await bench.rows("SELECT count(*), count(missing_since) FROM media") == [(200, 0)]


async def test_one_item_that_fails_as_a_connection_does_holds_up_no_other(bench: Bench, redis: ArqRedis) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root) for number in range(1, 31)})
    connection = await bench.connect(arr)
    arr.item_errors[1] = ArrTimeout("Radarr does not answer.")
    await many_due(bench, connection, 30)
    await bench.rows(RUNS_DONE)
    async with working(bench.deps, redis):
        await until_rows(bench, "SELECT arr_id, attempts FROM item_sync WHERE synced_seq < requested_seq", [(1, 1)], 20)
    assert await bench.rows("SELECT down_since, failures FROM connection") == [(None, 0)]


async def test_a_key_that_cannot_be_decrypted_pauses_only_its_connection(bench: Bench, redis: ArqRedis) -> None:
    broken = await bench.connect(FakeArr(), "Broken")
    healthy = await bench.connect(FakeArr(), "Healthy")
    await bench.rows(f"UPDATE connection SET api_key = 'damaged' WHERE id = {broken} RETURNING 1")
    await bench.event(broken, 1)
    outcomes = "SELECT connection_id, outcome FROM run WHERE outcome IS NOT NULL ORDER BY connection_id"
    async with working(bench.deps, redis):
        await until_rows(bench, outcomes, [(broken, "failed"), (healthy, "completed")], 20)
    ((down, error),) = await bench.rows(
        f"SELECT down_since IS NOT NULL, last_error FROM connection WHERE id = {broken}"
    )
    assert down
    assert "SECRET_KEY" in error
