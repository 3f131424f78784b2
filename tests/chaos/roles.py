"""The processes of Trailhook as a careful operator runs them: started again whenever they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.embedded.process import Command, spawn

ROOT = Path(__file__).resolve().parents[2]
READY = {"api": b"api listens", "worker": b"worker started"}
RESTART_AFTER = 0.2  # s
FOLLOWS_WITHIN = 5.0  # s, in which the children of a killed process have to be gone


@dataclass(slots=True)
class Life:
    """One process of a role, from its start to its end; times are `time.time()`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready: bytes
    asked_to_end: bool = False
    died: float | None = None
    frozen: list[float] = field(default_factory=list)
    thawed: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    def was_ready(self) -> bool:
        return self.ready in self.log.read_bytes()


class Role:
    """One role; every life of it has a log and a mark of its own, which its children inherit."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.lives: list[Life] = []
        self.complaints: list[str] = []
        self._arguments = arguments
        self._environment = environment
        self._logs = logs

    @property
    def life(self) -> Life:
        """The newest one."""
        return self.lives[-1]

    def start(self) -> None:
        """Start it; call from the main thread only, for its end would end the process."""
        name = f"{self.name}.{len(self.lives)}"
        log = self._logs / f"{name}.log"
        log.touch()
        marked = f"{self._environment['PYTHONPATH']}{os.pathsep}{self._mark(name)}"
        command = Command(
            argv=(sys.executable, "-m", "app.cli", *self._arguments),
            env={**self._environment, "PYTHONPATH": marked},
            die_with=signal.SIGKILL,
            log=log,
            cwd=str(ROOT),
        )
        self.lives.append(Life(name, spawn(command), log, READY[self._arguments[0]]))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its process, if that runs."""
        life = self.life
        if life.died is not None:
            return
        if number is signal.SIGSTOP:
            life.frozen.append(time.time())
        else:
            life.asked_to_end = True
        life.process.send_signal(number)

    def thaw(self, life: Life) -> None:
        """Let a process that was stopped by SIGSTOP go on, if it still is this one."""
        if life.died is None and len(life.thawed) < len(life.frozen):
            life.thawed.append(time.time())
            life.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill its process and wait until it and all its children are gone: from then on it holds nothing."""
        life = self.life
        if life.died is None:
            life.asked_to_end = True
            life.process.kill()
            life.process.wait()
            life.died = time.time()
        end = time.monotonic() + FOLLOWS_WITHIN
        while left := processes_marked(self._mark(life.name)):
            if time.monotonic() > end:
                self.complaints.append(f"{life.name} was killed and its children live on: {left}")
                return
            time.sleep(0.02)

    def tend(self) -> None:
        """Notice its end, and start it again."""
        life = self.life
        code = life.process.poll()
        if code is None:
            return
        if life.died is None:
            life.died = time.time()
            self._judge(life, code)
        elif time.time() - life.died > RESTART_AFTER:
            self.start()

    def stop(self, patience: float) -> None:
        """End it in order, for good."""
        life = self.life
        if life.died is not None:
            return
        self.thaw(life)
        self.signal(signal.SIGTERM)
        try:
            self._judge(life, life.process.wait(patience))
        except subprocess.TimeoutExpired:
            self.complaints.append(f"{life.name} did not end within {patience} s of SIGTERM")
            life.process.kill()
            life.process.wait()
        life.died = time.time()

    def _judge(self, life: Life, code: int) -> None:
        """Complain of how it ended, unless it never got up: then its stores were away."""
        if not life.was_ready():
            return
        if not life.asked_to_end:
            self.complaints.append(f"{life.name} ended by itself with {code}")
        elif code not in {0, -signal.SIGTERM, -signal.SIGKILL}:
            self.complaints.append(f"{life.name} was stopped and ended with {code}")

    def _mark(self, name: str) -> str:
        return str(self._logs / f"life-{name}-")


def processes_marked(mark: str) -> list[str]:
    """List the processes, but for zombies, in whose environment the mark is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment:
            found.append(f"{entry.name} {command.replace(bytes(1), b' ').decode(errors='replace')[:120]}")
    return found


def process_of_port(port: int, names: Mapping[int, str]) -> str:
    """Name the process among these (by pid) that holds the local TCP port of loopback."""
    address = f"0100007F:{port:04X}"
    with Path("/proc/net/tcp").open() as table:
        sockets = {f"socket:[{line.split()[9]}]" for line in table if line.split()[1] == address}
    for pid, name in names.items():
        with suppress(OSError):
            for link in Path("/proc", str(pid), "fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()) in sockets:
                        return name
    return f"port {port}"
