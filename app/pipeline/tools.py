"""What a person may renew while it runs: new cookies or another yt-dlp let what failed for want of them go on."""

from __future__ import annotations

import socket
from pathlib import Path

import structlog

from app.context import Deps
from app.db import media, settings, sources
from app.domain.breaker import VIDEO_SOURCES
from app.domain.renewal import Tools, what_may_go_on
from app.errors import StorageError

KEY = "tools:"


async def notice_new_tools(deps: Deps) -> None:
    """Compare with what this machine had before; titles that new ones may help are due now, and no source is paused."""
    now = Tools(deps.videos.versions().ytdlp, await _cookies(deps))
    async with deps.db.transaction() as tx:
        before = await settings.remember(tx, KEY + socket.gethostname(), now.as_json())
        failures = what_may_go_on(Tools.from_json(before), now)
        if not failures:
            return
        await sources.forget(tx, VIDEO_SOURCES)
        count = await media.try_again(tx, failures)
    structlog.get_logger(__name__).info("new cookies or another yt-dlp; what failed goes on", titles=count)


async def _cookies(deps: Deps) -> int | None:
    """Give the time of the cookies file, None without one."""
    if deps.settings.cookies_file is None:
        return None
    try:
        there = await deps.library.describe(Path(deps.settings.cookies_file))
    except StorageError:
        return None
    return None if there is None else there.mtime_ns
