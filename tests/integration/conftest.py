"""A real Postgres and a real Valkey for the whole session; an empty, migrated database for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr
from sqlalchemy import text

from app.context import Deps
from app.crypto import FernetVault, new_secret_key
from app.db import events, media, runs
from app.db.engine import Database
from app.db.events import NewEvent
from app.db.media import MediaFilter
from app.db.schema import migrate
from app.db.tables import metadata
from app.domain.records import Media
from app.embedded.ffmpeg import find_ffmpeg
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.files.library import DiskLibrary
from app.http import HttpClients
from app.live import RedisLive
from app.machine import ThisMachine
from app.pipeline.connection_manager import BaseConnectionManager, SyncOutcome, manager_of
from app.pipeline.connections import add_connection, get_connection
from app.queue import ArqWakeups, open_redis
from app.servers.factory import ServerFactory
from app.settings import Settings
from schemas.base import RunTrigger
from schemas.connection import ConnectionCreate
from schemas.run import RunRead
from tests.fakes import FakeArr, FakeArrs, FakeVideos
from tests.studio import Studio, open_studio


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True)
    server.start()
    try:
        url = SecretStr(server.url)
        asyncio.run(_migrate(url))
        yield url
    finally:
        server.stop()


async def _migrate(url: SecretStr) -> None:
    await migrate(url)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"), fast=True)
    server.start()
    try:
        yield SecretStr(server.url)
    finally:
        server.stop()


@pytest.fixture
async def database(postgres_url: SecretStr) -> AsyncIterator[Database]:
    opened = Database(postgres_url)
    async with opened.transaction() as tx:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        await tx.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    yield opened
    await opened.close()


@pytest.fixture
def library_root(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    root.mkdir()
    return root


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with open_studio(tmp_path_factory.mktemp("studio")) as opened:
        yield opened


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    made = tmp_path / "Title (2009)" / ".trailhook-1"
    made.mkdir(parents=True)
    return made


@pytest.fixture
async def redis(valkey_url: SecretStr) -> AsyncIterator[ArqRedis]:
    client = open_redis(valkey_url)
    await client.flushall()
    yield client
    await client.aclose()


@dataclass
class Bench:
    """Pipelines on a real database, queue and disk, with fakes for the Arrs and the videos."""

    deps: Deps
    arrs: FakeArrs
    videos: FakeVideos
    root: Path

    async def connect(self, arr: FakeArr, name: str = "Radarr", **changes: Any) -> int:
        """Add a connection that leads to this fake, and give its id; its first run has not been taken yet."""
        url = f"http://{name.lower().replace(' ', '-')}.example:7878"
        self.arrs.arrs[url] = arr
        body = {"arr_type": arr.app_name.lower(), "url": url, "api_key": "arr key", "name": name, **changes}
        return (await add_connection(self.deps, ConnectionCreate.model_validate(body))).connection.id

    async def manager(self, connection_id: int) -> BaseConnectionManager:
        return manager_of(await get_connection(self.deps, connection_id), self.deps)

    async def event(self, connection_id: int, arr_id: int, event_type: str = "Download") -> None:
        """Store an event as the receiver does."""
        statements = self.deps.db.standing()
        new = [NewEvent(connection_id, event_type, arr_id, b"{}")]
        try:
            await events.store_batch(statements, new, timedelta(seconds=1))
        finally:
            await statements.aclose()

    async def sync(self, connection_id: int, arr_id: int, event_type: str = "Download") -> SyncOutcome:
        """Let an event come in and sync the item at once, whatever the spacing says."""
        await self.event(connection_id, arr_id, event_type)
        async with self.deps.db.transaction() as tx:
            await tx.execute(text("UPDATE item_sync SET next_at = now()"))
        return await (await self.manager(connection_id)).sync(arr_id)

    async def refresh(self, connection_id: int, *, accept: bool = False) -> RunRead:
        """Reconcile and give the run."""
        async with self.deps.db.transaction() as tx:
            held_ids = await runs.last_held(tx, connection_id) if accept else None
            run_id = await runs.request(tx, connection_id, RunTrigger.MANUAL, accepted=held_ids or ())
            held = await runs.claim(tx, run_id)
        assert held is not None
        await (await self.manager(connection_id)).refresh(held)
        async with self.deps.db.transaction() as tx:
            run = await runs.get(tx, run_id)
        assert run is not None
        return run

    async def title(self, arr_id: int) -> Media | None:
        async with self.deps.db.transaction() as tx:
            found, _ = await media.list_page(tx, MediaFilter(), None, 500)
        return next((one for one in found if one.arr_id == arr_id), None)

    async def until(self, happened: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something is so; fails after the time."""
        async with asyncio.timeout(seconds):
            while not happened():  # noqa: ASYNC110 - the fakes tell nobody
                await asyncio.sleep(0.01)

    async def titles(self) -> dict[str, Media]:
        async with self.deps.db.transaction() as tx:
            found, _ = await media.list_page(tx, MediaFilter(), None, 500)
        return {one.title: one for one in found}

    async def rows(self, statement: str) -> list[Any]:
        async with self.deps.db.transaction() as tx:
            return list((await tx.execute(text(statement))).all())


@pytest.fixture
async def bench(database: Database, redis: ArqRedis, library_root: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    arrs, videos, clients = FakeArrs(), FakeVideos(), HttpClients("test")
    library = DiskLibrary()
    live = RedisLive(redis)
    deps = Deps(
        db=database,
        arr=arrs,
        library=library,
        videos=videos,
        catalogue=None,
        servers=ServerFactory(clients),
        wakeups=ArqWakeups(redis),
        live=live,
        vault=FernetVault(SecretStr(new_secret_key())),
        machine=ThisMachine(find_ffmpeg),
        settings=Settings(data_dir=tmp_path),
        now=lambda: datetime.now(UTC),
    )
    async with clients:
        yield Bench(deps, arrs, videos, library_root)
    await live.aclose()
    library.close()
