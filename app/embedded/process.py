"""Start child processes that cannot outlive us, and end what others left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypedDict

from app.embedded import launch
from app.embedded.account import Account
from app.embedded.files import open_log

_POLL = 0.02  # s


class StopStep(NamedTuple):
    """A signal, and the seconds that the process has to end by it before the next step."""

    signal: signal.Signals
    patience: float


class SpawnOptions(TypedDict):
    """The keyword arguments that subprocess.Popen and asyncio.create_subprocess_exec share."""

    env: dict[str, str]
    cwd: str | None
    stdin: int
    stdout: int | None
    stderr: int | None
    pass_fds: tuple[int, ...]
    start_new_session: bool


@dataclass(frozen=True)
class Command:
    """One child process: `argv[0]` is a full path, `log` takes both outputs (None: they are inherited).

    `die_with` is the signal that the kernel sends it when we end without stopping it.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    die_with: signal.Signals
    account: Account | None = None
    stdin: bytes = field(default=b"", repr=False)
    log: Path | None = None
    cwd: str | None = None
    pass_fds: tuple[int, ...] = ()

    def launcher(self) -> list[str]:
        """Give the argv that starts `argv` through `launch`; its parent must be the calling process."""
        account = self.account.for_launch() if self.account else "-"
        script = str(Path(launch.__file__).resolve())
        shim = [sys.executable, "-I", "-S", script, str(os.getpid()), str(int(self.die_with)), account]
        return [*shim, *self.argv]


@contextmanager
def spawn_options(command: Command) -> Iterator[SpawnOptions]:
    """Open what the child needs, for as long as it takes to start it.

    The child gets a session of its own, so that Ctrl-C in a terminal reaches the parent alone. Call from the main
    thread: the kernel takes the end of the starting thread for the end of the parent.
    """
    with ExitStack() as opened:
        output = None
        if command.log is not None:
            output = open_log(command.log)
            opened.callback(os.close, output)
        stdin = subprocess.DEVNULL
        if command.stdin:
            stdin, writer = os.pipe()
            opened.callback(os.close, stdin)
            os.write(writer, command.stdin)  # a pipe holds 64 KiB
            os.close(writer)
        yield SpawnOptions(
            env=dict(command.env),
            cwd=command.cwd,
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=command.pass_fds,
            start_new_session=True,
        )


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start a child from synchronous code."""
    with spawn_options(command) as options:
        return subprocess.Popen(command.launcher(), **options)


def run(command: Command, stdin: str) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end, in our session but out of reach of the terminal's Ctrl-C, and capture its output."""
    return subprocess.run(
        command.launcher(),
        env=dict(command.env),
        cwd=command.cwd,
        input=stdin,
        pass_fds=command.pass_fds,
        process_group=0,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def stop(process: subprocess.Popen[bytes], steps: tuple[StopStep, ...]) -> None:
    """Send each step's signal until the process has ended, and collect it."""
    for step in steps:
        process.send_signal(step.signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(step.patience)
            return
    process.wait()


def end_leftovers(directory: Path, program: str, step: StopStep) -> list[int]:
    """End every `program` that works in `directory`; give the pids that even SIGKILL did not end.

    `step` goes to those that no other of them started; what outlasts its patience is killed.
    """
    leftovers = _working_in(directory, program)
    for pid, parent in leftovers.items():
        if parent not in leftovers:
            _signal(pid, step.signal)
    if remaining := _wait_until_gone(directory, program, step.patience):
        for pid in remaining:
            _signal(pid, signal.SIGKILL)
        remaining = _wait_until_gone(directory, program, 5)
    return list(remaining)


def end_session(session: int) -> None:
    """Kill every process of a session whose leader has ended."""
    for pid in _pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


def adopt_orphans() -> None:
    """Make the descendants of our children ours when their parent ends, so that none escapes `reap_orphans`."""
    launch.prctl(launch.PR_SET_CHILD_SUBREAPER, 1)


def reap_orphans(ours: set[int]) -> None:
    """Collect dead processes that were handed to us; `ours` have somebody who waits for them.

    So has every process of our own session: a tool that is being run here.
    """
    session = os.getsid(0)
    with suppress(ChildProcessError, ProcessLookupError):
        while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if dead.si_pid in ours or os.getsid(dead.si_pid) == session:
                return
            os.waitpid(dead.si_pid, 0)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names, many and often


def _working_in(directory: Path, program: str) -> dict[int, int]:
    """Find the processes named `program` whose working directory it is, each with its parent.

    The name keeps a person's shell in that directory out of it.
    """
    try:
        wanted = directory.stat()
    except FileNotFoundError:
        return {}
    found = {}
    for pid in _pids():
        entry = Path("/proc", str(pid))
        with suppress(OSError):
            if not os.path.samestat((entry / "cwd").stat(), wanted):
                continue
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            state, parent = rest.split()[:2]
            if name == program and state != "Z":
                found[pid] = int(parent)
    return found


def _wait_until_gone(directory: Path, program: str, seconds: float) -> dict[int, int]:
    deadline = time.monotonic() + seconds
    while (remaining := _working_in(directory, program)) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return remaining


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
