"""Media servers of a person's: added by API and page, told of a title whatever one of them does, seen by doctor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import Response

from app.domain.records import Media
from app.pipeline.doctor import GivenKeys, examine
from app.pipeline.servers import add_server, tell
from schemas.connection import PathMapping
from schemas.server import ServerCreate, ServerKind
from tests.integration.browsing import Browser, browsing
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from tests.simulators.emby import EmbySimulator
from tests.simulators.jellyfin import JellyfinSimulator
from tests.simulators.media_servers import MediaServerSimulator, Title
from tests.simulators.plex import PlexSimulator
from tests.unit.titles import movie

FOLDER = "/data/movies/Sintel (2010)"
KINDS = {PlexSimulator: ServerKind.PLEX, JellyfinSimulator: ServerKind.JELLYFIN, EmbySimulator: ServerKind.EMBY}


@pytest.fixture
def plex() -> Iterator[PlexSimulator]:
    with PlexSimulator(("1", "movie", "/data/movies")) as simulator:
        simulator.titles = {"11": Title("movie", f"{FOLDER}/Sintel.mkv", 2010, {"tmdb": "45745"})}
        yield simulator


@pytest.fixture
def jellyfin() -> Iterator[JellyfinSimulator]:
    with JellyfinSimulator() as simulator:
        simulator.titles = {"a1": Title("Movie", "D:\\Films\\Sintel (2010)\\Sintel.mkv", 2010)}
        yield simulator


@pytest.fixture
def emby() -> Iterator[EmbySimulator]:
    with EmbySimulator() as simulator:
        simulator.titles = {"7": Title("Movie", f"{FOLDER}/Sintel.mkv", 2010, {"tmdb": "45745"})}
        yield simulator


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[Browser]:
    async with browsing(bench.deps) as opened:
        yield opened


def sintel() -> Media:
    return movie(folder_path="/mnt/movies/Sintel (2010)")


async def add(bench: Bench, simulator: MediaServerSimulator, path_from: str = "/data/movies", **given: Any) -> None:
    mapping = PathMapping(path_from=path_from, path_to="/mnt/movies")
    kind = KINDS[type(simulator)]
    new = ServerCreate(
        kind=kind, url=simulator.url, token=SecretStr(simulator.token), path_mappings=(mapping,), **given
    )
    await add_server(bench.deps, new)


async def told(bench: Bench) -> dict[str, tuple[bool, str | None]]:
    rows = await bench.rows("SELECT name, last_ok_at IS NOT NULL, last_error FROM media_server")
    return {name: (ok, error) for name, ok, error in rows}


async def test_every_server_is_told_by_its_own_paths_and_one_that_fails_is_noted(
    bench: Bench, plex: PlexSimulator, jellyfin: JellyfinSimulator, emby: EmbySimulator
) -> None:
    await add(bench, plex)
    await add(bench, jellyfin, "D:\\Films")
    await add(bench, emby)
    emby.answer = Response("oops", 500)
    await tell(bench.deps, sintel())
    assert (plex.refreshed, jellyfin.refreshed) == (["11"], ["a1"])
    state = await told(bench)
    assert (state["Plex"], state["Jellyfin"]) == ((True, None), (True, None))
    ok, error = state["Emby"]
    assert not ok
    assert "is not available (500)" in str(error)
    emby.answer = None
    await tell(bench.deps, sintel())
    assert emby.refreshed == ["7"]
    assert (await told(bench))["Emby"] == (True, None)


async def test_a_server_that_hangs_holds_no_other_up(
    bench: Bench, plex: PlexSimulator, jellyfin: JellyfinSimulator
) -> None:
    await add(bench, jellyfin)
    await add(bench, plex)
    jellyfin.delay = 20.0
    telling = asyncio.create_task(tell(bench.deps, sintel()))
    end = time.monotonic() + 15
    while not (await told(bench))["Plex"][0] and time.monotonic() < end:  # noqa: ASYNC110 - it is told in the database
        await asyncio.sleep(0.02)
    assert plex.refreshed == ["11"]
    assert not telling.done()
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling


async def test_nothing_is_told_where_nobody_is_to_be(bench: Bench, plex: PlexSimulator) -> None:
    await tell(bench.deps, sintel())
    await add(bench, plex)
    await bench.rows("UPDATE media_server SET enabled = false RETURNING 1")
    plex.calls.clear()
    await tell(bench.deps, sintel())
    await bench.rows("UPDATE media_server SET enabled = true RETURNING 1")
    await tell(bench.deps, replace(sintel(), folder_path=None))
    assert plex.calls == []


async def test_a_folder_in_no_library_and_a_token_of_another_key_are_noted(bench: Bench, plex: PlexSimulator) -> None:
    await add(bench, plex, "/films")
    plex.titles = {}
    await tell(bench.deps, sintel())
    assert "has no library with /films/Sintel (2010)" in str((await told(bench))["Plex"][1])
    await bench.rows("UPDATE media_server SET token = 'gAAAA' RETURNING 1")
    await tell(bench.deps, sintel())
    assert "SECRET_KEY" in str((await told(bench))["Plex"][1])


async def test_the_api_adds_tests_changes_and_deletes(
    bench: Bench, client: httpx.AsyncClient, plex: PlexSimulator
) -> None:
    path = "/api/v1/servers"
    new = {"kind": "plex", "url": f"{plex.url}/web/index.html#!/", "token": f" {plex.token}\n"}
    created = await client.post(path, json=new)
    assert created.status_code == 201, created.text
    assert (created.json()["name"], created.json()["url"]) == ("Plex", plex.url)
    assert plex.token not in created.text
    ((stored,),) = await bench.rows("SELECT token FROM media_server")
    assert bench.deps.vault.decrypt(stored).get_secret_value() == plex.token
    assert (await client.post(path, json=new)).status_code == 409
    listed = (await client.get(path)).json()
    assert (listed["total"], listed["items"][0]) == (1, created.json())
    test = f"{path}/1/test"
    assert (await client.post(test)).json()["message"].startswith("Plex 1.42.2.10156")
    mappings = [{"path_from": "/data", "path_to": "/mnt"}]
    changed = await client.patch(f"{path}/1", json={"name": "Attic", "path_mappings": mappings, "enabled": False})
    assert (changed.json()["name"], changed.json()["path_mappings"]) == ("Attic", mappings)
    refused = await client.patch(f"{path}/1", json={"token": "hunter2"})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["token"])
    assert "hunter2" not in refused.text
    plex.token = "a-new-token"
    assert (await client.post(test)).json()["ok"] is False
    assert (await client.patch(f"{path}/1", json={"token": "a-new-token"})).status_code == 200
    assert (await client.post(test)).json()["ok"] is True
    assert (await client.patch(f"{path}/1", json={"kind": "emby"})).status_code == 422
    assert (await client.delete(f"{path}/1")).json()["name"] == "Attic"
    for method, gone in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "/test")):
        assert (await client.request(method, f"{path}/1{gone}", json={"name": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token": "wrong"}, "token"),
        ({"token": "two\nlines"}, "token"),
        ({"token": "schlüssel"}, "token"),
        ({"kind": "kodi"}, "kind"),
        ({"url": "plex:32400"}, "url"),
        ({"url": "http://127.0.0.1:9"}, "url"),
        ({"path_mappings": [{"path_from": "a", "path_to": "/b"}]}, "path_mappings.0.path_from"),
    ],
)
async def test_what_does_not_work_is_told_and_not_saved(
    bench: Bench, client: httpx.AsyncClient, plex: PlexSimulator, changes: dict[str, Any], field: str
) -> None:
    new = {"kind": "plex", "url": plex.url, "token": plex.token, **changes}
    answer = await client.post("/api/v1/servers", json=new)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, [field])
    assert await bench.rows("SELECT 1 FROM media_server") == []


async def test_the_page_adds_tests_disables_and_deletes(bench: Bench, browser: Browser, plex: PlexSimulator) -> None:
    assert 'aria-current="page">Servers<' in await browser.open("/servers")
    form: dict[str, str | list[str]] = {
        "kind": "plex",
        "url": plex.url,
        "token": "wrong",
        "name": 'My "Plex"',
        "path_from": ["/data", "", ""],
        "path_to": ["/mnt", "", ""],
        "verify_tls": "yes",
    }
    refused = await browser.send("/servers", form)
    assert refused.status_code == 422
    assert 'id="fault-token"' in refused.text
    assert 'value="My &#34;Plex&#34;"' in refused.text
    assert 'value="wrong"' not in refused.text
    page = await browser.follow(await browser.send("/servers", {**form, "token": plex.token}))
    assert 'My "Plex" is added' in page
    assert "<code>/data</code> is <code>/mnt</code> here" in page
    assert plex.token not in page
    assert (await browser.send("/servers", {**form, "token": plex.token})).status_code == 409
    assert "Plex 1.42.2.10156" in await browser.follow(await browser.send("/servers/1/test"))
    plex.answer = Response("", 500)
    assert "is not available (500)" in await browser.follow(await browser.send("/servers/1/test"))
    await tell(bench.deps, sintel())
    assert 'class="status is-failed">not told<' in await browser.open("/servers")
    assert "is disabled." in await browser.follow(await browser.send("/servers/1/switch", {"enabled": "no"}))
    assert "is deleted here" in await browser.follow(await browser.send("/servers/1/delete"))
    assert await bench.rows("SELECT 1 FROM media_server") == []


async def test_doctor_has_a_line_for_each(bench: Bench, plex: PlexSimulator, emby: EmbySimulator) -> None:
    await add(bench, plex)
    await add(bench, emby)
    emby.answer = Response("", 401)
    read = await examine(bench.deps, GivenKeys(SecretStr(API_KEY), SecretStr("x")))
    found = {one.title: one for one in read.findings if one.check == "server"}
    assert [(name, one.level.value) for name, one in found.items()] == [("Emby", "warning"), ("Plex", "ok")]
    assert "refused the token" in str(found["Emby"].remedy)
    await bench.rows("UPDATE media_server SET last_error = 'It has no such folder.' RETURNING 1")
    read = await examine(bench.deps, GivenKeys(SecretStr(API_KEY), SecretStr("x")))
    assert "It has no such folder." in [one.remedy for one in read.findings]
