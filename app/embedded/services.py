"""What the supervisor keeps running: the embedded servers, and our own Python processes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from app.embedded.process import Command, StopStep
from app.embedded.server import EmbeddedServer


class Service(Protocol):
    """One child process of the supervisor, over all its restarts."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    @property
    def stop_steps(self) -> tuple[StopStep, ...]:
        """How it is stopped; the last step must be one that nothing withstands."""
        ...

    async def prepare(self) -> None:
        """Do what comes before each start. Raises SetupError where a person has to change something."""
        ...

    def command(self) -> Command:
        """Give the process to start; called after `prepare`, so the addresses of earlier stages are known."""
        ...

    async def ready(self, pid: int) -> bool:
        """Say whether the running process can be used; asked until it can, cancelled when nobody waits any more."""
        ...

    def why(self) -> str:
        """Say in one sentence why it ended before it was ready; empty where it said so itself."""
        ...

    def close(self) -> None:
        """Let go of what `prepare` took; the process has ended."""
        ...


class StoreService:
    """An embedded server as a service."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self.name = server.name
        self.stop_steps = server.stop_steps

    async def prepare(self) -> None:
        """Prepare in a thread: making a cluster takes a second, ending leftovers up to fifteen."""
        await asyncio.to_thread(self._server.prepare)

    def command(self) -> Command:
        """Give the server process."""
        return self._server.command()

    async def ready(self, pid: int) -> bool:
        """Ask in a thread: a server that hangs takes its time to answer."""
        return await asyncio.to_thread(self._server.ready, pid)

    def why(self) -> str:
        """Give the server's own reason."""
        return self._server.why()

    def close(self) -> None:
        """Unlock the data directory."""
        self._server.close()


class PythonService:
    """A process of ours, which shares our outputs and has `grace` seconds to stop by SIGTERM.

    `env` is the whole environment, asked for at each start; without `ready` it counts as ready once started.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Callable[[], Mapping[str, str]],
        ready: Callable[[], Awaitable[bool]] | None = None,
        grace: float = 8.0,
    ) -> None:
        self.name = name
        self.stop_steps = (StopStep(signal.SIGTERM, grace), StopStep(signal.SIGKILL, 1))
        self._argv = tuple(argv)
        self._env = env
        self._ready = ready

    async def prepare(self) -> None:
        """Do nothing."""

    def command(self) -> Command:
        """Give the process, which gets SIGTERM when we are killed."""
        return Command(argv=self._argv, env=self._env(), die_with=signal.SIGTERM)

    async def ready(self, pid: int) -> bool:  # noqa: ARG002 - it is asked over the network
        """Ask the check, where there is one."""
        return await self._ready() if self._ready else True

    def why(self) -> str:
        """Give nothing: it writes to our standard error."""
        return ""

    def close(self) -> None:
        """Do nothing."""
