"""The simulators behave as the documented real ones, so that the other tests prove something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators import faults
from tests.simulators.arr import MASK, ArrSimulator
from tests.simulators.server import ThreadedServer


class Receiver:
    """Takes webhooks and answers with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.received: list[tuple[Any, dict[str, str]]] = []
        self.server = ThreadedServer(Starlette(routes=[Route("/hook", self._take, methods=["POST", "PUT"])]))

    async def _take(self, request: Request) -> Response:
        self.received.append((json.loads(await request.body()), dict(request.headers)))
        return Response(None, self.status)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()
    taking.server.start()
    yield taking
    taking.server.stop()


@pytest.fixture
def radarr(tmp_path: Path) -> Iterator[ArrSimulator]:
    with ArrSimulator("Radarr", tmp_path / "movies") as simulator:
        yield simulator


@pytest.fixture
def client(radarr: ArrSimulator) -> Iterator[httpx.Client]:
    headers = {"X-Api-Key": radarr.api_key}
    with httpx.Client(base_url=f"{radarr.url}/api/v3", headers=headers, trust_env=False) as opened:
        yield opened


def entry(url: str, **flags: bool) -> dict[str, Any]:
    fields = {"url": url, "method": 1, "username": "trailhook", "password": "geheim"}
    return {
        "name": "Trailhook",
        "implementation": "Webhook",
        "configContract": "WebhookSettings",
        "fields": [{"name": name, "value": value} for name, value in fields.items()],
        **(flags or {"onDownload": True, "onMovieAdded": True}),
    }


def test_the_key_is_needed_and_a_wrong_one_gets_an_empty_401(radarr: ArrSimulator, client: httpx.Client) -> None:
    answer = client.get("/movie", headers={"X-Api-Key": "wrong"})
    assert (answer.status_code, answer.content) == (401, b"")
    assert client.get("/system/status").json()["appName"] == "Radarr"
    assert client.get("/movie").headers["X-Application-Version"] == radarr.version


def test_the_test_runs_inside_the_call_and_the_password_is_masked(client: httpx.Client, receiver: Receiver) -> None:
    answer = client.post("/notification", json=entry(f"{receiver.server.url}/hook"))
    assert answer.status_code == 201
    ((body, headers),) = receiver.received
    assert (body["eventType"], body["movie"]["id"]) == ("Test", 1)
    assert headers["authorization"].startswith("Basic ")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("Radarr/")
    fields = {field["name"]: field["value"] for field in client.get("/notification").json()[0]["fields"]}
    assert fields["password"] == MASK
    assert client.post("/notification", json=entry(f"{receiver.server.url}/hook")).status_code == 400


def test_a_refused_test_is_told_in_the_real_shapes(client: httpx.Client, receiver: Receiver) -> None:
    receiver.status = 401
    refused = client.post("/notification", json=entry(f"{receiver.server.url}/hook"))
    assert refused.status_code == 400
    assert "Unable to send test message" in refused.json()[0]["errorMessage"]
    unreachable = client.post("/notification", json=entry("http://127.0.0.1:9/hook"))
    assert unreachable.status_code == 500
    assert set(unreachable.json()) == {"message", "description"}
    silent = client.post("/notification", json=entry("http://127.0.0.1:9/hook", onDownload=False))
    assert silent.status_code == 201


def test_an_import_is_on_disk_and_in_the_answer_before_its_event(
    radarr: ArrSimulator, client: httpx.Client, receiver: Receiver
) -> None:
    client.post("/notification", json=entry(f"{receiver.server.url}/hook"))
    item = radarr.add("Sintel", 2010)
    assert not Path(client.get(f"/movie/{item}").json()["path"]).exists()
    folder = radarr.import_file(item)
    movie = client.get(f"/movie/{item}").json()
    assert movie["hasFile"]
    assert (folder / movie["movieFile"]["relativePath"]).exists()
    assert [body["eventType"] for body, _ in receiver.received] == ["Test", "MovieAdded", "Download"]
    radarr.delete(item)
    assert client.get(f"/movie/{item}").json()["title"] == "Not Found"


def test_only_wanted_events_are_sent(tmp_path: Path, receiver: Receiver) -> None:
    with ArrSimulator("Sonarr", tmp_path / "tv") as sonarr:
        flags = {"onDownload": True, "onImportComplete": True}
        sonarr.notifications[1] = {**entry(f"{receiver.server.url}/hook", **flags), "id": 1}
        item = sonarr.add("Pioneer One", 2010)
        sonarr.import_season(item, 3)
    kinds = [("episodeFiles" in body, len(body["episodes"])) for body, _ in receiver.received]
    assert kinds == [(False, 1), (False, 1), (False, 1), (True, 3)]


def test_a_url_base_is_a_307(tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies", url_base="/radarr") as radarr:
        without = httpx.get(radarr.url.removesuffix("/radarr") + "/api/v3/movie", trust_env=False)
        assert (without.status_code, without.headers["location"]) == (307, "/radarr/api/v3/movie")


def test_faults_replace_the_truth(radarr: ArrSimulator, client: httpx.Client) -> None:
    radarr.fault = faults.starting_up("Radarr")
    answer = client.get("/movie")
    assert (answer.status_code, "starting up" in answer.json()["errorMessage"]) == (503, True)
    radarr.fault = faults.proxy_page()
    assert client.get("/movie").headers["content-type"].startswith("text/html")
    radarr.fault = None
    assert client.get("/movie").json() == []
