"""What every worker does for connections beside the queues: empty the deleted ones, keep the webhooks alive."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from app.errors import Unavailable
from app.pipeline import following, removal, tools, webhook_upkeep
from workers.workshop import Workshop

REMOVE_INTERVAL = 2.0  # s
CLEAN_INTERVAL = 60.0  # s
TOOLS_INTERVAL = 30.0  # s
WEBHOOK_INTERVAL = 60.0  # s between two looks at whose turn it is
WEBHOOK_DELAY = 5.0  # s; the API that starts beside this worker has to be there to take a Test


async def keep_removing(workshop: Workshop) -> None:
    """Empty deleted connections; while Postgres is away there is nothing to empty."""
    while True:
        try:
            await removal.empty_deleted(workshop.deps)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot empty deleted connections", why=error.message)
        await asyncio.sleep(REMOVE_INTERVAL)


async def keep_cleaning(workshop: Workshop) -> None:
    """Remove trailers whose titles left; while Postgres is away there is nothing to remove."""
    while True:
        try:
            await following.clean_up_after_titles(workshop.deps)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot clean up after titles", why=error.message)
        await asyncio.sleep(CLEAN_INTERVAL)


async def keep_tools(workshop: Workshop) -> None:
    """Notice new cookies and another yt-dlp; while Postgres is away nothing is tried anyway."""
    while True:
        try:
            await tools.notice_new_tools(workshop.deps)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot compare the tools", why=error.message)
        await asyncio.sleep(TOOLS_INTERVAL)


async def keep_webhooks(workshop: Workshop) -> None:
    """Look after our entries in the Arrs: soon after the start at those nobody looked at since, then regularly."""
    await asyncio.sleep(WEBHOOK_DELAY)
    every = timedelta(seconds=WEBHOOK_DELAY)
    while True:
        try:
            await webhook_upkeep.keep_all(workshop.deps, every)
            every = webhook_upkeep.EVERY
        except Unavailable as error:
            structlog.get_logger(__name__).warning("cannot look after webhooks", why=error.message)
        await asyncio.sleep(WEBHOOK_INTERVAL)
