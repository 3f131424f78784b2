"""Waiting for something that may be away: a time limit, and None instead of the errors that are expected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

T = TypeVar("T")


async def or_none(work: Awaitable[T], seconds: float, *expected: type[Exception]) -> T | None:
    """Give the result, or None where it takes longer or one of the expected errors comes (which is logged)."""
    errors: tuple[type[Exception], ...] = (TimeoutError, *expected)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except errors as error:
        structlog.get_logger(__name__).warning("away", kind=type(error).__name__, error=str(error))
        return None
