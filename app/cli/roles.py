"""What each role does once its settings are known."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import sys
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog
import uvicorn
import uvloop
from pydantic import SecretStr

from app.bootstrap import check_database, open_deps
from app.crypto import FernetVault, new_password, new_secret_key
from app.db.schema import migrate
from app.domain.key_guesses import weak_key_fault
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.services import PythonService, Service, StoreService
from app.embedded.supervisor import Supervisor
from app.embedded.valkey import EmbeddedValkey
from app.errors import SetupError
from app.keys import API_KEY_FILE, SECRET_KEY_FILE, make_data_dir, read_or_make_key
from app.log import configure_logging
from app.main import create_app
from app.settings import ENV_PREFIX, Settings
from app.web.server import ApiConfig, raise_file_limit
from app.web.state import Keys
from workers.main import run_worker

PASSED_ON = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"})


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a role's coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def required(settings: Settings, *names: str) -> None:
    """Raise SetupError that names all settings which a role needs and lacks."""
    missing = [ENV_PREFIX + name.upper() for name in names if getattr(settings, name) is None]
    if missing:
        message = f"Set {' and '.join(missing)}; `trailhook up` needs none of them."
        raise SetupError(message)


def refuse_weak_key(settings: Settings, api_key: SecretStr) -> None:
    """Raise SetupError for a key that other machines could guess."""
    if fault := weak_key_fault(api_key, settings.host):
        raise SetupError(fault)


def open_port(settings: Settings) -> socket.socket:
    """Bind the service's address. Raises SetupError where it is in use or not ours."""
    address = f"{settings.host}:{settings.port}"
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        message = f"{address} is no address of this machine: correct TRAILHOOK_HOST."
        raise SetupError(message) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SetupError(_port_fault(address, error)) from error
    return listener


async def serve_api(settings: Settings, keys: Keys, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    raise_file_limit()
    async with open_deps(settings, keys.secret_key) as opened:
        config = ApiConfig(create_app(opened.deps, keys))
        spare_the_collector()
        structlog.get_logger(__name__).info("api listens", url=settings.service_url)
        await uvicorn.Server(config).serve(sockets=[listener])


def spare_the_collector() -> None:
    """Keep what lives as long as the process out of garbage collection, which took a tenth of each webhook's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def serve_worker(settings: Settings, secret_key: SecretStr, queues: frozenset[str]) -> None:
    """Work until SIGTERM or SIGINT."""
    async with open_deps(settings, secret_key) as opened:
        spare_the_collector()
        await run_worker(opened.deps, opened.redis, queues)


def supervise(settings: Settings) -> int:
    """Run everything on this machine until a signal; gives the exit code."""
    configure_logging(settings.log_level, settings.log_format)
    make_data_dir(settings.data_dir)
    api_key = settings.api_key or read_or_make_key(settings.data_dir / API_KEY_FILE, new_password)
    refuse_weak_key(settings, api_key)
    if settings.database_url is not None:
        required(settings, "secret_key")
    secret_key = settings.secret_key or read_or_make_key(settings.data_dir / SECRET_KEY_FILE, new_secret_key)
    FernetVault(secret_key)
    open_port(settings).close()
    everything = _Everything(settings, api_key, secret_key)
    return asyncio.run(everything.run())


class _Everything:
    """The stores that are not configured, then the API and a worker."""

    def __init__(self, settings: Settings, api_key: SecretStr, secret_key: SecretStr) -> None:
        self._settings = settings
        self._keys = Keys(api_key, secret_key)
        self._postgres = EmbeddedPostgres(settings.data_dir) if settings.database_url is None else None
        self._valkey = EmbeddedValkey(settings.data_dir) if settings.redis_url is None else None

    async def run(self) -> int:
        """Supervise until the end."""
        stores = [StoreService(server) for server in (self._postgres, self._valkey) if server is not None]
        roles = [self._role("api"), self._role("worker")]
        stages: list[list[Service]] = [[*stores], [*roles]]
        return await Supervisor(stages, structlog.get_logger("app.supervisor"), self._after_stage).run()

    def _role(self, name: str) -> PythonService:
        grace = self._settings.stop_grace.total_seconds() + 1
        return PythonService(name, (sys.executable, "-m", "app.cli", name), self._environment, grace=grace)

    async def _after_stage(self, number: int) -> None:
        if number > 0:
            return
        if await migrate(self._database_url()):
            structlog.get_logger(__name__).info("database schema brought up to date")
        await check_database(self._database_url(), self._keys.secret_key)

    def _database_url(self) -> SecretStr:
        if self._settings.database_url is not None:
            return self._settings.database_url
        assert self._postgres is not None
        return SecretStr(self._postgres.url)

    def _redis_url(self) -> SecretStr:
        if self._settings.redis_url is not None:
            return self._settings.redis_url
        assert self._valkey is not None
        return SecretStr(self._valkey.url)

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(ENV_PREFIX)}
        return {
            **kept,
            f"{ENV_PREFIX}DATA_DIR": str(self._settings.data_dir),
            f"{ENV_PREFIX}DATABASE_URL": self._database_url().get_secret_value(),
            f"{ENV_PREFIX}REDIS_URL": self._redis_url().get_secret_value(),
            f"{ENV_PREFIX}API_KEY": self._keys.api_key.get_secret_value(),
            f"{ENV_PREFIX}SECRET_KEY": self._keys.secret_key.get_secret_value(),
            f"{ENV_PREFIX}SUPERVISED": "1",
        }


def _port_fault(address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{address} is in use: stop what listens there, or set TRAILHOOK_PORT."
    if error.errno == errno.EACCES:
        return f"{address} may not be used by this user: set TRAILHOOK_PORT to a number above 1023."
    return f"{address} cannot be used ({error.strerror}): correct TRAILHOOK_HOST and TRAILHOOK_PORT."
