"""The whole of Trailhook as a user runs it: `trailhook up` in a process of its own, and its commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx

START_PATIENCE = 60.0  # s
STOP_PATIENCE = 25.0  # s


def free_port(wished: int = 0) -> int:
    """Give the wished port if it is free, else any free one."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "there is no free port on loopback"
    raise RuntimeError(message)


class Stack:
    """Starts on entering, stops on leaving; `settings` are TRAILHOOK_ variables without their prefix."""

    def __init__(self, data_dir: Path, plugin_dir: Path | None = None, port: int = 0, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = data_dir.with_suffix(".log")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")},
            "TRAILHOOK_DATA_DIR": str(data_dir),
            "TRAILHOOK_PORT": str(self.port),
            "TRAILHOOK_DOWNLOAD_GAP": "0",
            "TRAILHOOK_BACKFILL_GAP": "0",
            **{f"TRAILHOOK_{name}": value for name, value in settings.items()},
        }
        if plugin_dir is not None:
            self.environment["PYTHONPATH"] = str(plugin_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._log = self.log_file.open("ab")
        command = [sys.executable, "-m", "app.cli", "up"]
        self._process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int | None:
        """Stop everything; gives the exit code, None where it was not running."""
        if self._process is None or self._log is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None
            self._log.close()
        return code

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a `trailhook` command against this service."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def connect(self, app: str, url: str, api_key: str, *options: str) -> str:
        """Add a connection by the command; gives what it printed."""
        done = self.command("connect", app, url, "--api-key-file", "-", *options, stdin=api_key + "\n")
        if done.returncode != 0:
            message = f"connect failed: {done.stderr}"
            raise RuntimeError(message)
        return done.stdout + done.stderr

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call the API with its key; gives the JSON. Raises httpx.HTTPStatusError."""
        headers = {"X-Api-Key": (self.data_dir / "api-key").read_text().strip()}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, trust_env=False, **options)
        answer.raise_for_status()
        return answer.json()

    def titles(self) -> dict[str, Any]:
        """Give all titles by name."""
        return {item["title"]: item for item in self.api("GET", "/media?limit=500")["items"]}

    def log(self) -> str:
        """Give what all its processes printed."""
        return self.log_file.read_text(errors="replace")

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                answer = httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2)
                if answer.status_code == httpx.codes.OK and answer.json()["status"] == "ok":
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        message = f"trailhook did not start: {self.log()[-2000:]}"
        raise RuntimeError(message)


def wait_for(what: str, happened: Any, seconds: float = 60.0) -> Any:
    """Ask until the answer is true and give it; fails with `what` after the time."""
    end = time.monotonic() + seconds
    while not (answer := happened()):
        if time.monotonic() > end:
            message = f"waited {seconds:.0f} s in vain: {what}"
            raise TimeoutError(message)
        time.sleep(0.05)
    return answer
