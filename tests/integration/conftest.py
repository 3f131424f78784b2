"""A real Postgres and a real Valkey for the whole session; an empty, migrated database for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.db.engine import Database
from app.db.schema import migrate
from app.db.tables import metadata
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey


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
