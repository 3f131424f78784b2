"""What `doctor` looks through: every part that there is, opened without starting or making anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from app.arr.factory import ArrFactory
from app.bootstrap import open_catalogue
from app.context import Deps
from app.crypto import FernetVault, new_secret_key
from app.db.engine import Database
from app.embedded.ffmpeg import find_ffmpeg
from app.embedded.postgres import DATABASE, EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.errors import EmbeddedError, SetupError
from app.files.library import DiskLibrary
from app.http import HttpClients
from app.keys import API_KEY_FILE, SECRET_KEY_FILE, read_key
from app.live import RedisLive
from app.machine import ThisMachine
from app.pipeline.doctor import GivenKeys, examine
from app.queue import ArqWakeups, open_redis
from app.servers.factory import ServerFactory
from app.settings import Settings
from app.version import VERSION
from app.ytdlp.client import Tools, YtDlpVideos
from app.ytdlp.releases import RELEASES
from schemas.doctor import DoctorRead


async def check_up(settings: Settings) -> DoctorRead:
    """Check this machine, and of the service what runs."""
    keys = _keys(settings)
    async with _open(settings, keys) as deps:
        return await examine(deps, keys)


def _keys(settings: Settings) -> GivenKeys:
    api_key, api_fault = _key(settings.api_key, settings.data_dir / API_KEY_FILE)
    secret_key, secret_fault = _key(settings.secret_key, settings.data_dir / SECRET_KEY_FILE)
    try:
        if secret_key is not None:
            FernetVault(secret_key)
    except SetupError as error:
        secret_key, secret_fault = None, error.message
    return GivenKeys(api_key, secret_key, api_fault, secret_fault)


def _key(given: SecretStr | None, file: Path) -> tuple[SecretStr | None, str | None]:
    """Give the key that was given, else the stored one; or why that is of no use."""
    try:
        return given or read_key(file), None
    except SetupError as error:
        return None, error.message


@asynccontextmanager
async def _open(settings: Settings, keys: GivenKeys) -> AsyncIterator[Deps]:
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url or embedded_database(settings.data_dir), pool_size=1)
        stack.push_async_callback(database.close)
        redis = open_redis(settings.redis_url or _embedded_redis(settings.data_dir), retries=0)
        stack.push_async_callback(redis.aclose)
        clients = await stack.enter_async_context(HttpClients(VERSION))
        library = DiskLibrary()
        stack.callback(library.close)
        yield Deps(
            db=database,
            arr=ArrFactory(clients),
            library=library,
            videos=YtDlpVideos(
                Tools(ffmpeg=Path("ffmpeg"), ffmpeg_dir=settings.data_dir, releases=settings.data_dir / RELEASES)
            ),
            catalogue=open_catalogue(settings, clients),
            servers=ServerFactory(clients),
            wakeups=ArqWakeups(redis),
            live=RedisLive(redis),
            vault=FernetVault(keys.secret_key or SecretStr(new_secret_key())),
            machine=ThisMachine(find_ffmpeg, settings.ffmpeg),
            settings=settings,
            now=lambda: datetime.now(UTC),
        )


def embedded_database(data_dir: Path) -> SecretStr:
    """Give where the embedded Postgres listens while it runs; nobody answers there otherwise."""
    server = EmbeddedPostgres(data_dir)
    try:
        return SecretStr(server.url)
    except (EmbeddedError, OSError):  # it has never run, or not as this user
        return SecretStr(f"postgresql+asyncpg:///{DATABASE}?host={server.socket_dir}")


def _embedded_redis(data_dir: Path) -> SecretStr:
    server = EmbeddedValkey(data_dir)
    try:
        return SecretStr(server.url)
    except (EmbeddedError, OSError):
        return SecretStr(f"unix://{server.socket_dir / server.socket_name}?db=0")
