"""arq on Redis: wake-ups only; whatever is lost here, the sweep finds in Postgres."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Collection
from typing import Any
from urllib.parse import urlsplit

from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from pydantic import SecretStr
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.waiting import or_none

SYNC_QUEUE = "trailhook:sync"
DOWNLOAD_QUEUE = "trailhook:download"
SYNC_JOB = "sync_items"
ACQUIRE_JOB = "acquire_trailer"
REFRESH_JOB = "refresh_connections"
JOB_EXPIRES = 3600  # s; the sweep makes a new one
WAKE_TIMEOUT = 1.0  # s
SOCKET_TIMEOUT = 5.0  # s; a connection that nobody answers any more must not be waited for
PING_EVERY = 15  # s without use
_RETRIED = [RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError]


def serialize(document: dict[str, Any]) -> bytes:
    """Write a job as JSON: never pickle, which would run what anybody writes into Redis."""
    return json.dumps(document, default=repr).encode()


def deserialize(data: bytes) -> dict[str, Any]:
    """Read a job."""
    document: dict[str, Any] = json.loads(data)
    return document


def open_redis(url: SecretStr, retries: int = 1) -> ArqRedis:
    """Make a client; nothing is connected yet, and a Redis that is away now is found again later.

    `retries` must contain OSError among its errors: a refused connection is one (arq issue 498).
    """
    settings = RedisSettings.from_dsn(url.get_secret_value())
    parts = urlsplit(url.get_secret_value())
    client = ArqRedis(
        host=str(settings.host),
        port=settings.port,
        unix_socket_path=settings.unix_socket_path,
        db=settings.database,
        username=settings.username,
        password=settings.password,
        encoding="utf8",
        ssl=parts.scheme == "rediss",
        ssl_check_hostname=True,
        socket_connect_timeout=2,
        socket_timeout=SOCKET_TIMEOUT,
        socket_keepalive=True,
        health_check_interval=PING_EVERY,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries),
        retry_on_error=_RETRIED,
        job_serializer=serialize,
        job_deserializer=deserialize,
        expires_extra_ms=JOB_EXPIRES * 1000,
    )
    client.default_queue_name = SYNC_QUEUE
    return client


class ArqWakeups:
    """`app.context.Wakeups` on arq."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def wake_syncs(self, connection_ids: Collection[int]) -> bool:
        """Enqueue one job per connection, in one pipeline; one that is enqueued already stays as it is.

        A job and its place in the queue are written together, as the worker removes them: else one could be left alone.
        """
        now = int(time.time() * 1000)
        pipe = self._redis.pipeline(transaction=True)
        for connection_id in connection_ids:
            job_id = f"sync:{connection_id}"
            job = serialize_job(SYNC_JOB, (connection_id,), {}, None, now, serializer=serialize)
            pipe.set(job_key_prefix + job_id, job, ex=JOB_EXPIRES, nx=True)
            pipe.zadd(SYNC_QUEUE, {job_id: now}, nx=True)
        return await or_none(_done(pipe.execute()), WAKE_TIMEOUT, RedisError, OSError) is not None

    async def wake_acquire(self, media_id: int) -> bool:
        """Enqueue an acquisition; one waiting job per title is enough."""
        return await self._wake(DOWNLOAD_QUEUE, ACQUIRE_JOB, f"acquire:{media_id}:{_minute()}", media_id)

    async def wake_refresh(self, run_id: int) -> bool:
        """Enqueue a reconciliation; the workers take the runs that wait in their order."""
        return await self._wake(SYNC_QUEUE, REFRESH_JOB, f"refresh:{run_id}")

    async def depths(self) -> dict[str, int] | None:
        """Count the jobs per queue."""
        sync = await or_none(self._redis.zcard(SYNC_QUEUE), WAKE_TIMEOUT, RedisError, OSError)
        download = await or_none(self._redis.zcard(DOWNLOAD_QUEUE), WAKE_TIMEOUT, RedisError, OSError)
        return None if sync is None or download is None else {"sync": int(sync), "download": int(download)}

    async def _wake(self, queue: str, job: str, job_id: str, *arguments: int) -> bool:
        enqueued = self._redis.enqueue_job(job, *arguments, _job_id=job_id, _queue_name=queue)
        return await or_none(_done(enqueued), WAKE_TIMEOUT, RedisError, OSError) is not None


def _minute() -> int:
    """Give a download's job another name each minute.

    A killed worker leaves its job marked as in progress for a day, and arq takes no job of that name meanwhile.
    """
    return int(time.time() / 60)


async def _done(work: Awaitable[object]) -> bool:
    await work
    return True
