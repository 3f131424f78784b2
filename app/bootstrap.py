"""The one place where the concrete parts are wired, for both processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from arq.connections import ArqRedis
from pydantic import SecretStr

from app.arr.factory import ArrFactory
from app.context import Deps
from app.crypto import FernetVault
from app.db import instance, schema
from app.db.engine import Database
from app.embedded.ffmpeg import find_ffmpeg, link_directory
from app.errors import SetupError, Unavailable, WrongSecretKey
from app.files.library import DiskLibrary, usual_file_mode
from app.files.placing import Manner
from app.http import HttpClients
from app.keys import make_data_dir
from app.live import RedisLive
from app.machine import ThisMachine
from app.queue import ArqWakeups, open_redis
from app.servers.factory import ServerFactory
from app.settings import Settings
from app.tmdb.client import TMDB, TmdbClient
from app.version import VERSION
from app.ytdlp.client import Tools, YtDlpVideos
from app.ytdlp.releases import RELEASES


@dataclass(frozen=True, slots=True)
class Opened:
    """A process's parts; the worker needs the Redis client beside what the pipelines need."""

    deps: Deps
    redis: ArqRedis


@asynccontextmanager
async def open_deps(settings: Settings, secret_key: SecretStr) -> AsyncIterator[Opened]:
    """Open everything a process needs, check the database, and close all of it afterwards.

    Raises SetupError (SchemaTooNew, WrongSecretKey) where this process must not run on that database.
    """
    if settings.database_url is None or settings.redis_url is None:
        message = "Set TRAILHOOK_DATABASE_URL and TRAILHOOK_REDIS_URL, or use `trailhook up`, which brings both."
        raise SetupError(message)
    vault = FernetVault(secret_key)
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        await _check(database, vault)
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        live = RedisLive(redis)
        stack.push_async_callback(live.aclose)
        clients = await stack.enter_async_context(HttpClients(VERSION))
        library = DiskLibrary(manner_of(settings))
        stack.callback(library.close)
        make_data_dir(settings.data_dir)
        ffmpeg = find_ffmpeg(settings.ffmpeg)
        tools = Tools(
            ffmpeg=ffmpeg,
            ffmpeg_dir=link_directory(ffmpeg, settings.data_dir),
            cookies_file=settings.cookies_file,
            cache_dir=settings.data_dir / "cache",
            releases=settings.data_dir.absolute() / RELEASES,
            proxy=settings.proxy,
        )
        yield Opened(
            Deps(
                db=database,
                arr=ArrFactory(clients),
                library=library,
                videos=YtDlpVideos(tools),
                catalogue=open_catalogue(settings, clients),
                servers=ServerFactory(clients),
                wakeups=ArqWakeups(redis),
                live=live,
                vault=vault,
                machine=ThisMachine(find_ffmpeg, settings.ffmpeg),
                settings=settings,
                now=lambda: datetime.now(UTC),
            ),
            redis,
        )


async def check_database(url: SecretStr, secret_key: SecretStr) -> None:
    """Raise SetupError (SchemaTooNew, WrongSecretKey) where no process with this key may run on that database."""
    database = Database(url, pool_size=1)
    try:
        await _check(database, FernetVault(secret_key))
    finally:
        await database.close()


def open_catalogue(settings: Settings, clients: HttpClients) -> TmdbClient | None:
    """Give TMDB where a key for it is set."""
    if settings.tmdb_api_key is None:
        return None
    return TmdbClient(clients, settings.tmdb_api_key, settings.tmdb_url or TMDB)


def manner_of(settings: Settings) -> Manner:
    """Give the manner in which files are placed."""
    mode = usual_file_mode() if settings.file_mode is None else settings.file_mode
    return Manner(mode, settings.dir_mode, settings.puid, settings.pgid)


async def _check(database: Database, vault: FernetVault) -> None:
    try:
        async with database.transaction() as tx:
            await schema.require_head(tx)
            if not vault.knows(await instance.secret_key_fingerprint(tx, vault.fingerprint)):
                raise WrongSecretKey(instance.NOT_OUR_KEY)
    except Unavailable as error:
        raise SetupError(schema.CANNOT_CONNECT) from error
