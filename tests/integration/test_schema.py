"""The migrations give what the tables say, from an empty database, several processes at once, and never backwards."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Connection, text

from app.db.engine import Database
from app.db.schema import current_revision, head_revision, migrate
from app.db.tables import metadata
from app.errors import SchemaTooNew, SetupError


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_give_exactly_the_tables(database: Database) -> None:
    async with database.transaction() as tx:
        assert await current_revision(tx) == head_revision()
        assert await tx.run_sync(_differences) == []


async def test_several_migrations_at_once_are_safe(database: Database, postgres_url: SecretStr) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("DROP SCHEMA public CASCADE"))
        await tx.execute(text("CREATE SCHEMA public"))
    changed = await asyncio.gather(*(migrate(postgres_url) for _ in range(3)))
    assert sorted(changed) == [False, False, True]


async def test_a_newer_schema_is_refused(database: Database, postgres_url: SecretStr) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(SchemaTooNew, match="update Trailhook"):
            await migrate(postgres_url)
    finally:
        async with database.transaction() as tx:
            await tx.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head_revision()})


async def test_a_database_that_is_away_is_one_sentence() -> None:
    with pytest.raises(SetupError, match="cannot be reached"):
        await migrate(SecretStr("postgresql+asyncpg://nobody:x@127.0.0.1:9/none"))
