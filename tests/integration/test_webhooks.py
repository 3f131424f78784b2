"""The door for Arrs: every body gets the answer that the design gives it, and only events are stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.pipeline.connections import add_connection
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr
from tests.integration.conftest import Bench
from tests.integration.serving import serving

PAYLOAD_BODIES = {path: path.read_bytes() for path in (Path(__file__).parent.parent / "payloads").rglob("*.json")}
USER = "trailhook"


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        yield opened


async def door(bench: Bench, app: str = "radarr") -> str:
    bench.arrs.arrs["http://arr.example"] = FakeArr(app.capitalize())
    new = {"arr_type": app, "url": "http://arr.example", "api_key": "k"}
    return (await add_connection(bench.deps, ConnectionCreate.model_validate(new))).webhook_password


async def stored(bench: Bench) -> list[Any]:
    return await bench.rows("SELECT event_type, arr_id, state, payload FROM event ORDER BY id")


def event(item_id: object = 7, event_type: object = "Download") -> bytes:
    return json.dumps({"eventType": event_type, "movie": {"id": item_id}}).encode()


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("path", ["/webhooks/radarr", "/webhooks/radarr/"])
async def test_an_event_is_stored_as_it_came_and_wakes_a_sync(
    bench: Bench, client: httpx.AsyncClient, method: str, path: str
) -> None:
    password = await door(bench)
    answer = await client.request(method, path, content=event(), auth=(USER, password))
    assert answer.status_code == 202
    assert answer.json() == {"event_id": 1, "event_type": "Download", "action": "sync"}
    assert await stored(bench) == [("Download", 7, "pending", event())]
    assert await bench.rows("SELECT arr_id, requested_seq, synced_seq FROM item_sync") == [(7, 1, 0)]
    async with asyncio.timeout(5):
        # The connection's first run, and the sync; Redis tells nobody.
        while (await bench.deps.wakeups.depths() or {})["sync"] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("file", sorted(PAYLOAD_BODIES), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_every_payload_is_accepted(bench: Bench, client: httpx.AsyncClient, file: Path) -> None:
    password = await door(bench, file.parent.name)
    body = PAYLOAD_BODIES[file]
    answer = await client.post(f"/webhooks/{file.parent.name}", content=body, auth=(USER, password))
    document = json.loads(body)
    item = document.get("movie") or document.get("series")
    action = "test" if document["eventType"] == "Test" else "sync" if item else "ignored"
    assert answer.status_code == (200 if action == "test" else 202)
    assert answer.json()["action"] == action
    assert [row[0] for row in await stored(bench)] == [document["eventType"]]
    asked = [(item["id"],)] if action == "sync" else []
    assert await bench.rows("SELECT arr_id FROM item_sync") == asked


async def test_a_header_opens_the_door_too(bench: Bench, client: httpx.AsyncClient) -> None:
    password = await door(bench)
    answer = await client.post("/webhooks/radarr", content=event(), headers={"X-Webhook-Token": password})
    assert answer.status_code == 202


async def test_a_test_is_answered_and_acted_on_by_nobody(bench: Bench, client: httpx.AsyncClient) -> None:
    password = await door(bench)
    answer = await client.post("/webhooks/radarr", content=event(1, "Test"), auth=(USER, password))
    assert (answer.status_code, answer.json()["action"]) == (200, "test")
    assert await stored(bench) == [("Test", None, "ignored", event(1, "Test"))]
    assert await bench.rows("SELECT 1 FROM item_sync") == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event(0), id="0"),
        pytest.param(event(-1), id="-1"),
        pytest.param(event(2**31), id="2^31"),
        pytest.param(event(True), id="true"),
        pytest.param(event("7"), id="string"),
        pytest.param(event(7, ["Download"]), id="event type is a list"),
        pytest.param(event(7, "a\x00b"), id="NUL in the event type"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b'{"eventType": "Download", "movie": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="deep"),
        pytest.param(b'{"eventType": "Download", "movie": {"id": 7, "title": "\\ud800"}}', id="lone surrogate"),
    ],
)
async def test_what_names_no_item_is_acknowledged_and_ignored(
    bench: Bench, client: httpx.AsyncClient, body: bytes
) -> None:
    password = await door(bench)
    answer = await client.post("/webhooks/radarr", content=body, auth=(USER, password))
    assert (answer.status_code, answer.json()["action"]) == (202, "ignored")
    assert [(row[1], row[2], row[3]) for row in await stored(bench)] == [(None, "ignored", body)]
    assert await bench.rows("SELECT 1 FROM item_sync") == []


async def test_nul_inside_other_texts_does_no_harm(bench: Bench, client: httpx.AsyncClient) -> None:
    password = await door(bench)
    body = b'{"eventType": "Download", "movie": {"id": 7, "title": "a\\u0000b"}}'
    answer = await client.post("/webhooks/radarr", content=body, auth=(USER, password))
    assert (answer.status_code, answer.json()["action"]) == (202, "sync")


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b"7", b'{"a": NaN}', b"\xff\xfe{", b'{"a": "\x00"}'])
async def test_no_object_is_refused_and_not_stored(bench: Bench, client: httpx.AsyncClient, body: bytes) -> None:
    password = await door(bench)
    answer = await client.post("/webhooks/radarr", content=body, auth=(USER, password))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation")
    assert await stored(bench) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused(bench: Bench, client: httpx.AsyncClient, announced: bool) -> None:
    password = await door(bench)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65536

    content = b" " * 10 * 1024 * 1024 if announced else chunks()
    answer = await client.post("/webhooks/radarr", content=content, auth=(USER, password))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert await stored(bench) == []


@pytest.mark.parametrize(
    ("path", "auth", "status"),
    [
        ("/webhooks/radarr", None, 401),
        ("/webhooks/radarr", (USER, "wrong"), 401),
        ("/webhooks/radarr", (USER, ""), 401),
        ("/webhooks/other", (USER, "wrong"), 404),
        ("/webhooks/other", None, 404),
        ("/webhooks/%00", None, 404),
    ],
)
async def test_nobody_else_comes_in(
    bench: Bench, client: httpx.AsyncClient, path: str, auth: tuple[str, str] | None, status: int
) -> None:
    await door(bench)
    answer = await client.post(path, content=event(), auth=httpx.BasicAuth(*auth) if auth else httpx.USE_CLIENT_DEFAULT)
    assert answer.status_code == status
    assert await stored(bench) == []


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic " + "A" * 9000, "Bearer x", "Basic dHJhaWxob29r"])
async def test_broken_credentials_are_wrong_credentials(bench: Bench, client: httpx.AsyncClient, header: str) -> None:
    await door(bench)
    answer = await client.post("/webhooks/radarr", content=event(), headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_disabled_connection_acknowledges_and_ignores(bench: Bench, client: httpx.AsyncClient) -> None:
    password = await door(bench)
    await bench.rows("UPDATE connection SET enabled = false RETURNING 1")
    answer = await client.post("/webhooks/radarr", content=event(), auth=(USER, password))
    assert (answer.status_code, answer.json()["action"]) == (202, "ignored")
    assert await bench.rows("SELECT 1 FROM item_sync") == []
    assert await bench.rows("SELECT state, error FROM event") == [
        ("ignored", "The connection was disabled when it came.")
    ]


async def test_the_door_is_never_a_redirect(client: httpx.AsyncClient) -> None:
    for path in ("/webhooks/x", "/webhooks/x/", "/webhooks", "/webhooks/", "/webhooks//"):
        answer = await client.post(path, content=b"{}")
        assert answer.status_code == 404
