"""What the embedded servers have in common: one lock, one account, one socket directory, one way to start and stop."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from app.embedded import process
from app.embedded.account import Account, choose_account
from app.embedded.files import Owner, lock_file, make_directory, rotate_log
from app.embedded.process import Command, StopStep
from app.embedded.sockets import make_socket_directory, socket_base, socket_directory
from app.errors import EmbeddedError

_POLL = 0.02  # s


class EmbeddedServer(ABC):
    """One server, with all it keeps under `data_dir/<name>`; nothing is touched before `prepare`.

    A supervisor calls prepare, command, ready, why and close; start and stop do the same synchronously.
    """

    name: ClassVar[str]
    program: ClassVar[str]  # as the kernel shows it, 15 bytes at most
    socket_name: ClassVar[str]
    variable: ClassVar[str]  # the setting that does without this server
    stop_steps: ClassVar[tuple[StopStep, ...]]
    lock_patience: ClassVar[float] = 5.0  # s, for a server that has lost its supervisor and that we cannot see

    def __init__(self, data_dir: Path, *, fast: bool = False) -> None:
        """`fast` gives up durability for speed: for tests only."""
        self.data_dir = data_dir.resolve()
        self.root = self.data_dir / self.name
        self.log_file = self.root / "server.log"
        self.fast = fast
        self._account: Account | None = None
        self._locks: list[int] = []
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def work_dir(self) -> Path:
        """The server's own directory, which it works in."""

    @property
    @abstractmethod
    def binary(self) -> Path:
        """The program; raises EmbeddedError where it is not installed."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients, password included; known once the server has been prepared for the first time."""

    @abstractmethod
    def command(self) -> Command:
        """Give the process to start; call `prepare` first."""

    @abstractmethod
    def ready(self, pid: int) -> bool:
        """Say whether that process takes commands."""

    @abstractmethod
    def why(self) -> str:
        """Say in one sentence, from the log, why the last start failed."""

    @abstractmethod
    def _make_ready_to_start(self) -> None:
        """Make data and configuration; the locks are held and nothing runs."""

    def prepare(self) -> None:
        """Do everything that comes before the process: lock, leftovers, data, configuration. Blocks for seconds.

        Raises EmbeddedError, with a sentence that says what to do.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_directory(self.root, 0o700 if os.geteuid() else 0o711)  # the account has to pass
            self._account = self._choose_account()
            self._hold("lock", patience=0)
            self._end_leftovers(self.work_dir)
            self._hold("server.lock", patience=self.lock_patience)
            make_socket_directory(self.root, self.socket_name, self._owner)
            self._make_ready_to_start()
            rotate_log(self.log_file)
            self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        except OSError as error:
            where = error.filename or self.root
            message = f"{self.name} cannot use {where} ({error.strerror}): free or open it, or set {self.variable}."
            raise EmbeddedError(message) from error

    def start(self, timeout: float = 120) -> None:
        """Prepare, start and wait until it is ready; call from the main thread. Raises EmbeddedError."""
        try:
            self.prepare()
            self._process = process.spawn(self.command())
            self._wait_until_ready(self._process, timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it in order and let go of the data directory; again is no harm."""
        if self._process is not None:
            process.stop(self._process, self.stop_steps)
            self._process = None
        self.close()

    def close(self) -> None:
        """Let go of the data directory, with nothing left that works in it; the server itself must have ended."""
        if self._locks:
            # A busy process of a server that had to be killed does not notice.
            process.end_leftovers(self.work_dir, self.program, StopStep(signal.SIGKILL, 1))
        while self._locks:
            os.close(self._locks.pop())

    @property
    def pid(self) -> int | None:
        """The process that `start` started."""
        return self._process.pid if self._process else None

    @property
    def socket_dir(self) -> Path:
        """Where the socket is."""
        return socket_directory(self.root)

    @property
    def _owner(self) -> Owner | None:
        """Who owns what the server writes; None where the server runs as we do."""
        return Owner(self._account.uid, self._account.gid) if self._account else None

    @property
    def _password_file(self) -> Path:
        return self.root / "password"

    @property
    def _password(self) -> str:
        try:
            return self._password_file.read_text(encoding="ascii")
        except FileNotFoundError:
            message = f"There is no {self._password_file}: run `trailhook up` once, or restore it from a backup."
            raise EmbeddedError(message) from None

    @property
    def _server_lock(self) -> int:
        """The descriptor that the server gets, so that its data stays locked as long as it runs."""
        return self._locks[1]

    def _choose_account(self) -> Account | None:
        reached = (self.binary, self.root, socket_base(self.root, self.socket_name))
        return choose_account((self.work_dir, self.data_dir), reached)

    def _hold(self, name: str, *, patience: float) -> None:
        """Take the next lock, unless a former `prepare` has; the first is ours alone, the second the server's too."""
        position = ("lock", "server.lock").index(name)
        deadline = time.monotonic() + patience
        while len(self._locks) <= position:
            descriptor = lock_file(self.root / name)
            if descriptor is not None:
                self._locks.append(descriptor)
            elif time.monotonic() >= deadline:
                message = f"{self.data_dir} is in use: Trailhook is already running, stop that first."
                raise EmbeddedError(message)
            else:
                time.sleep(_POLL)

    def _end_leftovers(self, directory: Path) -> None:
        """End servers in `directory`: we hold the lock, so they have lost their supervisor."""
        step = StopStep(self.stop_steps[0].signal, 10)
        if stuck := process.end_leftovers(directory, self.program, step):
            message = f"A former {self.program} (process {stuck[0]}) does not end: restart the machine."
            raise EmbeddedError(message)

    def _wait_until_ready(self, started: subprocess.Popen[bytes], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self.ready(started.pid):
            if started.poll() is not None:
                raise EmbeddedError(self.why())
            if time.monotonic() > deadline:
                message = f"{self.name} was not ready within {timeout:g} s: look into {self.log_file}."
                raise EmbeddedError(message)
            time.sleep(_POLL)

    def _new_log_text(self) -> str:
        try:
            with self.log_file.open("rb") as file:
                file.seek(self._log_start)
                return file.read(256 * 1024).decode(errors="replace")
        except FileNotFoundError:
            return ""


def package_directory(package: str, variable: str) -> Path:
    """Find an installed package's files without running its code.

    Raises EmbeddedError that names the setting which does without it.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        message = f"{package} is not installed: install trailhook[embedded], or set {variable}."
        raise EmbeddedError(message)
    return Path(next(iter(found.submodule_search_locations))).resolve()
