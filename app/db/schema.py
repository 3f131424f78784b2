"""The database's schema: brought to head by Alembic, and compared with what this program knows."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import migrations
from app.db.tables import metadata
from app.errors import SchemaTooNew, SetupError

MIGRATION_LOCK = 7979_0001
CANNOT_CONNECT = "The database cannot be reached: start Postgres, or correct TRAILHOOK_DATABASE_URL."


def head_revision() -> str:
    """Give the newest schema that this program knows."""
    return str(_scripts().get_current_head())


async def current_revision(tx: AsyncConnection) -> str | None:
    """Give the database's schema; None where it has none yet."""
    return await tx.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def migrate(url: SecretStr) -> bool:
    """Bring the schema to head; several processes at once are safe. True if anything was changed.

    Raises SchemaTooNew where a newer Trailhook wrote it, SetupError where the database cannot be reached.
    """
    engine = create_async_engine(url.get_secret_value(), hide_parameters=True, connect_args={"timeout": 10})
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        try:
            tx = await stack.enter_async_context(engine.begin())
        except (OSError, DBAPIError) as error:
            raise SetupError(CANNOT_CONNECT) from error
        await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if await is_at_head(tx):
            return False
        await tx.run_sync(_upgrade)
        return True


async def is_at_head(tx: AsyncConnection) -> bool:
    """Say whether the schema is the one this program knows; raises SchemaTooNew where it is none it knows."""
    current = await current_revision(tx)
    if current is not None and current not in {script.revision for script in _scripts().walk_revisions()}:
        message = (
            f"The database was written by a newer Trailhook (schema {current}, this program knows {head_revision()}): "
            "update Trailhook."
        )
        raise SchemaTooNew(message)
    return current == head_revision()


async def require_head(tx: AsyncConnection) -> None:
    """Raise SetupError unless the schema is the one this program knows."""
    if not await is_at_head(tx):
        message = "The database's schema is older than this program: run `trailhook migrate`."
        raise SetupError(message)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    command.upgrade(config, "head")
