"""A new SECRET_KEY from beginning to end: both keys, re-encrypt while the service runs, drop the old one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.crypto import new_secret_key
from app.embedded.postgres import EmbeddedPostgres
from tests.simulators.arr import ArrSimulator
from tests.stack import free_port, wait_for

API_KEY = "a key of sixteen"


class Installation:
    """One database and the API on it, started with whatever secret keys."""

    def __init__(self, place: Path, database_url: str) -> None:
        self.port = free_port()
        self._settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "API_KEY": API_KEY,
            "DATA_DIR": str(place / "data"),
            "PORT": str(self.port),
        }

    def command(self, secret_key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", *arguments]
        environment = self._environment(secret_key)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    @contextmanager
    def running(self, secret_key: str) -> Iterator[None]:
        command = [sys.executable, "-m", "app.cli", "api"]
        with subprocess.Popen(
            command, env=self._environment(secret_key), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as api:
            try:
                wait_for("the API", lambda: self._answers() or api.poll() is not None)
                assert api.poll() is None
                yield
            finally:
                api.terminate()

    def call(self, method: str, path: str, **options: Any) -> Any:
        url, headers = f"http://127.0.0.1:{self.port}/api/v1{path}", {"X-Api-Key": API_KEY}
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **options)
        answer.raise_for_status()
        return answer.json()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _environment(self, secret_key: str) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")}
        ours = {**self._settings, "SECRET_KEY": secret_key}
        return {**others, **{f"TRAILHOOK_{name}": value for name, value in ours.items()}}


def test_a_key_is_replaced_without_losing_a_secret(tmp_path: Path) -> None:
    old, new = new_secret_key(), new_secret_key()
    postgres = EmbeddedPostgres(tmp_path / "postgres", fast=True)
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        postgres.start()
        try:
            rotate(Installation(tmp_path, postgres.url), radarr, old, new)
        finally:
            postgres.stop()


def rotate(trailhook: Installation, radarr: ArrSimulator, old: str, new: str) -> None:
    assert trailhook.command(old, "migrate").returncode == 0
    with trailhook.running(old):
        body = {"arr_type": "radarr", "url": radarr.url, "api_key": radarr.api_key}
        created = trailhook.call("POST", "/connections", json=body)
    assert "is not the key" in failure_of(trailhook.command(new, "api"))
    with trailhook.running(f"{new},{old}"):
        done = trailhook.command(f"{new},{old}", "key", "--reencrypt")
        assert (done.returncode, done.stdout.count("\n")) == (0, 1), done
        assert "2 secrets were re-encrypted with the first key: the older keys can be dropped" in done.stdout
        assert trailhook.call("POST", f"/connections/{created['id']}/test")["ok"]
    assert "is not the key" in failure_of(trailhook.command(old, "api"))
    with trailhook.running(new):
        assert trailhook.call("POST", f"/connections/{created['id']}/test")["ok"]
        assert trailhook.call("POST", f"/connections/{created['id']}/webhook")["webhook"]["error"] is None


def failure_of(done: subprocess.CompletedProcess[str]) -> str:
    """Check that a command failed with one sentence, and give it."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return said
