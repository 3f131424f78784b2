"""Run services stage by stage, restart what ends, and stop all of it in reverse order."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from app.embedded import process
from app.embedded.services import Service
from app.errors import EmbeddedError, SetupError

FIRST_PAUSE = 0.5  # s before a restart, doubling
LONGEST_PAUSE = 30.0  # s
STABLE = 30.0  # s; who ran that long starts again from FIRST_PAUSE
_READY_POLL = 0.03  # s
_REAP_EVERY = 5.0  # s
_HOOK_PATIENCE = 3.0  # s, for `after_stage` to take its cancellation
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Refused(Exception):
    """A child ended with EX_CONFIG: it has said why, and would say the same again."""


class Supervisor:
    """Keeps services running; build it and call `run` in the main thread.

    A stage starts when every service of the one before is ready. `after_stage(i)` is awaited when stage `i` is ready
    for the first time and before stage `i + 1` starts: the place for migrations.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Service]],
        log: structlog.stdlib.BoundLogger,
        after_stage: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._log = log
        self._after_stage = after_stage
        self._hurry = asyncio.Event()
        self._stages: list[list[_Child]] = []
        for number, services in enumerate(stages):
            needs = [child for stage in self._stages for child in stage]
            self._stages.append([_Child(each, needs, self._hurry, log, vital=number == 0) for each in services])

    async def run(self) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP, then stop everything and give 0; a second SIGINT means hurry.

        Gives 1 when a child ended with EX_CONFIG (78) before it had once run for STABLE seconds: it has printed why.
        Raises the SetupError for which a first start failed, or what `after_stage` raised; all has been stopped then.
        """
        process.adopt_orphans()
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(self._reap_for_ever())]
        try:
            with self._stop_signals(end):
                tasks.append(_ending(end, self._start(end)))
                try:
                    return await end
                finally:
                    tasks[-1].cancel()
                    await asyncio.wait({tasks[-1]}, timeout=_HOOK_PATIENCE)
                    await self._stop()
        except _Refused:
            return 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._reap()

    async def _start(self, end: asyncio.Future[int]) -> None:
        for number, stage in enumerate(self._stages):
            for child in stage:
                child.task = _ending(end, child.run())
            for child in stage:
                await child.up.wait()
            if self._after_stage is not None:
                await self._after_stage(number)

    async def _stop(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))
        self._log.info("all services stopped")

    @contextmanager
    def _stop_signals(self, end: asyncio.Future[int]) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # Under nohup SIGHUP is ignored, and stays so.
        heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGHUP]

        def on_signal(number: signal.Signals) -> None:
            # A terminal that closes sends SIGHUP more than once: only Ctrl-C can mean hurry.
            if end.done() and number == signal.SIGINT:
                self._hurry.set()
            if not end.done():
                self._log.info("stopping", signal=number.name)
                end.set_result(0)

        for number in heard:
            loop.add_signal_handler(number, on_signal, number)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    async def _reap_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_REAP_EVERY)
            self._reap()

    def _reap(self) -> None:
        children = [child for stage in self._stages for child in stage]
        if not any(child.spawning for child in children):
            process.reap_orphans({child.pid for child in children if child.pid is not None})


class _Child:
    """One service: its task starts it, waits for its end, and starts it again until `stop`."""

    def __init__(
        self,
        service: Service,
        needs: Sequence[_Child],
        hurry: asyncio.Event,
        log: structlog.stdlib.BoundLogger,
        *,
        vital: bool,
    ) -> None:
        self.up = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.pid: int | None = None
        self.spawning = False
        self._service = service
        self._needs = needs
        self._hurry = hurry
        self._vital = vital
        self._log = log.bind(service=service.name)
        self._stopping = asyncio.Event()
        self._was_up = False
        self._was_stable = False

    async def run(self) -> None:
        """Keep it running.

        Raises SetupError where the first start fails for good, _Refused where the child says so by its exit status.
        """
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._live()
            except (SetupError, OSError) as error:
                if isinstance(error, SetupError) and not self._was_up:
                    raise
                self._log.error("service cannot start", reason=str(error))
            if loop.time() - began > STABLE:
                pause = FIRST_PAUSE
            if not self._stopping.is_set():
                self._log.info("service restarts", seconds=pause)
            await _first_of(self._stopping.wait(), timeout=pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def stop(self) -> None:
        """Stop the process, if there is one, and wait until nothing of it is left."""
        self._stopping.set()
        if self.task is not None:
            await asyncio.wait({self.task})  # its exception, if any, is the end that everybody waits for
        self._service.close()

    async def _live(self) -> None:
        """Start it once and see it through to its end."""
        for need in self._needs:
            await _first_of(need.up.wait(), self._stopping.wait())
        if self._stopping.is_set():
            return
        await self._service.prepare()
        if self._stopping.is_set():
            return
        started = await self._spawn()
        try:
            await self._see_through(started)
        finally:
            self.up.clear()
            self.pid = None
            process.end_session(started.pid)
        if not self._stopping.is_set():
            self._judge(started)

    async def _spawn(self) -> Process:
        command = self._service.command()
        self.spawning = True
        try:
            with process.spawn_options(command) as options:
                started = await asyncio.create_subprocess_exec(*command.launcher(), **options)
        finally:
            self.spawning = False
        self.pid = started.pid
        return started

    async def _see_through(self, started: Process) -> None:
        ended = asyncio.create_task(started.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        stable = asyncio.get_running_loop().call_later(STABLE, self._settle)
        try:
            await self._wait_until_ready(started.pid, ended, stopping)
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._end_in_steps(started, ended)
        finally:
            stable.cancel()
            for task in (ended, stopping):
                task.cancel()
            await asyncio.gather(ended, stopping, return_exceptions=True)

    async def _wait_until_ready(self, pid: int, *unless: asyncio.Task[Any]) -> None:
        while not any(task.done() for task in unless):
            question = asyncio.ensure_future(self._service.ready(pid))
            await asyncio.wait({question, *unless}, return_when=asyncio.FIRST_COMPLETED)
            if not question.done():
                question.cancel()
                await asyncio.gather(question, return_exceptions=True)
            elif question.result():
                self._was_up = True
                self.up.set()
                self._log.info("service up", pid=pid)
                return
            else:
                await asyncio.wait(unless, timeout=_READY_POLL, return_when=asyncio.FIRST_COMPLETED)

    async def _end_in_steps(self, started: Process, ended: asyncio.Task[int]) -> None:
        """Send the steps' signals until it ends; who hurries does not wait for the first."""
        for number, step in enumerate(self._service.stop_steps):
            with suppress(ProcessLookupError):
                started.send_signal(step.signal)
            hurry = [asyncio.create_task(self._hurry.wait())] if number == 0 else []
            await asyncio.wait([ended, *hurry], timeout=step.patience, return_when=asyncio.FIRST_COMPLETED)
            for task in hurry:
                task.cancel()
            if ended.done():
                self._log.info("service stopped", signal=step.signal.name)
                return
        self._log.error("service does not end", pid=started.pid)

    def _settle(self) -> None:
        self._was_stable = True

    def _judge(self, started: Process) -> None:
        """Log an end that nobody asked for, and raise where a restart would not help."""
        if started.returncode == os.EX_CONFIG and not self._was_stable:
            raise _Refused(self._service.name)
        if self._was_up:
            self._log.warning("service ended", status=started.returncode)
            return
        reason = self._service.why()
        if self._vital:
            raise EmbeddedError(reason or f"{self._service.name} ended with status {started.returncode}")
        self._log.warning("service did not start", status=started.returncode, reason=reason)


def _ending(end: asyncio.Future[int], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` beside us; where it fails, its exception becomes the end of everything."""
    task = asyncio.create_task(work)

    def on_done(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None and not end.done():
            end.set_exception(error)

    task.add_done_callback(on_done)
    return task


async def _first_of(*waits: Coroutine[Any, Any, object], timeout: float | None = None) -> None:
    """Wait until one of them is over, or the time is."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
