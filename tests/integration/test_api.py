"""The API: who may come in, what it shows, what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from app.arr.factory import ArrFactory
from app.errors import ArrRejected, ArrUnauthorized, ArrUnreachable
from app.http import HttpClients
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

NEW = {"arr_type": "radarr", "url": "http://radarr.example:7878/", "api_key": "arr secret", "name": "Radarr"}


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": "wrong"}, {"Authorization": "Bearer wrong"}])
async def test_the_api_needs_the_key(bench: Bench, headers: dict[str, str]) -> None:
    async with serving(bench.deps) as stranger:
        for path in ("/api/v1/status", "/api/v1/media/1", "/api/v1/nothing"):
            answer = await stranger.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_a_bearer_token_is_the_key_too(bench: Bench) -> None:
    async with serving(bench.deps) as program:
        answer = await program.get("/api/v1/status", headers={"Authorization": f"Bearer {API_KEY}"})
        assert answer.status_code == 200


async def test_a_new_connection_shows_its_password_once_and_its_key_never(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    arr = FakeArr(roots=[str(bench.root), "/nowhere"])
    bench.arrs.arrs["http://radarr.example:7878"] = arr
    answer = await client.post("/api/v1/connections", json=NEW)
    assert answer.status_code == 201
    created = answer.json()
    assert created["webhook_url"].endswith("/webhooks/radarr")
    assert created["url"] == "http://radarr.example:7878"
    assert created["warnings"] == ["/nowhere does not exist here; say where it is with --map '/nowhere=/path/here'."]
    (entry,) = arr.webhooks.values()
    assert entry.name == "Trailhook (radarr)"
    assert entry.password.get_secret_value() == created["webhook_password"]
    listed = (await client.get("/api/v1/connections")).text
    for secret in ("arr secret", created["webhook_password"]):
        assert secret not in listed
        assert await bench.rows(f"SELECT 1 FROM connection WHERE connection::text LIKE '%{secret}%'") == []
    assert "arr secret" not in answer.text


@pytest.mark.parametrize(
    ("error", "field"),
    [(ArrUnauthorized("Radarr refuses the key."), "api_key"), (ArrUnreachable("Nobody answers."), "url")],
)
async def test_a_connection_that_does_not_work_is_not_saved(
    bench: Bench, client: httpx.AsyncClient, error: Exception, field: str
) -> None:
    bench.arrs.arrs["http://radarr.example:7878"] = FakeArr(error=error)
    answer = await client.post("/api/v1/connections", json=NEW)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"] == {field: str(error)}
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_an_address_that_is_no_name_is_told(bench: Bench, client: httpx.AsyncClient) -> None:
    async with HttpClients("test") as http:
        bench.deps = replace(bench.deps, arr=ArrFactory(http))
        async with serving(bench.deps) as real:
            answer = await real.post(
                "/api/v1/connections", json={**NEW, "url": "http://xn--/"}, headers={"X-Api-Key": API_KEY}
            )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation")


async def test_a_webhook_that_cannot_be_registered_is_told(bench: Bench, client: httpx.AsyncClient) -> None:
    bench.arrs.arrs["http://radarr.example:7878"] = FakeArr(webhook_error=ArrRejected("Radarr could not reach us."))
    answer = await client.post("/api/v1/connections", json=NEW)
    assert answer.status_code == 201
    webhook = answer.json()["webhook"]
    assert (webhook["state"], webhook["notice"]) == ("missing", None)
    assert webhook["error"].startswith("Radarr could not reach us. Radarr runs on another machine")


async def test_a_taken_name_is_a_conflict(bench: Bench, client: httpx.AsyncClient) -> None:
    bench.arrs.arrs["http://radarr.example:7878"] = FakeArr()
    assert (await client.post("/api/v1/connections", json=NEW)).status_code == 201
    answer = await client.post("/api/v1/connections", json={**NEW, "name": "RADARR"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "radarr:7878"}, "url"),
        ({"url": "http://user:pass@radarr"}, "url"),
        ({"url": "http://radarr:7878/api/v3"}, "url"),
        ({"url": "http://radarr:70000"}, "url"),
        ({"arr_type": "lidarr"}, "arr_type"),
        ({"name": " "}, "name"),
        ({"name": "N\x00UL"}, "name"),
        ({"api_key": ""}, "api_key"),
        ({"path_mappings": [{"path_from": "movies", "path_to": "/m"}]}, "path_mappings.0.path_from"),
        ({"path_mappings": [{"path_from": "/m", "path_to": "../m"}]}, "path_mappings.0.path_to"),
        ({"policy": {"max_height": 5}}, "policy.max_height"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_bad_fields_are_named(client: httpx.AsyncClient, change: dict[str, object], field: str) -> None:
    answer = await client.post("/api/v1/connections", json={**NEW, **change})
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == [field]
    assert "pass" not in answer.text.replace("password", "")


async def test_titles_are_listed_searched_and_paged(bench: Bench, client: httpx.AsyncClient) -> None:
    names = ["Charge", "agent 327", "Big Buck Bunny", "Spring", "Sintel"]
    arr = FakeArr(items={number: movie_item(number, bench.root, name) for number, name in enumerate(names, 1)})
    await bench.refresh(await bench.connect(arr))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/api/v1/media", params={"limit": 2, "cursor": cursor})).json()
        assert page["total"] == 5
        seen += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["agent 327", "Big Buck Bunny", "Charge", "Sintel", "Spring"]
    found = (await client.get("/api/v1/media", params={"q": "BUCK"})).json()["items"]
    assert [item["title"] for item in found] == ["Big Buck Bunny"]
    assert (await client.get("/api/v1/media", params={"q": "%"})).json()["total"] == 0
    assert (await client.get("/api/v1/media", params={"status": "downloaded"})).json()["total"] == 0
    assert found[0]["reason"] == "storage_unreachable"
    assert "or it is empty" in found[0]["reason_text"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=\u0661",
        "limit=" + "0" * 11 + "199999",
        "limit=" + "0" * 11 + "1" + "9" * 5000,
        "cursor=%00",
        "cursor=W10",
        "cursor=WyJcdWQ4MDAiLDFd",
        "cursor=" + "W1tb" * 5000,
        "status=x",
        "connection_id=-1",
        "connection_id=" + "9" * 30,
    ],
)
async def test_bad_queries_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/v1/media?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation")


async def test_a_title_is_shown_whole_and_changed(bench: Bench, client: httpx.AsyncClient) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    shown = (await client.get(f"/api/v1/media/{title.id}")).json()
    assert (shown["title"], shown["status"], shown["trailer"], shown["attempts"]) == ("Sintel", "monitored", None, [])
    assert [event["event_type"] for event in shown["events"]] == ["Download"]
    changed = await client.patch(f"/api/v1/media/{title.id}", json={"trailer_url": "https://youtu.be/chosen00000"})
    assert changed.status_code == 200
    assert changed.json()["trailer_url"] == "https://www.youtube.com/watch?v=chosen00000"
    pinned = (await client.patch(f"/api/v1/media/{title.id}", json={"monitor": False})).json()
    assert (pinned["monitor_pinned"], pinned["reason"]) == (True, "not_monitored")
    assert pinned["trailer_url"] == "https://www.youtube.com/watch?v=chosen00000"


@pytest.mark.parametrize(
    "body", [{"trailer_url": "https://evil.example/x"}, {"monitor": "yes"}, {"status": "downloaded"}, [], "x"]
)
async def test_a_bad_change_is_refused(bench: Bench, client: httpx.AsyncClient, body: object) -> None:
    answer = await client.patch("/api/v1/media/1", json=body)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/media/999"),
        ("GET", "/api/v1/media/99999999999999999999999"),
        ("PATCH", "/api/v1/media/999"),
        ("GET", "/api/v1/runs/999"),
        ("POST", "/api/v1/connections/999/reconcile"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1/media/" + "9" * 5000),
        ("PATCH", "/api/v1/media/" + "9" * 30),
        ("PATCH", "/api/v1/media/" + "9" * 18),
        ("GET", "/api/v1/runs/" + "9" * 30),
        ("POST", "/api/v1/connections/" + "9" * 30 + "/reconcile"),
    ],
)
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_reconciliations_are_asked_for_and_shown(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    connection = await bench.connect(arr)
    run = await bench.refresh(connection)
    shown = (await client.get(f"/api/v1/runs/{run.id}")).json()
    assert (shown["outcome"], shown["fetched"], shown["created"], shown["skipped_items"]) == ("completed", 1, 1, [])
    asked = await client.post(f"/api/v1/connections/{connection}/reconcile")
    assert asked.status_code == 202
    assert (await client.get(f"/api/v1/runs/{asked.json()['run_id']}")).json()["outcome"] is None
    assert (await client.get("/api/v1/runs")).json()["total"] == 2
    refused = await client.post(f"/api/v1/connections/{connection}/reconcile?accept_deletions=true")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "nothing_held")


async def test_events_are_listed_by_state(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    await bench.event(connection, 8)
    everything = (await client.get("/api/v1/events")).json()
    assert [event["state"] for event in everything["items"]] == ["pending", "processed"]
    pending = (await client.get("/api/v1/events", params={"state": "pending"})).json()
    assert [event["arr_id"] for event in pending["items"]] == [8]
    assert (await client.get("/api/v1/events", params={"state": "lost"})).status_code == 422


async def test_the_status_tells_how_everything_is(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    await bench.event(connection, 8)
    await bench.deps.live.beat("worker:1", bench.deps.now())
    status = (await client.get("/api/v1/status")).json()
    assert (status["healthy"], status["database"], status["redis"]) == (True, True, True)
    assert status["media"] == {"total": 1, "downloading": 0, "downloaded": 0, "monitored": 1, "missing": 0}
    assert status["inbox"]["pending"] == 1
    assert [worker["name"] for worker in status["workers"]] == ["worker:1"]
    (shown,) = status["connections"]
    assert (shown["name"], shown["healthy"], shown["webhook"]["state"]) == ("Radarr", True, "registered")


async def test_health_checks_are_open_and_name_no_host(bench: Bench) -> None:
    async with serving(bench.deps) as stranger:
        alive = await stranger.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "ok", "parts": []})
        ready = await stranger.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "parts": ["workers"]})
        await bench.deps.live.beat("worker:1", bench.deps.now())
        assert (await stranger.get("/readyz")).json()["status"] == "ok"


async def test_people_sign_in_with_the_key(bench: Bench) -> None:
    item = movie_item(7, bench.root, "<script>alert(1)</script>")
    await bench.refresh(await bench.connect(FakeArr(items={7: item})))
    async with serving(bench.deps) as browser:
        assert (await browser.get("/")).headers["location"] == "/login"
        assert (await browser.post("/login", data={"api_key": "wrong"})).status_code == 401
        entered = await browser.post("/login", data={"api_key": API_KEY})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        page = await browser.get("/")
        assert page.status_code == 200
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>" not in page.text
        assert "monitored" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await browser.get("/static/trailhook.css")).status_code == 200
        await browser.post("/logout", data={"csrf": "wrong"})
        assert (await browser.get("/")).status_code == 200
        token = page.text.split('name="csrf" value="')[1].split('"')[0]
        await browser.post("/logout", data={"csrf": token})
        assert (await browser.get("/")).status_code == 303
