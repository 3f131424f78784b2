"""The events list says what came in, what became of it and why; a replay has an event handled again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr

from app.domain.backoff import MAX_SYNC_ATTEMPTS
from app.errors import ArrItemError, ArrUnreachable
from app.pipeline.connection_manager import SyncOutcome
from app.pipeline.housekeeping import PRUNED_AT_ONCE, prune_events
from app.queue import SYNC_QUEUE, ArqWakeups, open_redis
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

BROKEN = "Radarr failed for this item: no such table."


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def listed(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def only(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    (event,) = await listed(client, **query)
    return event


async def replay(client: httpx.AsyncClient, event_id: int) -> httpx.Response:
    return await client.post(f"/api/v1/events/{event_id}/replay")


async def sync_when_due(bench: Bench, connection: int, arr_id: int) -> SyncOutcome:
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    return await (await bench.manager(connection)).sync(arr_id)


async def fail_for_good(bench: Bench, connection: int, arr_id: int) -> None:
    for number in range(1, MAX_SYNC_ATTEMPTS + 1):
        assert await sync_when_due(bench, connection, arr_id) is SyncOutcome.ITEM_FAILED, number


async def test_an_event_is_shown_with_its_connection_and_its_title(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root), 8: movie_item(8, bench.root, "Charge")})
    connection = await bench.connect(arr, "Films")
    await bench.refresh(await bench.connect(FakeArr(items={7: movie_item(7, bench.root, "Spring")}), "More films"))
    await bench.event(connection, 7)
    waiting = await only(client)
    assert (waiting["state"], waiting["title"], waiting["media_id"]) == ("pending", None, None)
    assert (waiting["note"], waiting["next_try_at"]) == ("The next free worker takes it up.", None)
    await sync_when_due(bench, connection, 7)
    await bench.sync(connection, 8)
    _, done = await listed(client)
    media_id = (await bench.titles())["Sintel"].id
    assert (done["connection_name"], done["title"], done["media_id"]) == ("Films", "Sintel", media_id)
    assert (done["state"], done["note"], done["error"]) == ("processed", None, None)
    assert done["received_at"] <= done["processed_at"]


async def test_events_are_filtered_by_connection_and_paged(bench: Bench, client: httpx.AsyncClient) -> None:
    films, more = await bench.connect(FakeArr(), "Films"), await bench.connect(FakeArr(), "More films")
    for arr_id in range(1, 6):
        await bench.event(films, arr_id)
        await bench.event(more, arr_id)
    seen = []
    cursor: str | None = ""
    while cursor is not None:
        query: dict[str, Any] = {"connection_id": more, "limit": 2, "cursor": cursor}
        page = (await client.get("/api/v1/events", params=query)).json()
        assert page["total"] == 5
        seen += [(item["connection_name"], item["arr_id"]) for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [("More films", arr_id) for arr_id in (5, 4, 3, 2, 1)]
    assert (await client.get("/api/v1/events", params={"connection_id": "x"})).status_code == 422


async def test_events_of_a_deleted_connection_are_shown_nowhere(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr())
    await bench.event(connection, 7)
    await bench.rows("UPDATE connection SET deleted_at = now(), enabled = false RETURNING 1")
    assert (await client.get("/api/v1/events")).json() == {"items": [], "next_cursor": None, "total": 0}
    for answer in (await client.get("/api/v1/events/1"), await replay(client, 1)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_what_waits_for_its_connection_says_so(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr())
    bench.arrs.arrs["http://radarr.example:7878"].error = ArrUnreachable("Nothing listens at radarr.example.")
    assert await bench.sync(connection, 7) is SyncOutcome.CONNECTION_FAILED
    event = await only(client)
    assert event["note"] == "Nothing listens at radarr.example. The event is handled once Radarr answers."
    assert event["next_try_at"] > event["received_at"]
    await bench.rows("UPDATE connection SET enabled = false RETURNING 1")
    assert (await only(client))["note"] == "Radarr is disabled; the event is handled once it is enabled again."


async def test_what_is_ignored_says_why(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr)
    (entry,) = arr.webhooks.values()
    for body in ({"eventType": "Test", "movie": {"id": 1}}, {"eventType": "Health"}, {"movie": {"id": 7}}):
        password = entry.password.get_secret_value()
        sent = await client.post("/webhooks/radarr", json=body, headers={"X-Webhook-Token": password})
        assert sent.is_success
    events = await listed(client, state="ignored", connection_id=connection)
    assert {event["event_type"]: event["note"] for event in events} == {
        "Test": "It is a test of the webhook and asks for nothing.",
        "Health": "It names no title of Radarr.",
        None: "It has no event type that can be read.",
    }
    refused = await replay(client, events[0]["id"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "asked for no title" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        (b'{"movie": {"id": 7, "title": "<b>\xc3\xa9</b>"}}', {"movie": {"id": 7, "title": "<b>é</b>"}}),
        (b'{"title": "\\ud800"}', '{"title": "\\ud800"}'),
        (b'{"n": 1\xff}', '{"n": 1�}'),
        (b'{"a":' * 500 + b"1" + b"}" * 500, '{"a":' * 500 + "1" + "}" * 500),
    ],
    ids=["json", "lone surrogate", "not UTF-8", "too deep"],
)
async def test_one_event_is_shown_with_what_was_received(
    bench: Bench, client: httpx.AsyncClient, received: bytes, shown: object
) -> None:
    await bench.event(await bench.connect(FakeArr()), 7)
    await bench.rows(f"UPDATE event SET payload = decode('{received.hex()}', 'hex') RETURNING 1")
    event = await client.get("/api/v1/events/1")
    assert event.status_code == 200
    assert (event.json()["payload"], event.json()["arr_id"], event.json()["state"]) == (shown, 7, "pending")
    assert "payload" not in await only(client)


@pytest.mark.parametrize("event_id", ["1", "9" * 18, "9" * 30, "x"])
async def test_an_event_that_is_not_there(client: httpx.AsyncClient, event_id: str) -> None:
    for answer in (
        await client.get(f"/api/v1/events/{event_id}"),
        await client.post(f"/api/v1/events/{event_id}/replay"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_poison_item_fails_with_its_reason_and_a_replay_revives_it(
    bench: Bench, client: httpx.AsyncClient, redis: ArqRedis
) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, item_errors={7: ArrItemError(BROKEN)})
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    assert await sync_when_due(bench, connection, 7) is SyncOutcome.ITEM_FAILED
    waiting = await only(client, state="pending")
    assert waiting["note"] == f"{BROKEN} Tries that failed: 1 of 10."
    assert waiting["next_try_at"] > waiting["received_at"]
    for _ in range(MAX_SYNC_ATTEMPTS - 1):
        assert (await only(client))["state"] == "pending"
        assert await sync_when_due(bench, connection, 7) is SyncOutcome.ITEM_FAILED
    failed = await only(client, state="failed")
    assert (failed["note"], failed["error"], failed["next_try_at"]) == (BROKEN, BROKEN, None)
    assert (await client.get("/api/v1/status")).json()["inbox"]["failed"] == 1
    assert await sync_when_due(bench, connection, 7) is SyncOutcome.NOTHING_DUE

    arr.item_errors.clear()
    await redis.delete(SYNC_QUEUE)
    answer = await replay(client, failed["id"])
    assert answer.status_code == 202
    replayed = answer.json()
    assert (replayed["id"], replayed["state"], replayed["error"]) == (failed["id"], "pending", None)
    assert (replayed["processed_at"], replayed["received_at"]) == (None, failed["received_at"])
    assert await redis.zcard(SYNC_QUEUE) == 1
    assert await bench.rows("SELECT failed, attempts, next_at <= now() FROM item_sync") == [(False, 0, True)]
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.SYNCED
    assert ((await only(client))["state"], (await only(client))["title"]) == ("processed", "Sintel")
    assert (await client.get("/api/v1/status")).json()["inbox"]["failed"] == 0


async def test_a_new_event_revives_a_failed_item(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, item_errors={7: ArrItemError(BROKEN)})
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    await fail_for_good(bench, connection, 7)
    arr.item_errors.clear()
    await bench.event(connection, 7, "Rename")
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.SYNCED
    assert [(event["state"], event["error"]) for event in await listed(client)] == [("processed", None)] * 2
    assert (await client.get("/api/v1/status")).json()["inbox"]["failed"] == 0


async def test_a_poison_item_leaves_the_others_alone(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={8: movie_item(8, bench.root)}, item_errors={7: ArrItemError(BROKEN)})
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    await bench.event(connection, 8)
    await fail_for_good(bench, connection, 7)
    assert await (await bench.manager(connection)).sync(8) is SyncOutcome.SYNCED
    assert [(event["arr_id"], event["state"]) for event in await listed(client)] == [(8, "processed"), (7, "failed")]


async def test_replaying_what_waits_ends_its_wait(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, item_errors={7: ArrItemError(BROKEN)})
    connection = await bench.connect(arr)
    assert await bench.sync(connection, 7) is SyncOutcome.ITEM_FAILED
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.NOTHING_DUE
    arr.item_errors.clear()
    answer = await replay(client, (await only(client))["id"])
    assert (answer.status_code, answer.json()["note"]) == (202, "The next free worker takes it up.")
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.SYNCED
    assert (await only(client))["state"] == "processed"


async def test_what_was_handled_is_handled_again(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    assert (await replay(client, 1)).status_code == 202
    assert await (await bench.manager(connection)).sync(7) is SyncOutcome.SYNCED
    assert arr.asked == [7, 7]
    assert (await only(client))["state"] == "processed"


async def test_a_replay_during_a_sync_gets_a_sync_of_its_own(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)}, gate=asyncio.Event())
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    under_way = asyncio.create_task((await bench.manager(connection)).sync(7))
    await bench.until(lambda: arr.asked == [7])
    assert (await only(client))["note"] == "A worker is at it."
    assert (await replay(client, 1)).json()["state"] == "pending"
    assert arr.gate is not None
    arr.gate.set()
    assert await under_way is SyncOutcome.SYNCED
    assert (await only(client))["state"] == "pending"
    assert await sync_when_due(bench, connection, 7) is SyncOutcome.SYNCED
    assert arr.asked == [7, 7]
    assert (await only(client))["state"] == "processed"


async def test_replays_events_and_syncs_of_one_item_at_once_lose_nothing(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    for _ in range(3):
        await bench.event(connection, 7)
    for _ in range(5):
        await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
        manager = await bench.manager(connection)
        replays = asyncio.gather(*(replay(client, event_id) for event_id in (1, 2, 3, 1)))
        await asyncio.gather(bench.event(connection, 7), manager.sync(7))
        assert [answer.status_code for answer in await replays] == [202] * 4
    while await sync_when_due(bench, connection, 7) is SyncOutcome.SYNCED:
        pass
    assert {event["state"] for event in await listed(client)} == {"processed"}
    assert (await client.get("/api/v1/events")).json()["total"] == 8
    assert await bench.rows("SELECT synced_seq = requested_seq, requested_seq FROM item_sync") == [(True, 28)]


async def test_events_of_a_disabled_connection_are_not_replayed(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    await bench.rows("UPDATE connection SET enabled = false RETURNING 1")
    answer = await replay(client, 1)
    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "Radarr is disabled: enable it, then replay its events."
    assert (await only(client))["state"] == "processed"


async def test_a_replay_without_redis_is_left_to_the_sweep(bench: Bench) -> None:
    away = open_redis(SecretStr("redis://127.0.0.1:9/0"), retries=0)
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    async with serving(replace(bench.deps, wakeups=ArqWakeups(away))) as program:
        program.headers["X-Api-Key"] = API_KEY
        assert (await replay(program, 1)).status_code == 202
    await away.aclose()
    assert await bench.rows("SELECT synced_seq < requested_seq AND next_at <= now() FROM item_sync") == [(True,)]


async def test_the_page_shows_events_and_replays_what_failed(bench: Bench) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root, "<i>Sintel</i>")}, item_errors={8: ArrItemError("<b>broken</b>")})
    connection = await bench.connect(arr)
    await bench.sync(connection, 7)
    await bench.event(connection, 8)
    await fail_for_good(bench, connection, 8)
    async with serving(bench.deps) as browser:
        assert (await browser.get("/activity")).headers["location"] == "/login"
        assert (await browser.post("/activity/2/replay", data={"csrf": ""})).headers["location"] == "/login"
        await browser.post("/login", data={"api_key": API_KEY})
        page = await browser.get("/activity")
        assert "&lt;i&gt;Sintel&lt;/i&gt;" in page.text
        assert "&lt;b&gt;broken&lt;/b&gt;" in page.text
        assert page.text.count('action="/activity/2/replay"') == page.text.count("/replay") == 1
        assert "Sintel" not in (await browser.get("/activity?state=failed")).text
        await browser.post("/activity/2/replay", data={"csrf": "wrong"})
        assert await bench.rows("SELECT state FROM event WHERE id = 2") == [("failed",)]
        token = page.text.split('name="csrf" value="')[1].split('"')[0]
        replayed = await browser.post("/activity/2/replay", data={"csrf": token})
        assert (replayed.status_code, replayed.headers["location"]) == (303, "/activity")
        assert await bench.rows("SELECT state FROM event WHERE id = 2") == [("pending",)]
        await bench.rows("UPDATE connection SET enabled = false RETURNING 1")
        refused = await browser.post("/activity/2/replay", data={"csrf": token})
        assert refused.status_code == 409
        assert "Radarr is disabled: enable it, then replay its events." in refused.text


async def test_only_what_was_handled_long_ago_is_deleted_however_much_it_is(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    many = 2 * PRUNED_AT_ONCE + 1
    for state, days in (("processed", 31), ("ignored", 31), ("processed", 29), ("failed", 400), ("pending", 400)):
        number = many if days == 31 else 3
        await bench.rows(f"""
            INSERT INTO event (connection_id, arr_id, payload, state, received_at, processed_at)
            SELECT {connection}, 7, '', '{state}', now() - interval '400 days',
                   CASE WHEN '{state}' <> 'pending' THEN now() - interval '{days} days' END
            FROM generate_series(1, {number}) RETURNING 1
        """)
    await prune_events(bench.deps)
    kept = await bench.rows("SELECT state, count(*) FROM event GROUP BY state ORDER BY state")
    assert kept == [("failed", 3), ("pending", 3), ("processed", 3)]
