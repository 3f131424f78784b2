"""Signs of life in Redis: which workers run and how far downloads are; gone 30 s after the last sign."""

from __future__ import annotations

from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from app.domain.doctor import RedisFacts
from app.waiting import or_none

LIVES = 30  # s
_WORKER = "trailhook:live:worker:"
_DOWNLOAD = "trailhook:live:download:"
_TIMEOUT = 1.0  # s


class RedisLive:
    """`app.context.Live` on Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

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

    async def _set(self, key: str, value: str) -> None:
        await or_none(self._redis.set(key, value, ex=LIVES), _TIMEOUT, RedisError, OSError)

    async def _all(self, prefix: str) -> dict[str, bytes]:
        keys = [key async for key in self._redis.scan_iter(match=prefix + "*", count=100)]
        values = await self._redis.mget(keys) if keys else []
        pairs = zip(keys, values, strict=True)
        return {key.decode().removeprefix(prefix): value for key, value in pairs if value is not None}
