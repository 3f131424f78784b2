"""Loops that work off what waits in Postgres: woken by anybody, a few at once, ended when nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

MIN_PAUSE = 0.05  # s; what is due but locked for a moment is not asked for in a circle

NOW = 0.0
Work = Callable[[Callable[[], None]], Awaitable[float | None]]


class Loops:
    """Runs one kind of work while there is any, in at most `most` loops.

    `work` takes one piece, calls what it is given as soon as it has it (so that another loop looks for the next), and
    gives the seconds until it should be called again: NOW after a piece, None where nothing is known to come.
    """

    def __init__(self, most: int, work: Work) -> None:
        self._most = most
        self._work = work
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._woken = False
        self._stopping = False
        self._alarm: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Look for work from now on; where all loops are busy, each looks again after its piece."""
        self._woken = True
        self._start()

    async def stop(self, grace: float) -> None:
        """Take nothing more, give what is under way `grace` seconds, then cancel it and wait for it."""
        self._stopping = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self) -> None:
        if self._stopping or self._running >= self._most:
            return
        self._running += 1
        task = asyncio.create_task(self._run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        """Look until there is nothing; a wake-up that came during the last look is not lost, for it is looked at here.

        Nothing is awaited between that and counting this loop out.
        """
        pause: float | None = NOW
        try:
            while (pause == NOW or self._woken) and not self._stopping:
                self._woken = False
                pause = await self._work(self._start)
        except Exception:  # noqa: BLE001 - the work has logged it, and the sweep wakes these loops again
            pause = None
        finally:
            self._running -= 1
        self._look_again_in(pause)

    def _look_again_in(self, pause: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        later = asyncio.get_running_loop().call_later
        self._alarm = None if pause is None or self._stopping else later(max(pause, MIN_PAUSE), self.wake)
