"""Redis is only speed: flushed, restarted, away or hanging, no webhook fails, nothing is lost, and workers go on."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.context import Deps
from app.embedded.valkey import EmbeddedValkey
from app.live import RedisLive
from app.pipeline.connections import add_connection
from app.queue import SOCKET_TIMEOUT, ArqWakeups, open_redis
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from tests.integration.workers import until_rows, working

URL = "http://radarr.example:7878"
SYNCED = "SELECT count(*) FROM item_sync WHERE synced_seq = requested_seq"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey", fast=True)
    server.start()
    yield server
    server.stop()


@dataclass
class Site:
    """An API and a worker over a Valkey of their own."""

    bench: Bench
    client: httpx.AsyncClient
    redis: ArqRedis
    auth: httpx.BasicAuth
    sent: int = 0

    async def event(self) -> float:
        """Send a webhook about an item of its own; gives the seconds until its 202."""
        self.sent += 1
        began = time.monotonic()
        body = {"eventType": "Download", "movie": {"id": self.sent}}
        answer = await self.client.post("/webhooks/radarr", json=body, auth=self.auth)
        assert answer.status_code == 202
        return time.monotonic() - began

    async def all_synced(self, seconds: float = 10) -> None:
        await until_rows(self.bench, SYNCED, [(self.sent,)], seconds)

    async def queue(self) -> dict[str, int | None]:
        """Give how many jobs wait, as the status tells it."""
        queue: dict[str, int | None] = (await self.client.get("/api/v1/status", headers={"X-Api-Key": API_KEY})).json()[
            "queue"
        ]
        return queue

    async def by_redis(self) -> None:
        """See that wake-ups work again: an item is synced sooner than any sweep is sure to come."""
        async with asyncio.timeout(10):
            while True:
                await self.event()
                try:
                    await self.all_synced(0.8)
                except TimeoutError:
                    await self.all_synced()
                else:
                    return


@asynccontextmanager
async def site(bench: Bench, valkey: EmbeddedValkey) -> AsyncIterator[Site]:
    bench.arrs.arrs[URL] = FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in range(1, 100)})
    redis, api_redis = (open_redis(SecretStr(valkey.url)) for _ in range(2))
    new = ConnectionCreate.model_validate({"arr_type": "radarr", "url": URL, "api_key": "k"})
    added = await add_connection(bench.deps, new)
    await bench.rows("UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1")
    auth = httpx.BasicAuth("trailhook", added.webhook_password)
    api_live, live = RedisLive(api_redis), RedisLive(redis)
    try:
        async with (
            serving(_over(bench.deps, api_redis, api_live)) as client,
            working(_over(bench.deps, redis, live), redis),
        ):
            yield Site(bench, client, redis, auth)
    finally:
        await api_live.aclose()
        await live.aclose()
        await redis.aclose()
        await api_redis.aclose()


def _over(deps: Deps, redis: ArqRedis, live: RedisLive) -> Deps:
    return replace(deps, wakeups=ArqWakeups(redis), live=live)


async def test_a_flush_loses_nothing(bench: Bench, valkey: EmbeddedValkey) -> None:
    async with site(bench, valkey) as here:
        for _ in range(20):
            await here.event()
            await here.redis.flushall()
        await here.all_synced()
        await here.by_redis()


async def test_a_valkey_that_goes_and_comes_back(bench: Bench, valkey: EmbeddedValkey) -> None:
    async with site(bench, valkey) as here:
        await here.by_redis()
        await asyncio.to_thread(valkey.stop)
        assert max([await here.event() for _ in range(5)]) < 1
        await here.all_synced()
        ready = (await here.client.get("/readyz")).json()
        assert (ready["status"], ready["parts"]) == ("degraded", ["redis"])
        assert await here.queue() == {"sync": None, "download": None}
        await asyncio.to_thread(valkey.start)
        await here.by_redis()
        async with asyncio.timeout(10):  # a job counts until its worker has put it away
            while await here.queue() != {"sync": 0, "download": 0}:  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0.05)


async def test_a_valkey_that_hangs_hangs_nobody(bench: Bench, valkey: EmbeddedValkey) -> None:
    async with site(bench, valkey) as here:
        await here.by_redis()
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            assert max([await here.event() for _ in range(5)]) < 1
            await here.all_synced()
            await asyncio.sleep(SOCKET_TIMEOUT + 0.5)
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        await here.by_redis()


async def test_a_connection_that_nobody_answers_is_given_up() -> None:
    closed = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    redis = open_redis(SecretStr(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"), retries=0)
    try:
        async with asyncio.timeout(12):
            with pytest.raises(RedisTimeoutError):
                await redis.zcard("anything")
    finally:
        await redis.aclose()
        await closed.wait()
        server.close()
