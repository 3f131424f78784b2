"""What a new connection is warned of, and what is refused with a sentence and saves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.domain.doctor import PathFacts, PathKind
from app.embedded.ffmpeg import find_ffmpeg
from app.machine import ThisMachine, look_at
from tests.fakes import FakeArr
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

URL = "http://radarr.example:7878"
NEW = {"arr_type": "radarr", "url": URL, "api_key": "key"}


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def warnings_of(client: httpx.AsyncClient, **changes: object) -> list[str]:
    answer = await client.post("/api/v1/connections", json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    warnings: list[str] = answer.json()["warnings"]
    return warnings


async def test_roots_are_told_with_where_they_probably_are(
    bench: Bench, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    nas = tmp_path / "nas"
    for name in ("movies", "tv"):
        (nas / name).mkdir(parents=True)
    mapped = [{"path_from": "/movies", "path_to": f"{nas}/movies"}, {"path_from": "/old", "path_to": f"{nas}/old"}]
    bench.arrs.arrs[URL] = FakeArr(roots=["/movies", str(bench.root), "/old", "/tv", "D:\\Other"])
    assert await warnings_of(client, path_mappings=mapped) == [
        f"/old: {nas}/old does not exist here. Mount it, or correct the mapping to {nas}/old.",
        f"/tv does not exist here; maybe it is {nas}/tv: then use --map '/tv={nas}/tv'.",
        "D:\\Other does not exist here; say where it is with --map 'D:\\Other=/path/here'.",
    ]
    bench.arrs.arrs["http://second.example"] = FakeArr(roots=["/tv"])
    assert await warnings_of(client, name="Second", url="http://second.example") == [
        f"/tv does not exist here; maybe it is {nas}/tv: then use --map '/tv={nas}/tv'."
    ]


async def test_a_root_that_cannot_be_written_to_or_does_not_answer(bench: Bench) -> None:
    def look(path: str) -> PathFacts:
        facts = {"/locked": PathFacts(PathKind.FOLDER, readable=True), "/hung": PathFacts(PathKind.UNREACHABLE)}
        return facts.get(path) or look_at(path)

    bench.arrs.arrs[URL] = FakeArr(roots=["/locked", "/hung"])
    async with serving(replace(bench.deps, machine=ThisMachine(find_ffmpeg, look=look))) as client:
        client.headers["X-Api-Key"] = API_KEY
        locked, hung = await warnings_of(client)
    assert locked.startswith("/locked: /locked is not writable: no trailer can be put there. Let user ")
    assert hung == "/hung: /hung does not answer in time. Check the disk or the network mount."


@pytest.mark.parametrize(
    ("public_url", "url_base", "words"),
    [
        ("http://trailhook:7979/hook", "", "TRAILHOOK_PUBLIC_URL ends in /hook while Trailhook answers under /: set"),
        ("http://trailhook:7979", "/hook", "TRAILHOOK_PUBLIC_URL ends in / while Trailhook answers under /hook: set"),
        ("http://trailhook:7979/hook", "/hook", None),
    ],
)
async def test_a_public_address_with_another_path_is_told(
    bench: Bench, public_url: str, url_base: str, words: str | None
) -> None:
    settings = bench.deps.settings.model_copy(update={"public_url": public_url, "url_base": url_base})
    bench.arrs.arrs[URL] = FakeArr()
    async with serving(replace(bench.deps, settings=settings)) as client:
        client.headers["X-Api-Key"] = API_KEY
        answer = await client.post(f"{url_base}/api/v1/connections", json=NEW)
    warnings = answer.json()["warnings"]
    assert [warning.startswith(words or "") for warning in warnings] == ([] if words is None else [True])
    assert answer.json()["webhook_url"] == f"{public_url}/webhooks/radarr"


async def test_unknown_fields_are_named_and_nothing_is_saved(bench: Bench, client: httpx.AsyncClient) -> None:
    bench.arrs.arrs[URL] = FakeArr()
    new = {**NEW, "monitored": True, "path_mappings": [{"path_from": "/a", "path_to": "/b", "path": "/c"}]}
    answer = await client.post("/api/v1/connections", json=new)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["message"] == (
        "Correct the request: path_mappings.0.path: leave it out, there is no such field; "
        "monitored: leave it out, there is no such field."
    )
    assert await bench.rows("SELECT 1 FROM connection") == []
    connection = await bench.connect(FakeArr())
    changed = await client.patch(f"/api/v1/connections/{connection}", json={"name": "New", "slug": "new"})
    assert changed.json()["error"]["fields"] == {"slug": "leave it out, there is no such field"}
    assert (await client.get(f"/api/v1/connections/{connection}")).json()["name"] == "Radarr"
