"""The real roles over an embedded Postgres and Valkey of their own, as durable as in production, for measuring."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.crypto import new_password, new_secret_key
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from tests.stack import free_port, wait_for


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks go."""

    port: int
    path: str
    headers: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"


class Service:
    """An API process and, where asked for, workers; what a caller starts ends with it."""

    def __init__(self, place: Path, postgres: EmbeddedPostgres, valkey_url: str) -> None:
        self.port = free_port()
        assert postgres.pid is not None
        self.postgres_pid = postgres.pid
        self.postgres_url = postgres.url.replace("+asyncpg", "")
        self.empty = Target(self.port, "/empty", {})
        self._place = place
        self._stack = ExitStack()
        key = new_password()
        client = httpx.Client(headers={"X-Api-Key": key}, timeout=30, trust_env=False)
        self._client = self._stack.enter_context(client)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")},
            "TRAILHOOK_DATA_DIR": str(place / "data"),
            "TRAILHOOK_DATABASE_URL": postgres.url,
            "TRAILHOOK_REDIS_URL": valkey_url,
            "TRAILHOOK_API_KEY": key,
            "TRAILHOOK_SECRET_KEY": new_secret_key(),
            "TRAILHOOK_PORT": str(self.port),
            "TRAILHOOK_LOG_LEVEL": "warning",
        }

    def start_api(self) -> None:
        """Bring the database to head and serve; returns once the API answers."""
        migrate = [sys.executable, "-m", "app.cli", "migrate"]
        subprocess.run(migrate, env=self._environment, check=True, capture_output=True)
        self._start("tests.bench.server")
        wait_for("the API to answer", self._answers)

    def start_workers(self, count: int) -> list[int]:
        """Start workers and give their pids, once all of them are seen and have reconciled what is connected."""
        pids = [self._start("app.cli", "worker", "--queue", "sync") for _ in range(count)]
        wait_for("the workers", lambda: len(self.get("/status")["workers"]) == count)
        wait_for("the first reconciliations", lambda: all(run["outcome"] for run in self.get("/runs")["items"]))
        return pids

    def connect(self, app: str, url: str, api_key: str) -> Target:
        """Add a connection; its webhooks are sent by the benchmark, not by the Arr."""
        body = {"arr_type": app, "url": url, "api_key": api_key, "register_webhook": False}
        password = self.post("/connections", body)["webhook_password"]
        return Target(self.port, f"/webhooks/{app}", {"X-Webhook-Token": password})

    def get(self, path: str) -> Any:
        """Ask the API."""
        answer = self._client.get(self._url(path))
        return answer.raise_for_status().json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API to do something."""
        answer = self._client.post(self._url(path), json=body)
        return answer.raise_for_status().json()

    def stop(self) -> None:
        """End all processes."""
        self._stack.close()

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1{path}"

    def _answers(self) -> bool:
        try:
            return self._client.get(f"http://127.0.0.1:{self.port}/healthz").is_success
        except httpx.HTTPError:
            return False

    def _start(self, *module: str) -> int:
        process = subprocess.Popen([sys.executable, "-m", *module], env=self._environment)
        self._stack.callback(process.wait, 30)
        self._stack.callback(process.terminate)
        return process.pid


@contextmanager
def running_service(place: Path) -> Iterator[Service]:
    """Start Postgres, Valkey and the API."""
    with ExitStack() as stack:
        postgres, valkey = EmbeddedPostgres(place), EmbeddedValkey(place)
        for server in (postgres, valkey):
            server.start()
            stack.callback(server.stop)
        service = Service(place, postgres, valkey.url)
        stack.callback(service.stop)
        service.start_api()
        yield service


def send(client: httpx.Client, target: Target, body: bytes) -> float:
    """Send one webhook; gives the time at which its 202 was there."""
    answer = client.post(target.url, content=body, headers=target.headers)
    received = time.time()
    if answer.status_code != httpx.codes.ACCEPTED:
        message = f"{target.path} answered {answer.status_code}"
        raise RuntimeError(message)
    return received


def about(payload: bytes, item: int) -> bytes:
    """Give the payload for another item: its own id comes first in these files."""
    head, _, rest = payload.partition(b'"id": ')
    return head + b'"id": ' + str(item).encode() + rest[len(rest) - len(rest.lstrip(b"0123456789")) :]
