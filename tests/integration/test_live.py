"""What an open page hears, and `/metrics`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.context import RawItem
from app.domain.records import Rank
from app.pipeline.acquire import acquire
from app.pipeline.connections import request_reconciliation
from app.pipeline.refresh import BATCH
from app.web.auth import SESSION_COOKIE
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.browsing import browsing
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

STREAM = "/api/v1/stream"


@dataclass
class SlowArr(FakeArr):
    """Holds back the last title of its list until it may go on."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def get_all_media(self) -> AsyncGenerator[RawItem, None]:
        last = list(self.items)[-1]
        async for item in super().get_all_media():
            if item.id == last:
                await self.goes_on.wait()
            yield item


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def hear(answer: httpx.Response, into: list[tuple[str, Any]]) -> None:
    name = ""
    async for line in answer.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            into.append((name, json.loads(value)))


async def test_a_page_hears_of_progress_and_changes(bench: Bench, client: httpx.AsyncClient) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    heard: list[tuple[str, Any]] = []
    async with client.stream("GET", STREAM) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        listening = asyncio.create_task(hear(answer, heard))
        bench.videos.gate = asyncio.Event()
        await _until_heard(bench, heard)
        await bench.sync(connection, 7)
        download = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
        await bench.until(lambda: ("progress", {"media_id": 1, "percent": 50.0}) in heard)
        await bench.until(lambda: any("titles" in what.get("topics", ()) for _, what in heard))
        bench.videos.gate.set()
        await download
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _until_heard(bench: Bench, heard: list[tuple[str, Any]]) -> None:
    """Subscribing takes a moment; tell something until it is heard."""
    async with asyncio.timeout(10):
        while not heard:
            await bench.deps.live.download_progress(99, None)
            await asyncio.sleep(0.05)
    heard.clear()


async def test_changes_are_told_together(bench: Bench, client: httpx.AsyncClient) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    heard: list[tuple[str, Any]] = []
    async with client.stream("GET", STREAM) as answer:
        listening = asyncio.create_task(hear(answer, heard))
        await _until_heard(bench, heard)
        for _ in range(20):
            await bench.sync(connection, 7)
        await bench.until(lambda: any(name == "changed" for name, _ in heard))
        await asyncio.sleep(0.6)
        assert len([name for name, _ in heard if name == "changed"]) < 10
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_page_hears_how_far_a_refresh_is(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = SlowArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, BATCH + 2)})
    connection = await bench.connect(arr)
    arr.goes_on.set()
    await bench.refresh(connection)
    arr.goes_on.clear()
    heard: list[tuple[str, Any]] = []
    async with client.stream("GET", STREAM) as answer:
        listening = asyncio.create_task(hear(answer, heard))
        await _until_heard(bench, heard)
        await asyncio.sleep(1)  # what the first refresh changed is told by now
        heard.clear()
        refresh = asyncio.create_task(bench.refresh(connection))
        await bench.until(lambda: any("runs" in what.get("topics", ()) for _, what in heard))
        shown = (await client.get("/api/v1/runs", params={"limit": 1})).json()["items"][0]
        assert (shown["outcome"], shown["fetched"]) == (None, BATCH)
        heard.clear()
        arr.goes_on.set()
        assert (await refresh).fetched == BATCH + 1
        await bench.until(lambda: any("runs" in what.get("topics", ()) for _, what in heard))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_only_who_may_see_the_page_hears_it(bench: Bench) -> None:
    async with serving(bench.deps) as stranger:
        assert (await stranger.get(STREAM)).status_code == 401
        assert (await stranger.get(STREAM, params={"api_key": API_KEY})).status_code == 401
        assert (await stranger.get("/metrics")).status_code == 401
    async with browsing(bench.deps) as browser:
        assert SESSION_COOKIE in browser.client.cookies
        async with browser.client.stream("GET", STREAM) as answer:
            assert answer.status_code == 200


async def test_an_open_page_does_not_hold_up_a_stop(bench: Bench) -> None:
    async with asyncio.timeout(4):
        async with serving(bench.deps) as opened:
            answer = await opened.send(opened.build_request("GET", STREAM, headers={"X-Api-Key": API_KEY}), stream=True)
            assert answer.status_code == 200
        await answer.aclose()


async def test_prometheus_reads_the_numbers(bench: Bench, client: httpx.AsyncClient) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}), 'Radarr "4K"\\')
    await bench.refresh(connection)
    (slug,) = (await bench.rows("SELECT slug FROM connection"))[0]
    for _ in range(2):
        await client.post(f"/webhooks/{slug}", json={})
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer)
    assert found["trailhook_titles", "monitored"] == 1
    assert found["trailhook_webhooks_total", "401"] == 2
    assert found["trailhook_connection_up", 'Radarr "4K"\\'] == 1
    assert found["trailhook_connection_last_run_completed", 'Radarr "4K"\\'] == 1
    assert found["trailhook_downloads_paused",] == 0


def samples(answer: httpx.Response) -> dict[tuple[str, ...], float]:
    """Read an answer of /metrics: values by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def last_run(client: httpx.AsyncClient) -> dict[str, float]:
    """Give what /metrics says of Radarr's last run, by the ends of the names."""
    found = samples(await client.get("/metrics"))
    prefix = "trailhook_connection_last_run_"
    return {
        name.removeprefix(prefix): value
        for (name, *labels), value in found.items()
        if name.startswith(prefix) and labels == ["Radarr"]
    }


async def test_prometheus_reads_what_the_last_run_did(bench: Bench, client: httpx.AsyncClient) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, 12)})
    connection = await bench.connect(arr)
    await bench.connect(FakeArr(), "Never refreshed")
    assert await last_run(client) == {}
    await bench.refresh(connection)
    arr.items[1]["title"] = "Film one"
    arr.items[2]["path"] = None
    del arr.items[3], arr.items[4]
    arr.items[20] = movie_item(20, bench.root, "Film 20")
    await bench.refresh(connection)
    counts = {"fetched": 10, "created": 1, "updated": 1, "unchanged": 7, "deleted": 2, "held": 0, "skipped": 1}
    seen = await last_run(client)
    assert abs(seen.pop("timestamp_seconds") - time.time()) < 60
    assert seen == {**counts, "completed": 1}
    await request_reconciliation(bench.deps, connection, accept_deletions=False)
    await bench.rows("UPDATE run SET started_at = now() WHERE started_at IS NULL RETURNING 1")
    assert (await last_run(client))["fetched"] == 10
    await bench.rows("UPDATE run SET finished_at = now(), outcome = 'failed' WHERE finished_at IS NULL RETURNING 1")
    assert (await last_run(client))["completed"] == 0
    for number in range(5, 10):
        del arr.items[number]
    await bench.refresh(connection)
    seen = await last_run(client)
    assert (seen["held"], seen["deleted"], seen["completed"]) == (5, 0, 0)
