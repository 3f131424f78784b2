"""The document describes what there is, and what there is answers as the document says: schemathesis tries it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from app.domain.records import Rank
from app.errors import ArrUnreachable
from app.pipeline.acquire import acquire
from app.web.openapi import openapi
from app.web.routes import routes
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

ROOT = Path(__file__).parent.parent.parent
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "negative_data_rejection",
)


class Unreachable(dict[str, FakeArr]):
    """Leads every other address to an Arr that is not there: no test asks beyond this machine."""

    def __missing__(self, url: str) -> FakeArr:
        return FakeArr(error=ArrUnreachable(f"{url} does not answer."))


def test_the_document_describes_every_route_and_no_other() -> None:
    (api,) = [route for route in routes("") if isinstance(route, Mount) and route.path == "/api/v1"]
    there = {
        (re.sub(r":id}", "}", route.path), method.lower())
        for route in api.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(path, method) for path, item in openapi("")["paths"].items() for method in item}
    assert described == there


def test_each_operation_has_an_id_of_its_own_and_says_what_it_does() -> None:
    operations = [one for item in openapi("/base")["paths"].values() for one in item.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"].endswith(".") for one in operations)
    assert openapi("/base")["servers"] == [{"url": "/base/api/v1"}]


@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "application/json"])
async def test_what_is_not_there_is_json_below_the_api_also_for_browsers(bench: Bench, accept: str) -> None:
    async with serving(bench.deps) as client:
        for path in ("/media/word", "/media/" + "9" * 19, "/nothing"):
            answer = await client.get(f"/api/v1{path}", headers={"X-Api-Key": API_KEY, "Accept": accept})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_the_stream_refuses_other_methods_and_names_its_own(bench: Bench) -> None:
    async with serving(bench.deps) as client:
        answer = await client.post("/api/v1/stream", headers={"X-Api-Key": API_KEY})
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
        assert (await client.post("/api/v1/stream")).status_code == 401


async def test_a_stored_key_that_cannot_be_read_is_told_and_can_be_given_again(bench: Bench) -> None:
    one = f"/api/v1/connections/{await bench.connect(FakeArr())}"
    await bench.rows("UPDATE connection SET api_key = 'no secret' RETURNING 1")
    async with serving(bench.deps) as client:
        client.headers["X-Api-Key"] = API_KEY
        tried = await client.post(f"{one}/test")
        assert (tried.status_code, tried.json()["ok"]) == (200, False)
        refused = await client.patch(one, json={"verify_tls": False})
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["api_key"])
        assert (await client.patch(one, json={"api_key": "given again"})).status_code == 200
        assert (await client.post(f"{one}/test")).json()["ok"] is True


async def test_every_answer_is_one_that_is_described(bench: Bench, tmp_path: Path) -> None:
    items = {number: movie_item(number, bench.root, f"Movie {number}") for number in range(1, 5)}
    for item in items.values():
        put_movie_on_disk(item)
    for name in ("Radarr", "Radarr 2", "Radarr 3", "Radarr 4"):
        connection = await bench.connect(FakeArr(items=items), name)
        await bench.refresh(connection)
        for number in items:
            await bench.event(connection, number)
    await acquire(bench.deps, Rank.BACKFILL)
    bench.arrs.arrs = Unreachable(bench.arrs.arrs)
    async with serving(bench.deps) as client:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/api/v1/openapi.json"),
            *("--header", f"X-Api-Key: {API_KEY}", "--exclude-path", "/stream"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--generation-deterministic"),
            *("--checks", ",".join(CHECKS), "--workers", "1", "--no-color", "--suppress-health-check", "all"),
            "--continue-on-failure",
        ]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.integration.openapi_hooks", "PYTHONPATH": str(ROOT)}
        run = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment, cwd=tmp_path
        )
        try:
            async with asyncio.timeout(110):
                told, _ = await run.communicate()
        finally:
            if run.returncode is None:
                run.kill()
                await run.wait()
    assert run.returncode == 0, told.decode()[-6000:]
