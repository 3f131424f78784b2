"""`make bench ONLY=inbox`: durable webhooks against the same server's empty 202 route, in one run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.crypto import new_password, new_secret_key
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from tests.bench.figures import Figure
from tests.simulators.arr import ArrSimulator
from tests.stack import free_port

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 32
RATE = 200  # requests a second
THROUGHPUT_TARGET = 0.4
LATENCY_TARGET = 10.0  # ms above the empty route's


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes."""

    port: int
    path: str
    headers: dict[str, str]


def measure() -> list[Figure]:
    """Measure both routes in turn, several times, and give the medians."""
    with tempfile.TemporaryDirectory(prefix="trailhook-bench-") as place, _service(Path(place)) as (empty, webhook):
        for target in (empty, webhook):
            _load(target, CONNECTIONS, None)
        fast = [(_load(empty, CONNECTIONS, None), _load(webhook, CONNECTIONS, None)) for _ in range(ROUNDS)]
        calm = [(_load(empty, 4, RATE), _load(webhook, 4, RATE)) for _ in range(ROUNDS)]
    floor, value = (statistics.median(_rate(pair[side]) for pair in fast) for side in (0, 1))
    figures = [
        Figure(
            "inbox.throughput",
            value,
            "webhooks/s",
            floor,
            value / floor,
            f">= {THROUGHPUT_TARGET} x",
            value / floor >= THROUGHPUT_TARGET,
        )
    ]
    for share in (50, 99):
        floor, value = (statistics.median(_percentile(pair[side], share) for pair in calm) for side in (0, 1))
        limit = f"<= floor + {LATENCY_TARGET:.0f} ms" if share == 99 else None
        met = value <= floor + LATENCY_TARGET if share == 99 else None
        figures.append(Figure(f"inbox.p{share}_at_{RATE}", value, "ms", floor, value / floor, limit, met))
    return figures


@contextmanager
def _service(place: Path) -> Iterator[tuple[Target, Target]]:
    postgres, valkey = EmbeddedPostgres(place), EmbeddedValkey(place)
    postgres.start()
    valkey.start()
    port, api_key = free_port(), new_password()
    environment = {
        **os.environ,
        "TRAILHOOK_DATA_DIR": str(place / "data"),
        "TRAILHOOK_DATABASE_URL": postgres.url,
        "TRAILHOOK_REDIS_URL": valkey.url,
        "TRAILHOOK_API_KEY": api_key,
        "TRAILHOOK_SECRET_KEY": new_secret_key(),
        "TRAILHOOK_PORT": str(port),
    }
    try:
        subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, check=True, capture_output=True)
        server = subprocess.Popen([sys.executable, "-m", "tests.bench.server"], env=environment)
        try:
            yield Target(port, "/empty", {}), _connect(port, api_key, place)
        finally:
            server.terminate()
            server.wait(20)
    finally:
        valkey.stop()
        postgres.stop()


def _connect(port: int, api_key: str, place: Path) -> Target:
    url = f"http://127.0.0.1:{port}"
    for _ in range(400):
        try:
            httpx.get(f"{url}/healthz", trust_env=False)
            break
        except httpx.HTTPError:
            time.sleep(0.05)
    with ArrSimulator("Radarr", place / "movies") as radarr:
        body = {"arr_type": "radarr", "url": radarr.url, "api_key": radarr.api_key, "register_webhook": False}
        created = httpx.post(
            f"{url}/api/v1/connections", json=body, headers={"X-Api-Key": api_key}, timeout=30, trust_env=False
        ).raise_for_status()
    return Target(port, "/webhooks/radarr", {"X-Webhook-Token": created.json()["webhook_password"]})


def _load(target: Target, connections: int, rate: int | None) -> dict[str, Any]:
    payload = (Path(__file__).parent.parent / "payloads/radarr/Download.json").read_text()
    bodies = [payload.replace('"id": 12,', f'"id": {number},', 1) for number in range(1, 201)]
    job = {
        "host": "127.0.0.1",
        "port": target.port,
        "path": target.path,
        "headers": target.headers,
        "bodies": bodies,
        "connections": connections,
        "seconds": SECONDS,
        "rate": rate,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {"202"}:
        message = f"{target.path} answered {result['statuses']}"
        raise RuntimeError(message)
    return result


def _rate(result: dict[str, Any]) -> float:
    return float(result["sent"] / result["seconds"])


def _percentile(result: dict[str, Any], share: int) -> float:
    times = result["milliseconds"]
    return float(times[min(len(times) - 1, len(times) * share // 100)])
