"""Helpers of these tests: throw-away servers, a supervisor to talk to, and polling with a deadline."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import queue
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.embedded.account import Account, reachable
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[3]
ODD_NAME = "a ,'\"\\?#%\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def eventually(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def asyncpg_url(server: EmbeddedPostgres) -> str:
    return server.url.replace("postgresql+asyncpg", "postgresql")


@asynccontextmanager
async def connected(server: EmbeddedPostgres) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(asyncpg_url(server))
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def ask(server: EmbeddedPostgres, sql: str) -> Any:
    async def run() -> Any:
        async with connected(server) as connection:
            return await connection.fetchval(sql)

    return asyncio.run(run())


def ordinary_account() -> Account:
    """An account with a passwd entry that is not the servers' own; it may search where Python is closed to it."""
    entry = pwd.getpwnam("daemon")
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    paths = (Path(sys.executable).resolve(), Path(sys.prefix), ROOT)
    return account if all(reachable(path, account) for path in paths) else Account(*_fields(account), search=True)


def _fields(account: Account) -> tuple[str, int, int]:
    return account.name, account.uid, account.gid


def modes(*paths: Path) -> list[tuple[int, int]]:
    return [(path.stat().st_mode, path.stat().st_uid) for path in paths]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a new cluster, to be copied."""
    data = tmp_path_factory.mktemp("template") / "data"
    server = EmbeddedPostgres(data, fast=True)
    server.prepare()
    server.close()
    return data


@pytest.fixture(scope="session")
def running(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server for the tests that leave it as it is."""
    data = tmp_path_factory.mktemp("running") / "data"
    subprocess.run(["cp", "-a", template, data], check=True)
    server = EmbeddedPostgres(data, fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Path:
    """A data directory of one's own, with a new cluster in it."""
    subprocess.run(["cp", "-a", template, tmp_path / "data"], check=True)
    return tmp_path / "data"


@pytest.fixture
def closing() -> Iterator[list[EmbeddedServer]]:
    """Servers put in here are stopped in the end."""
    servers: list[EmbeddedServer] = []
    yield servers
    for server in reversed(servers):
        server.stop()


class Up:
    """A running `programs/up.py`: its events, as they come, and its end."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.embedded.programs.up", json.dumps(plan)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self.errors = ""
        self._lines: queue.Queue[str] = queue.Queue()
        targets = (self._read_events, self._read_errors)
        self._readers = [threading.Thread(target=target, daemon=True) for target in targets]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def wait_for(self, event: str, seconds: float = 15, **fields: Any) -> dict[str, Any]:
        """Give the next event of this kind; those before it are in `seen`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = json.loads(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                pytest.fail(f"no {event} {fields} within {seconds} s, but {self.seen}")
            self.seen.append(found)
            if found["event"] == event and fields.items() <= found.items():
                return dict(found)

    def pids(self) -> dict[str, int]:
        """The last pid of each service that has come up."""
        return {each["service"]: each["pid"] for each in self.seen if each["event"] == "service up"}

    def finish(self, seconds: float = 15) -> int:
        """Wait for its end, with all its events in `seen`."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
            assert not reader.is_alive(), "a process that it left behind holds its outputs"
        while not self._lines.empty():
            self.seen.append(json.loads(self._lines.get()))
        return code

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.finish()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def up() -> Iterator[Callable[[dict[str, Any]], Up]]:
    running: list[Up] = []

    def start(plan: dict[str, Any]) -> Up:
        running.append(Up(plan))
        return running[-1]

    yield start
    for each in running:
        each.close()
