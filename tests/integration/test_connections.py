"""The life of a connection: added, looked at, changed, tested; what does not work is told and not saved."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.arr.factory import ArrFactory
from app.context import WebhookEntry
from app.errors import ArrRejected, ArrUnauthorized, ArrUnreachable
from app.http import ArrPatience, HttpClients
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.simulators.faults import Fault
from tests.stack import free_port

ARR_URL = "http://radarr.example:7878"


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


@pytest.fixture
async def real(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """The service with real managers, for real addresses."""
    async with HttpClients("test") as clients:
        nobody = bench.deps.settings.model_copy(update={"port": free_port()})
        bench.deps = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())), settings=nobody)
        async with serving(bench.deps) as opened:
            opened.headers["X-Api-Key"] = API_KEY
            yield opened


async def patch(client: httpx.AsyncClient, connection: int, **changes: object) -> httpx.Response:
    return await client.patch(f"/api/v1/connections/{connection}", json=changes)


async def add(client: httpx.AsyncClient, arr: ArrSimulator, **changes: object) -> httpx.Response:
    new = {"arr_type": arr.app_name.lower(), "url": arr.url, "api_key": arr.api_key, "register_webhook": False}
    return await client.post("/api/v1/connections", json={**new, **changes})


def told(answer: httpx.Response, field: str) -> str:
    """The sentence about one field of what was refused."""
    assert answer.status_code == 422, answer.text
    fields: dict[str, str] = answer.json()["error"]["fields"]
    assert list(fields) == [field]
    return fields[field]


async def test_one_connection_is_shown(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr())
    listed = (await client.get("/api/v1/connections")).json()["items"]
    assert (await client.get(f"/api/v1/connections/{connection}")).json() == listed[0]
    assert (await client.get("/api/v1/connections/99")).status_code == 404


async def test_a_new_name_keeps_the_webhooks_address(bench: Bench, client: httpx.AsyncClient) -> None:
    connection, other = await bench.connect(FakeArr()), await bench.connect(FakeArr(), "Other")
    changed = (await patch(client, connection, name="Films")).json()
    assert (changed["name"], changed["slug"], changed["run_id"]) == ("Films", "radarr", None)
    taken = await patch(client, other, name="Films")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")
    again = await bench.connect(FakeArr())
    assert (await client.get(f"/api/v1/connections/{again}")).json()["slug"] == "radarr-2"


@pytest.mark.parametrize(
    "changes",
    [
        {"arr_type": "sonarr"},
        {"slug": "x"},
        {"name": None},
        {"name": ""},
        {"url": "radarr"},
        {"api_key": "two\nlines"},
        {"monitor_type": "all"},
        {"enabled": "yes"},
        {"verify_tls": None},
        {"ca_file": "ca.pem"},
        {"policy": {"unknown": 1}},
    ],
)
async def test_changes_that_are_none_are_refused(
    bench: Bench, client: httpx.AsyncClient, changes: dict[str, object]
) -> None:
    connection = await bench.connect(FakeArr())
    before = await bench.rows("SELECT connection::text FROM connection")
    answer = await patch(client, connection, **changes)
    assert answer.status_code == 422
    assert "two" not in answer.text
    assert await bench.rows("SELECT connection::text FROM connection") == before


@pytest.mark.parametrize(
    ("error", "field"),
    [(ArrUnauthorized("Radarr refuses the key."), "api_key"), (ArrUnreachable("Nobody answers."), "url")],
)
async def test_a_way_that_does_not_work_is_not_saved(
    bench: Bench, client: httpx.AsyncClient, error: Exception, field: str
) -> None:
    connection = await bench.connect(FakeArr())
    before = await bench.rows("SELECT connection::text FROM connection")
    bench.arrs.arrs["http://new.example"] = FakeArr(error=error)
    assert told(await patch(client, connection, url="http://new.example/", name="New"), field) == str(error)
    assert await bench.rows("SELECT connection::text FROM connection") == before


async def test_a_new_way_is_tested_saved_and_reconciled(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr())
    await bench.rows("UPDATE connection SET down_since = now(), failures = 3, last_error = 'x' RETURNING 1")
    moved = FakeArr()
    bench.arrs.arrs["http://new.example"] = moved
    answer = await patch(client, connection, url="http://new.example/", api_key=" new secret\n")
    changed = answer.json()
    assert (changed["url"], changed["healthy"], changed["last_error"]) == ("http://new.example", True, None)
    assert "new secret" not in answer.text
    assert list(moved.webhooks) == [1]
    ((key,),) = await bench.rows("SELECT api_key FROM connection")
    assert bench.deps.vault.decrypt(key).get_secret_value() == "new secret"
    assert await bench.rows("SELECT id, trigger FROM run WHERE started_at IS NULL") == [(changed["run_id"], "connect")]


async def test_what_decides_titles_decides_all_of_them_anew(bench: Bench, client: httpx.AsyncClient) -> None:
    items = {number: movie_item(number, bench.root, f"Film {number}") for number in (1, 2)}
    for item in items.values():
        put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items=items))
    await bench.refresh(connection)
    titles = await bench.titles()
    await client.patch(f"/api/v1/media/{titles['Film 2'].id}", json={"monitor": True})
    assert (await patch(client, connection, monitor_type="none")).json()["run_id"] is not None
    await bench.refresh(connection)
    titles = await bench.titles()
    assert [(title.monitor, title.status) for title in titles.values()] == [(False, "missing"), (True, "monitored")]
    mapping = {"path_from": str(bench.root), "path_to": "/elsewhere"}
    assert (await patch(client, connection, monitor_type="missing", path_mappings=[mapping])).json()["run_id"]
    await bench.refresh(connection)
    titles = await bench.titles()
    assert {title.folder_path for title in titles.values()} == {"/elsewhere/Film 1 (2010)", "/elsewhere/Film 2 (2010)"}
    assert all(title.monitor for title in titles.values())
    assert (await patch(client, connection, path_mappings=[mapping])).json()["run_id"] is None


async def test_a_disabled_connection_rests(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr())
    changed = (await patch(client, connection, enabled=False, policy={"max_height": 720})).json()
    assert (changed["enabled"], changed["policy"]["max_height"], changed["run_id"]) == (False, 720, None)
    changed = (await patch(client, connection, enabled=True)).json()
    assert changed["enabled"]
    assert changed["run_id"] is not None


async def test_a_test_asks_now_and_ends_a_pause(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr)
    await bench.rows("DELETE FROM run RETURNING 1")
    await bench.rows("UPDATE connection SET down_since = now(), probe_at = now() + interval '1 h' RETURNING 1")
    arr.error = ArrUnreachable("Nothing listens where Radarr should be.")
    path = f"/api/v1/connections/{connection}/test"
    assert (await client.post(path)).json() == {"ok": False, "message": "Nothing listens where Radarr should be."}
    assert (await client.get(f"/api/v1/connections/{connection}")).json()["healthy"] is False
    arr.error = None
    tried = (await client.post(path)).json()
    assert tried == {"ok": True, "message": f"Radarr 6.0.4.10291 answers at {ARR_URL}."}
    assert (await client.get(f"/api/v1/connections/{connection}")).json()["healthy"] is True
    assert await bench.rows("SELECT trigger FROM run") == [("recovery",)]
    assert (await client.post("/api/v1/connections/99/test")).status_code == 404


async def test_a_webhook_is_registered_again_when_asked(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(webhook_error=ArrRejected("Radarr could not reach us."))
    connection = await bench.connect(arr)
    path = f"/api/v1/connections/{connection}/webhook"
    assert (
        (await client.post(path))
        .json()["webhook"]["error"]
        .startswith("Radarr could not reach us. Radarr runs on another machine")
    )
    arr.webhook_error = None
    assert (await client.post(path)).json()["webhook"] == {"state": "never_called", "error": None, "notice": None}
    arr.error = ArrUnreachable("Nobody answers.")
    webhook = (await client.post(path)).json()["webhook"]
    assert webhook == {"state": "never_called", "error": "Nobody answers.", "notice": None}


async def test_a_manual_webhook_becomes_ours_when_asked(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr, register_webhook=False)
    assert arr.webhooks == {}
    assert (await client.get(f"/api/v1/connections/{connection}")).json()["webhook"]["state"] == "manual"
    answer = await client.post(f"/api/v1/connections/{connection}/webhook")
    assert answer.json()["webhook"]["state"] == "never_called"
    assert list(arr.webhooks) == [1]


async def test_another_address_leaves_no_entry_behind_and_touches_no_others(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    old, new = FakeArr(), FakeArr()
    connection = await bench.connect(old)
    theirs = WebhookEntry("Trailhook (radarr)", "http://other:7979/webhooks/radarr", "x", SecretStr("theirs"))
    new.webhooks[1] = theirs
    bench.arrs.arrs["http://new.example"] = new
    assert (await patch(client, connection, url="http://new.example")).status_code == 200
    assert old.webhooks == {}
    assert new.webhooks[1] == theirs
    assert [entry.url for entry in new.webhooks.values()][1:] == ["http://127.0.0.1:7979/webhooks/radarr"]
    new.error = ArrUnreachable("Nobody answers.")
    changed = (await patch(client, connection, url=ARR_URL)).json()
    assert ["remove it (Nobody answers)" in warning for warning in changed["warnings"]] == [True]


async def test_a_name_that_differs_too_little_is_refused_at_a_change_too(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    first = await bench.connect(FakeArr(), "4K")
    await bench.connect(FakeArr(), "Films")
    answer = await patch(client, first, name="films")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert (await patch(client, first, name="4k")).status_code == 200


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ({"min_seconds": 700}, {"policy.min_seconds"}),
        ({"max_height": 480, "min_height": 1080}, {"policy.max_height", "policy.min_height"}),
    ],
)
async def test_a_policy_that_no_video_fits_is_refused(
    bench: Bench, client: httpx.AsyncClient, policy: dict[str, int], fields: set[str]
) -> None:
    connection = await bench.connect(FakeArr())
    new = {"arr_type": "radarr", "url": ARR_URL, "api_key": "key", "name": "Other", "policy": policy}
    for answer in (await patch(client, connection, policy=policy), await client.post("/api/v1/connections", json=new)):
        assert answer.status_code == 422
        assert answer.json()["error"]["fields"].keys() == fields
    assert await bench.rows("SELECT policy FROM connection") == [({},)]


async def test_names_that_give_one_slug_are_refused_and_others_numbered(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    bench.arrs.arrs[ARR_URL] = FakeArr()
    new = {"arr_type": "radarr", "url": ARR_URL, "api_key": "key"}
    slugs = []
    for name in ("4K", "映画", "Фильмы"):
        answer = await client.post("/api/v1/connections", json={**new, "name": name})
        assert answer.status_code == 201, answer.text
        slugs.append(answer.json()["slug"])
    assert slugs == ["4k", "radarr", "radarr-2"]
    answer = await client.post("/api/v1/connections", json={**new, "name": "4k"})
    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "A connection like '4k' exists already; give this one another name."


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("radarr:7878", "begin the address with http://"),
        ("http://user:pass@radarr", "leave user name and password out"),
        ("http://radarr:7878/api/v3", "leave /api/v3 out"),
        ("http://radarr/films/API/v3/system/status", "leave /api/v3 out"),
        ("http://radarr:port", "the port must be a number"),
        ("http://[::1", "brackets"),
        ("http://radarr:0", "the port must be a number"),
        ("http://ra darr", "that you open the app under"),
        ("http://radarr/?a=1", "that you open the app under"),
    ],
)
async def test_an_address_with_a_mistake(real: httpx.AsyncClient, url: str, words: str) -> None:
    new = {"arr_type": "radarr", "url": url, "api_key": "key"}
    assert words in told(await real.post("/api/v1/connections", json=new), "url")


async def test_https_on_an_http_port(bench: Bench, real: httpx.AsyncClient, tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        answer = await add(real, radarr, url=radarr.url.replace("http:", "https:"))
    assert "does not speak TLS: use http://" in told(answer, "url")
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_the_url_base_is_found(real: httpx.AsyncClient, tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies", url_base="/radarr") as radarr:
        root = radarr.url.removesuffix("/radarr")
        for wrong in (root, f"{root}/sonarr", f"{radarr.url}/films"):
            answer = await add(real, radarr, url=wrong)
            assert told(answer, "url") == f"Radarr answers under /radarr: use {radarr.url}."
        radarr.url_base = "/radarr"
        assert (await add(real, radarr)).status_code == 201


@pytest.mark.parametrize("fault", [faults.not_found(), faults.login_page()])
async def test_a_wrong_url_base_is_told(real: httpx.AsyncClient, tmp_path: Path, fault: Fault) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        answer = await add(real, radarr, url=f"{radarr.url}/films")
        assert told(answer, "url") == f"Radarr answers without /films: use {radarr.url}."
        radarr.fault = fault
        sentence = told(await add(real, radarr), "url")
        assert "give the address" in sentence or "check the address" in sentence


async def test_the_other_app_is_told(real: httpx.AsyncClient, tmp_path: Path) -> None:
    with ArrSimulator("Sonarr", tmp_path / "shows") as sonarr:
        answer = await add(real, sonarr, arr_type="radarr")
    assert told(answer, "url").startswith("This is Sonarr, not Radarr: ")


async def test_a_wrong_key_is_told_and_not_repeated(real: httpx.AsyncClient, tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        answer = await add(real, radarr, api_key="wrongwrongwrong")
        assert "refused the API key" in told(answer, "api_key")
        assert "wrongwrong" not in answer.text
        assert "one line" in told(await add(real, radarr, api_key="first\nsecond"), "api_key")
        assert (await add(real, radarr, api_key=f" {radarr.api_key}\n")).status_code == 201


async def test_an_address_of_ours_that_the_container_cannot_reach_is_told(
    real: httpx.AsyncClient, tmp_path: Path
) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        status: dict[str, Any] = {"appName": "Radarr", "version": radarr.version, "isDocker": True}
        radarr.fault = Fault(200, json.dumps(status), path="/system/status")
        created = (await add(real, radarr, register_webhook=True)).json()
    doubt = "Radarr runs in Docker, where 127.0.0.1 is its own container: set TRAILHOOK_PUBLIC_URL"
    assert any(warning.startswith(doubt) for warning in created["warnings"])
    assert created["webhook"]["state"] == "missing"
    assert created["webhook"]["error"].startswith(doubt)


async def test_a_certificate_that_is_not_checked_is_warned_of(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr, verify_tls=False)
    assert (await client.get(f"/api/v1/connections/{connection}")).json()["warnings"] == []
    bench.arrs.arrs["https://radarr.example"] = arr
    await bench.rows("UPDATE connection SET url = 'https://radarr.example' RETURNING 1")
    shown = (await client.get(f"/api/v1/connections/{connection}")).json()
    assert shown["verify_tls"] is False
    assert "not checked" in shown["warnings"][0]
    assert (await patch(client, connection, verify_tls=True)).json()["warnings"] == []
