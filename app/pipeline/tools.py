"""What a person may renew while it runs: another yt-dlp, cookies, proxy or TMDB key let what failed without go on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from app.context import Deps
from app.db import media, settings, sources
from app.domain.breaker import VIDEO_SOURCES
from app.domain.renewal import Tools, renewal
from app.errors import StorageError

KEY = "tools"


async def notice_new_tools(deps: Deps) -> None:
    """Compare with all tools that any worker ever had; what new ones may help is due now, and no source is paused."""
    now = Tools(
        deps.videos.versions().ytdlp,
        await _cookies(deps),
        _without_credentials(deps.settings.proxy),
        _digest(deps.settings.tmdb_api_key),
    )
    async with deps.db.transaction() as tx:
        before = await settings.recall(tx, KEY)
        found = renewal(before, now)
        await settings.remember(tx, KEY, found.remembered)
        if not found.may_go_on:
            return
        await sources.forget(tx, VIDEO_SOURCES)
        count = await media.try_again(tx, found.may_go_on)
    structlog.get_logger(__name__).info("new cookies, yt-dlp, proxy or TMDB key; what failed goes on", titles=count)


async def _cookies(deps: Deps) -> str | None:
    """Give the time of the cookies file, None without one."""
    if deps.settings.cookies_file is None:
        return None
    try:
        there = await deps.library.describe(Path(deps.settings.cookies_file))
    except StorageError:
        return None
    return None if there is None else str(there.mtime_ns)


def _without_credentials(proxy: SecretStr | None) -> str | None:
    return None if proxy is None else urlsplit(proxy.get_secret_value()).netloc.rpartition("@")[2]


def _digest(key: SecretStr | None) -> str | None:
    """Tell one key from another: a TMDB key is random, so that nothing of it can be guessed from this."""
    return None if key is None else sha256(key.get_secret_value().encode()).hexdigest()[:12]
