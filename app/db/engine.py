"""The connection to Postgres and its transactions: leaving `transaction()` without an error commits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import asyncpg
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.errors import Unavailable

STATEMENT_TIMEOUT = 30_000  # ms
IDLE_IN_TRANSACTION_TIMEOUT = 60_000  # ms
ANSWER_TIMEOUT = 35.0  # s; Postgres ends a statement before this, unless it hangs or the network is cut
STANDING_TIMEOUT = 3.0  # s; nobody waits longer for a webhook, and a connection that died silently must be replaced
CONNECT_TIMEOUT = 5.0  # s
POOL_TIMEOUT = 5.0  # s
# Classes and codes of SQLSTATE: connection, resources (disk full, too many clients), operator intervention (shutting
# down, starting up, statement timeout), deadlock and serialization failures, a refused log-in, no such database,
# read-only.
_AWAY_STATES = ("08", "53", "57", "40", "28", "3D", "25006")
# asyncpg's InternalClientError: Postgres ended the connection while it was idle, which was not noticed yet.
_BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError)
AWAY = "Postgres cannot be reached; check that it runs and that TRAILHOOK_DATABASE_URL is right."


class Database:
    """One process's pool of Postgres connections."""

    def __init__(self, url: SecretStr, pool_size: int = 5) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url.get_secret_value(),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=POOL_TIMEOUT,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_TIMEOUT,
                "command_timeout": ANSWER_TIMEOUT,
                "server_settings": {
                    "application_name": "trailhook",
                    "timezone": "UTC",
                    "statement_timeout": str(STATEMENT_TIMEOUT),
                    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT),
                },
            },
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction; it commits when the block ends and rolls back when it raises.

        Raises Unavailable where Postgres cannot be reached, or went away before the commit was sure.
        """
        with _away_as_unavailable():
            async with self._engine.begin() as tx:
                yield tx

    def standing(self) -> StandingConnection:
        """Give a connection that is opened when first used; the caller closes it."""
        return StandingConnection(self._autocommit)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


class StatementFailed(Exception):
    """Postgres refused a statement of a standing connection; `sqlstate` says why."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Postgres refused the statement with {sqlstate}")
        self.sqlstate = sqlstate


class StandingConnection:
    """One connection kept for statements that each commit by themselves, in one round trip; for one user at a time.

    It speaks asyncpg: on the way of every webhook SQLAlchemy's own work would cost as much as the driver's.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: AsyncConnection | None = None
        self._driver: asyncpg.Connection[asyncpg.Record] | None = None

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement, and once more on a new connection where the kept one is broken: it may take effect twice.

        Raises StatementFailed, and Unavailable where Postgres cannot be reached, or went away before the commit was
        sure.
        """
        if self._driver is not None:
            try:
                return await _fetch(self._driver, statement, values)
            except Unavailable:
                await self.aclose()
        driver = await self._open()
        return await _fetch(driver, statement, values)

    async def aclose(self) -> None:
        """End the connection."""
        kept, self._kept = self._kept, None
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.terminate()  # else SQLAlchemy waits two seconds for a server that may be gone
        if kept is not None:
            await kept.invalidate()
            await kept.close()

    async def _open(self) -> asyncpg.Connection[asyncpg.Record]:
        with _away_as_unavailable():
            self._kept = await self._engine.connect()
            driver = (await self._kept.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
        self._driver = driver
        return driver


async def _fetch(
    driver: asyncpg.Connection[asyncpg.Record], statement: str, values: Sequence[object]
) -> list[asyncpg.Record]:
    try:
        rows: list[asyncpg.Record] = await driver.fetch(statement, *values, timeout=STANDING_TIMEOUT)
    except (OSError, TimeoutError, *_BROKEN) as error:
        raise Unavailable(AWAY) from error
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state.startswith(_AWAY_STATES):
            raise Unavailable(AWAY) from error
        raise StatementFailed(state) from error
    return rows


@contextmanager
def _away_as_unavailable() -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError, PoolTimeoutError) as error:
        raise Unavailable(AWAY) from error
    except DBAPIError as error:
        if _is_away(error):
            raise Unavailable(AWAY) from error
        raise
    except _BROKEN as error:
        raise Unavailable(AWAY) from error
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(_AWAY_STATES):
            raise Unavailable(AWAY) from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """Tell a Postgres that stops, starts, is full, read-only or overloaded from a fault of the statement."""
    state = getattr(error.orig, "sqlstate", None) or ""
    lost = error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError))
    lost = lost or isinstance(getattr(error.orig, "__cause__", None), _BROKEN)
    return lost or state.startswith(_AWAY_STATES)


async def copy_rows(
    tx: AsyncConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """COPY rows into a table within a transaction that has run a statement before: only then it has begun."""
    driver = (await tx.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    assert driver.is_in_transaction()
    await driver.copy_records_to_table(table, columns=columns, records=rows)


async def database_clock(tx: AsyncConnection) -> datetime:
    """Give the one clock that all workers share."""
    now: datetime = (await tx.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now
