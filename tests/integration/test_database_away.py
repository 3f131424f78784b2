"""While Postgres is away a webhook is refused at once; once it is back, it works without a restart."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import httpx
from pydantic import SecretStr

from app.db.engine import Database
from app.db.schema import migrate
from app.embedded.postgres import EmbeddedPostgres
from app.pipeline.connections import add_connection
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving


async def test_postgres_goes_and_comes_back(bench: Bench, tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "own", fast=True)
    server.start()
    await migrate(SecretStr(server.url))
    database = Database(SecretStr(server.url))
    deps = replace(bench.deps, db=database)
    bench.arrs.arrs["http://arr.example"] = FakeArr()
    new = ConnectionCreate.model_validate({"arr_type": "radarr", "url": "http://arr.example", "api_key": "k"})
    password = (await add_connection(deps, new)).webhook_password
    body = {"eventType": "Download", "movie": {"id": 7}}
    try:
        async with serving(deps) as client:
            auth = httpx.BasicAuth("trailhook", password)
            assert (await client.post("/webhooks/radarr", json=body, auth=auth)).status_code == 202
            server.stop()
            for _ in range(3):
                began = time.monotonic()
                refused = await client.post("/webhooks/radarr", json=body, auth=auth)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
                assert refused.headers["retry-after"] == "5"
                assert time.monotonic() - began < 2
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            status = await client.get("/api/v1/status", headers={"X-Api-Key": API_KEY})
            assert status.status_code == 503
            server.start()
            assert (await client.post("/webhooks/radarr", json=body, auth=auth)).status_code == 202
    finally:
        await database.close()
        server.stop()
