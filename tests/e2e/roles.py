"""Trailhook's roles as processes of their own over one Postgres and one Valkey, so that a test can end any of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import httpx

from app.crypto import new_secret_key
from app.db.schema import migrate
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.queue import open_redis
from app.settings import Settings
from tests.simulators.arr import ArrSimulator
from tests.stack import free_port, wait_for

PROJECT = Path(__file__).parents[2]
API_KEY = "a key of sixteen"
REAL_WORKER = ("app.cli", "worker")


class Worker:
    """One worker process, in a session of its own."""

    def __init__(self, module: tuple[str, ...], environment: dict[str, str], log_file: Path) -> None:
        self._log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_started(self) -> None:
        wait_for("the worker to start", lambda: "worker started" in self.log() or self._process.poll() is not None)
        assert self._process.poll() is None, self.log()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Give the exit code; raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End it as the kernel's out-of-memory killer does, and see it dead."""
        self._process.kill()
        self._process.wait(10)

    def log(self) -> str:
        return self._log_file.read_text(errors="replace")


class Roles:
    """Postgres, Valkey and the API; workers are started by the test. `settings` hold for all."""

    def __init__(self, place: Path, plugin_dir: Path, **settings: str) -> None:
        self.place = place
        self.postgres = EmbeddedPostgres(place / "postgres", fast=True)
        self.valkey = EmbeddedValkey(place / "valkey", fast=True)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._settings = {
            "SECRET_KEY": new_secret_key(),
            "API_KEY": API_KEY,
            "PORT": self.url.rpartition(":")[2],
            "DOWNLOAD_GAP": "0",
            "BACKFILL_GAP": "0",
            **settings,
        }
        self._plugin_dir = plugin_dir
        self._workers: list[Worker] = []
        self._api: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.valkey.start()
            settings = Settings.model_validate({"database_url": self.postgres.url, "redis_url": self.valkey.url})
            assert settings.database_url is not None
            assert settings.redis_url is not None
            self._redis_url = settings.redis_url
            asyncio.run(migrate(settings.database_url))
            self._start_api()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    @contextmanager
    def worker(self, *module: str, **settings: str) -> Iterator[Worker]:
        """Start a worker, by default the real one; it is dead when the block ends."""
        name = f"worker{len(self._workers)}"
        worker = Worker(module or REAL_WORKER, self._environment(name, settings), self.place / f"{name}.log")
        self._workers.append(worker)
        try:
            worker.wait_until_started()
            yield worker
        finally:
            worker.kill()

    def connect(self, name: str, arr: ArrSimulator, **options: Any) -> int:
        """Add a connection with its webhook; gives its id."""
        body = {"name": name, "arr_type": arr.app_name.lower(), "url": arr.url, "api_key": arr.api_key, **options}
        return int(self.api("POST", "/connections", json=body)["id"])

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call the API; gives the JSON. Raises httpx.HTTPStatusError."""
        headers = {"X-Api-Key": API_KEY}
        url = f"{self.url}/api/v1{path}"
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **options)
        answer.raise_for_status()
        return answer.json()

    def title(self, name: str) -> dict[str, Any]:
        """Give a title with its attempts and its trailer; empty while unknown."""
        found = [item for item in self.api("GET", "/media?limit=500")["items"] if item["title"] == name]
        return dict(self.api("GET", f"/media/{found[0]['id']}")) if found else {}

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Read or change the database behind Trailhook's back."""

        async def run() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self._plain_url)
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(run())

    @contextmanager
    def locked(self, statement: str) -> Iterator[None]:
        """Hold a transaction open after a statement."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self._plain_url))
            runner.run(connection.execute(f"BEGIN; {statement}"))
            try:
                yield
            finally:
                runner.run(connection.close())

    def end_leases(self) -> None:
        """Let the leases of a dead worker run out at once."""
        for table in ("attempt", "item_sync", "run"):
            self.sql(f"UPDATE {table} SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")

    def flush_redis(self) -> None:
        """Lose all of Redis; there the jobs of a dead worker count as running, for up to a minute."""

        async def flush() -> None:
            redis = open_redis(self._redis_url)
            await redis.flushall()
            await redis.aclose()

        asyncio.run(flush())

    @property
    def _plain_url(self) -> str:
        return self.postgres.url.replace("postgresql+asyncpg", "postgresql")

    def _environment(self, name: str, settings: dict[str, str]) -> dict[str, str]:
        stores = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url}
        ours = {**self._settings, **stores, "DATA_DIR": str(self.place / name), **settings}
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")}
        return {
            **others,
            **{f"TRAILHOOK_{name}": value for name, value in ours.items()},
            "PYTHONPATH": str(self._plugin_dir),
        }

    def _start_api(self) -> None:
        with (self.place / "api.log").open("wb") as log:
            command = [sys.executable, "-m", "app.cli", "api"]
            environment = self._environment("api", {})
            self._api = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_for("the API", self._answers)

    def _answers(self) -> bool:
        assert self._api is not None
        assert self._api.poll() is None, (self.place / "api.log").read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == httpx.codes.OK
        return False

    def _stop(self) -> None:
        for worker in self._workers:
            worker.kill()
        if self._api is not None:
            self._api.terminate()
            self._api.wait(20)
        self.valkey.stop()
        self.postgres.stop()


def processes_naming(path: Path) -> dict[int, str]:
    """List the processes that name a path in their command or environment, by their id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if os.fsencode(path) in (entry / "environ").read_bytes() + command and int(entry.name) != os.getpid():
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


@contextmanager
def frozen(server: EmbeddedPostgres | EmbeddedValkey) -> Iterator[None]:
    """Let a server hang with its connections open: the worst way to be away."""
    assert server.pid is not None
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
