"""Waiting for what may be away, and for tasks that shall end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

T = TypeVar("T")
AGAIN = 0.1  # s


async def or_none(work: Awaitable[T], seconds: float, *expected: type[Exception]) -> T | None:
    """Give the result, or None where it takes longer or one of the expected errors comes (which is logged)."""
    errors: tuple[type[Exception], ...] = (TimeoutError, *expected)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except errors as error:
        structlog.get_logger(__name__).warning("away", kind=type(error).__name__, error=str(error))
        return None


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for their end, however they end.

    Again and again: before Python 3.12 `asyncio.wait_for`, which Redis's client uses, may swallow a cancellation.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()
