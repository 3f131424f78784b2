"""Our entry in the Arr's Connect list, kept alive against simulated apps: only ours, and only what is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.arr.factory import ArrFactory
from app.context import Deps
from app.db import connections
from app.domain.records import Connection
from app.errors import ArrUnreachable
from app.http import ArrPatience, HttpClients
from app.pipeline.connections import add_connection, get_connection
from app.pipeline.webhook_upkeep import EVERY, EVERY_WITH_ERROR, keep_all, keep_webhook, register_webhook
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr
from tests.integration.conftest import Bench
from tests.integration.serving import serving
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.stack import free_port

SOON = timedelta(0)


@pytest.fixture
def radarr(tmp_path: Path) -> Iterator[ArrSimulator]:
    with ArrSimulator("Radarr", tmp_path / "movies") as simulator:
        yield simulator


@pytest.fixture
async def deps(bench: Bench) -> AsyncIterator[Deps]:
    """Real managers, and the service listening where the Arrs are told."""
    async with HttpClients("test") as clients:
        bench.deps = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())))
        async with serving(bench.deps) as client:
            yield reached_under(bench.deps, str(client.base_url))


def reached_under(deps: Deps, url: str) -> Deps:
    return replace(deps, settings=deps.settings.model_copy(update={"public_url": url.rstrip("/")}))


async def connect(deps: Deps, arr: ArrSimulator, **changes: object) -> Connection:
    new = {"arr_type": arr.app_name.lower(), "url": arr.url, "api_key": arr.api_key, **changes}
    return (await add_connection(deps, ConnectionCreate.model_validate(new))).connection


async def keep(deps: Deps, connection: Connection) -> Connection:
    """One round, and the connection after it."""
    await keep_webhook(deps, await get_connection(deps, connection.id))
    return await get_connection(deps, connection.id)


def set_field(arr: ArrSimulator, number: int, name: str, value: object) -> None:
    """Change one setting of an entry, as a user does."""
    fields = [field for field in arr.notifications[number]["fields"] if field["name"] != name]
    arr.notifications[number]["fields"] = [*fields, {"name": name, "value": value}]


def field(arr: ArrSimulator, number: int, name: str) -> Any:
    return next(field["value"] for field in arr.notifications[number]["fields"] if field["name"] == name)


def count_tests(arr: ArrSimulator) -> int:
    return sum(delivery.event_type == "Test" for delivery in arr.deliveries)


@pytest.mark.parametrize(
    ("app", "version"),
    [
        ("Radarr", "3.2.2.5080"),
        ("Radarr", "4.7.5.7809"),
        ("Radarr", "5.28.0.10274"),
        ("Radarr", "6.0.4.10291"),
        ("Sonarr", "3.0.10.1567"),
        ("Sonarr", "4.0.19.2979"),
    ],
)
async def test_every_version_gets_an_entry_that_then_rests(deps: Deps, tmp_path: Path, app: str, version: str) -> None:
    with ArrSimulator(app, tmp_path / "library", version=version) as arr:
        connection = await connect(deps, arr)
        assert (connection.webhook_error, connection.notification_id) == (None, 1)
        stored = dict(arr.notifications)
        again = await keep(deps, connection)
        assert (again.webhook_error, again.notification_id, arr.notifications) == (None, 1, stored)
        assert all(delivery.ok for delivery in arr.deliveries)
        speaks_of_blocks = not version.startswith(("3.", "4.7"))
        assert count_tests(arr) == (1 if speaks_of_blocks else 2)


async def test_a_missing_entry_comes_back(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    radarr.notifications = {}
    after = await keep(deps, connection)
    assert after.webhook_error is None
    assert radarr.notifications[after.notification_id or 0]["name"] == "Trailhook (radarr)"


async def test_what_a_user_broke_is_put_right_and_the_rest_stays(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    password = field(radarr, 1, "password")
    radarr.notifications[1] |= {"name": "Mine", "tags": [7], "onDownload": False, "onHealthIssue": True}
    set_field(radarr, 1, "method", 2)
    set_field(radarr, 1, "password", "")
    set_field(radarr, 1, "headers", [{"key": "X-Proxy", "value": "in"}])
    after = await keep(deps, connection)
    entry = radarr.notifications[1]
    assert (entry["name"], entry["tags"], entry["onDownload"], entry["onHealthIssue"]) == ("Mine", [7], True, False)
    assert (field(radarr, 1, "method"), field(radarr, 1, "password")) == (1, password)
    assert field(radarr, 1, "headers") == [{"key": "X-Proxy", "value": "in"}]
    assert after.webhook_error is None
    assert "tags" in (after.webhook_notice or "")


async def test_a_changed_password_is_found_once_events_fail(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    password = field(radarr, 1, "password")
    set_field(radarr, 1, "password", "another")
    radarr.block(1)
    after = await keep(deps, connection)
    assert field(radarr, 1, "password") == password
    assert (after.webhook_error, after.webhook_blocked) == (None, False)
    assert await asyncio.to_thread(blocked, radarr) is False


def blocked(radarr: ArrSimulator) -> bool:
    """Whether the Arr drops what it should send."""
    before = len(radarr.deliveries)
    radarr.add("Sintel", 2010)
    return len(radarr.deliveries) == before


async def test_a_block_ends_with_one_test(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    radarr.block(1)
    sent = count_tests(radarr)
    await keep(deps, connection)
    assert count_tests(radarr) == sent + 1
    assert await asyncio.to_thread(blocked, radarr) is False


async def test_a_block_of_another_entry_is_nothing_to_us(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    radarr.notifications[5] = {**radarr.notifications[1], "id": 5, "name": "Other"}
    set_field(radarr, 5, "url", "http://127.0.0.1:9/other")
    radarr.block(5)
    sent = count_tests(radarr)
    await keep(deps, connection)
    assert count_tests(radarr) == sent


async def test_what_cannot_be_unblocked_is_told(deps: Deps, bench: Bench, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    radarr.block(1)
    away = reached_under(deps, f"http://127.0.0.1:{free_port()}")
    set_field(radarr, 1, "url", f"{away.settings.public_url}/webhooks/radarr")
    after = await keep(away, connection)
    assert after.webhook_blocked
    assert after.notification_id == 1
    assert "check that it can reach this address" in (after.webhook_error or "")
    async with serving(bench.deps) as client:
        client.headers["X-Api-Key"] = "the key of these tests"
        (shown,) = (await client.get("/api/v1/status")).json()["connections"]
    assert shown["webhook"]["state"] == "blocked"


async def test_an_address_that_works_stays_and_is_told(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    by_name = field(radarr, 1, "url").replace("127.0.0.1", "localhost")
    set_field(radarr, 1, "url", by_name)
    after = await keep(deps, connection)
    assert field(radarr, 1, "url") == by_name
    assert (after.webhook_error, by_name in (after.webhook_notice or "")) == (None, True)


async def test_an_address_that_works_stays_when_the_rest_is_put_right(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    by_name = field(radarr, 1, "url").replace("127.0.0.1", "localhost")
    set_field(radarr, 1, "url", by_name)
    radarr.notifications[1]["onDownload"] = False
    await keep(deps, connection)
    assert (field(radarr, 1, "url"), radarr.notifications[1]["onDownload"]) == (by_name, True)


@pytest.mark.parametrize("heard", [True, False])
async def test_an_address_that_does_not_work_is_taken_back(deps: Deps, radarr: ArrSimulator, heard: bool) -> None:
    connection = await connect(deps, radarr)
    radarr.notifications[1]["onDownload"] = heard
    ours = field(radarr, 1, "url")
    set_field(radarr, 1, "url", f"http://127.0.0.1:{free_port()}/webhooks/radarr")
    after = await keep(deps, connection)
    assert field(radarr, 1, "url") == ours
    assert (after.webhook_error, after.webhook_notice) == (None, None)


async def test_two_trailhooks_leave_each_others_entries_alone(deps: Deps, bench: Bench, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    other = {**radarr.notifications[1], "id": 9, "name": "TRAILHOOK (RADARR) 2"}
    radarr.notifications[9] = other
    set_field(radarr, 9, "url", "http://127.0.0.1:9/webhooks/radarr")
    kept = dict(other)
    radarr.notifications.pop(1)
    after = await keep(deps, connection)
    assert radarr.notifications[9] == kept
    assert after.notification_id not in {None, 9}
    await bench.rows("UPDATE connection SET notification_id = NULL RETURNING 1")
    radarr.notifications[9]["name"] = "Trailhook (radarr)"
    radarr.notifications.pop(after.notification_id or 0)
    after = await keep(deps, connection)
    assert radarr.notifications[after.notification_id or 0]["name"] == "Trailhook (radarr) 2"
    assert radarr.notifications[9]["fields"] == kept["fields"]


async def test_an_entry_of_an_earlier_installation_is_taken_over(
    deps: Deps, bench: Bench, radarr: ArrSimulator
) -> None:
    await connect(deps, radarr)
    await bench.rows("DELETE FROM run RETURNING 1")
    await bench.rows("DELETE FROM event RETURNING 1")
    await bench.rows("DELETE FROM connection RETURNING 1")
    again = await connect(deps, radarr)
    assert list(radarr.notifications) == [1]
    assert (again.notification_id, again.webhook_error) == (1, None)
    assert field(radarr, 1, "password") == deps.vault.decrypt(again.webhook_password).get_secret_value()


async def test_a_manual_one_is_never_touched(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr, register_webhook=False)
    after = await keep(deps, connection)
    assert after.manual_webhook
    assert radarr.notifications == {}


async def test_an_arr_that_is_away_changes_nothing(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    radarr.fault = faults.starting_up("Radarr")
    await keep_all(deps, SOON)
    after = await get_connection(deps, connection.id)
    assert (after.notification_id, after.webhook_error) == (1, None)


async def test_each_entry_is_looked_at_by_one_worker(bench: Bench) -> None:
    arrs = {name: FakeArr() for name in ("One", "Two")}
    for name, arr in arrs.items():
        await bench.connect(arr, name)
        arr.webhooks.clear()
    await keep_all(bench.deps)
    assert [len(arr.webhooks) for arr in arrs.values()] == [0, 0]
    await bench.rows("UPDATE connection SET webhook_checked_at = now() - interval '31 minutes' RETURNING 1")
    await asyncio.gather(keep_all(bench.deps), keep_all(bench.deps))
    assert [len(arr.webhooks) for arr in arrs.values()] == [1, 1]


async def test_who_is_at_rest_is_left_alone(bench: Bench) -> None:
    arr = FakeArr()
    await bench.connect(arr)
    arr.webhooks.clear()
    for rest in ("enabled = false", "manual_webhook = true", "down_since = now()", "deleted_at = now()"):
        async with resting(bench, rest):
            await keep_all(bench.deps, SOON)
            assert arr.webhooks == {}, rest
    await bench.rows(
        "UPDATE connection SET webhook_error = 'x', webhook_checked_at = now() - interval '6 m' RETURNING 1"
    )
    await keep_all(bench.deps)
    assert list(arr.webhooks) == [1]


@asynccontextmanager
async def resting(bench: Bench, change: str) -> AsyncIterator[None]:
    await bench.rows(f"UPDATE connection SET {change} RETURNING 1")
    yield
    await bench.rows(
        "UPDATE connection SET enabled = true, manual_webhook = false, down_since = NULL, deleted_at = NULL RETURNING 1"
    )


async def test_one_that_fails_does_not_keep_the_others(bench: Bench) -> None:
    broken, fine = FakeArr(), FakeArr(app_name="Sonarr")
    await bench.connect(broken, "Broken")
    await bench.connect(fine, "Fine")
    fine.webhooks.clear()
    broken.error = ArrUnreachable("Nobody answers.")
    await keep_all(bench.deps, SOON)
    assert list(fine.webhooks) == [1]


async def test_a_password_that_somebody_changed_is_noticed_and_put_right(
    bench: Bench, deps: Deps, radarr: ArrSimulator
) -> None:
    connection = await connect(deps, radarr)
    (number,) = radarr.notifications
    assert (await connections_due(deps)) == []
    set_field(radarr, number, "password", "changed")
    for title in ("Sintel", "Charge"):
        await asyncio.to_thread(radarr.import_file, await asyncio.to_thread(radarr.add, title, 2010))
    async with asyncio.timeout(10):
        while not (await get_connection(deps, connection.id)).webhook_refused:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    await bench.rows("UPDATE connection SET webhook_checked_at = now() - interval '6 minutes' RETURNING 1")
    assert await connections_due(deps) == [connection.id]
    kept = await keep(deps, await get_connection(deps, connection.id))
    assert (kept.webhook_refused, kept.webhook_error) == (False, None)
    assert field(radarr, number, "password") != "changed"


async def test_a_person_who_asks_gets_a_test(deps: Deps, radarr: ArrSimulator) -> None:
    connection = await connect(deps, radarr)
    (number,) = radarr.notifications
    set_field(radarr, number, "password", "changed")
    found = await register_webhook(deps, await get_connection(deps, connection.id))
    assert found.error is None
    assert field(radarr, number, "password") != "changed"


async def connections_due(deps: Deps) -> list[int]:
    """The connections whose entry would be looked at now; nobody takes them."""
    async with deps.db.transaction() as tx:
        due = await connections.take_webhook_checks(tx, EVERY, EVERY_WITH_ERROR)
        await tx.rollback()
    return [one.id for one in due]
