"""Signs of life in Redis: which workers run and how far downloads are, gone 30 s after the last sign; and the news.

News are published once and kept nowhere: whoever does not listen reads Postgres.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from app.domain.doctor import RedisFacts
from app.errors import Unavailable
from app.waiting import ended, or_none
from schemas.live import Changed, LiveEvent, Progress, Topic

LIVES = 30  # s
_WORKER = "trailhook:live:worker:"
_DOWNLOAD = "trailhook:live:download:"
_NEWS = "trailhook:live"
_TIMEOUT = 1.0  # s
_LISTEN_FOR = 2.0  # s; shorter than the client's own time limit
_GATHERED_FOR = 0.5  # s between two news of one process about what changed
_EVENT: TypeAdapter[LiveEvent] = TypeAdapter(LiveEvent)


class RedisLive:
    """`app.context.Live` on Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._topics: set[Topic] = set()
        self._publisher: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Publish no more."""
        if self._publisher is not None:
            await ended(self._publisher)

    def changed(self, *topics: Topic) -> None:
        """Tell who listens; what changes within half a second is told together."""
        self._topics.update(topics)
        if self._publisher is None or self._publisher.done():
            self._publisher = asyncio.get_running_loop().create_task(self._publish_changes())

    async def listen(self) -> AsyncGenerator[LiveEvent | None, None]:
        """Give the news until closed, None after a while without any. Raises Unavailable where Redis is away."""
        try:
            async with self._redis.pubsub() as news:
                await news.subscribe(_NEWS)
                while True:
                    message = await news.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_FOR)
                    yield None if message is None else _read(message["data"])
        except (RedisError, OSError) as error:
            why = "Redis is away, so nothing is heard of changes for now."
            raise Unavailable(why) from error

    async def beat(self, worker: str, at: datetime) -> None:
        """Say that a worker is alive."""
        await self._set(_WORKER + worker, str(at.timestamp()))

    async def workers(self) -> dict[str, datetime] | None:
        """Give the workers seen within 30 s; None where Redis is away."""
        seen = await or_none(self._all(_WORKER), _TIMEOUT, RedisError, OSError)
        return None if seen is None else {name: datetime.fromtimestamp(float(at), UTC) for name, at in seen.items()}

    async def download_progress(self, media_id: int, percent: float | None) -> None:
        """Say how far a download is."""
        await self._set(_DOWNLOAD + str(media_id), "" if percent is None else f"{percent:.1f}")
        await self._publish(Progress(media_id=media_id, percent=percent))

    async def downloads(self) -> dict[int, float | None]:
        """Give the progress of the downloads under way; empty where Redis is away."""
        seen = await or_none(self._all(_DOWNLOAD), _TIMEOUT, RedisError, OSError)
        return {int(name): float(percent) if percent else None for name, percent in (seen or {}).items()}

    async def server(self) -> RedisFacts | None:
        """Say which Redis it is and how it is set up."""
        return await or_none(self._server(), _TIMEOUT, RedisError, OSError)

    async def _server(self) -> RedisFacts:
        info = await self._redis.info()
        name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", None)
        full = bool(info.get("maxmemory")) and info.get("maxmemory_policy") != "noeviction"
        try:
            saves = bool((await self._redis.config_get("save")).get("save"))
        except ResponseError:  # a hosted one may forbid it
            saves = None
        persistent = True if info.get("aof_enabled") else saves
        return RedisFacts(name, str(version or info.get("redis_version", "")), full, persistent)

    async def _publish_changes(self) -> None:
        await asyncio.sleep(_GATHERED_FOR)
        topics, self._topics = sorted(self._topics), set()
        await self._publish(Changed(topics=tuple(topics)))

    async def _publish(self, event: LiveEvent) -> None:
        await or_none(self._redis.publish(_NEWS, event.model_dump_json()), _TIMEOUT, RedisError, OSError)

    async def _set(self, key: str, value: str) -> None:
        await or_none(self._redis.set(key, value, ex=LIVES), _TIMEOUT, RedisError, OSError)

    async def _all(self, prefix: str) -> dict[str, bytes]:
        keys = [key async for key in self._redis.scan_iter(match=prefix + "*", count=100)]
        values = await self._redis.mget(keys) if keys else []
        pairs = zip(keys, values, strict=True)
        return {key.decode().removeprefix(prefix): value for key, value in pairs if value is not None}


def _read(data: bytes) -> LiveEvent | None:
    """Read what another process published; one of another version may say what this one does not know."""
    try:
        return _EVENT.validate_json(data)
    except ValidationError:
        return None
