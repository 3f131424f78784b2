"""Work under a lease: it is extended while the work runs, and the work is stopped once the lease is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from app.errors import LeaseLost, Unavailable

T = TypeVar("T")


async def with_lease(work: Coroutine[Any, Any, T], extend: Callable[[], Awaitable[None]], lease: timedelta) -> T:
    """Run the work and extend its lease every third of its time.

    Raises LeaseLost, with the work cancelled and ended, where another worker took it over or Postgres was away for
    longer than the lease.
    """
    worker = asyncio.create_task(work)
    keeper = asyncio.create_task(_keep(extend, lease.total_seconds()))
    try:
        await asyncio.wait({worker, keeper}, return_when=asyncio.FIRST_COMPLETED)
        return worker.result() if worker.done() else keeper.result()
    finally:
        for task in (worker, keeper):
            task.cancel()
        await asyncio.gather(worker, keeper, return_exceptions=True)


async def _keep(extend: Callable[[], Awaitable[None]], lease: float) -> NoReturn:
    held_until = time.monotonic() + lease
    while True:
        await asyncio.sleep(lease / 3)
        try:
            await extend()
        except Unavailable as error:
            if time.monotonic() > held_until:
                message = "Postgres was away for longer than the lease"
                raise LeaseLost(message) from error
        else:
            held_until = time.monotonic() + lease
