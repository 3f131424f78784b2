"""Durable webhooks against the same server's empty 202 route, in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.service import Service, Target, about
from tests.simulators.arr import ArrSimulator

PAYLOAD = (Path(__file__).parent.parent / "payloads/radarr/Download.json").read_bytes()
ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 32
CALM_CONNECTIONS = 4
RATE = 200  # requests a second
ITEMS = 200
THROUGHPUT_TARGET = 0.4
LATENCY_TARGET = 10.0  # ms above the empty route's


def measure(service: Service, place: Path) -> list[Figure]:
    """Give the medians of several rounds."""
    with ArrSimulator("Radarr", place / "movies") as radarr:
        webhook = service.connect("radarr", radarr.url, radarr.api_key)
    for target in (service.empty, webhook):
        load(target, CONNECTIONS, None)
    both = (service.empty, webhook)
    fast = [[load(target, CONNECTIONS, None) for target in both] for _ in range(ROUNDS)]
    calm = [[load(target, CALM_CONNECTIONS, RATE) for target in both] for _ in range(ROUNDS)]
    floor, value = (statistics.median(_rate(pair[side]) for pair in fast) for side in (0, 1))
    ratio = statistics.median(_rate(pair[1]) / _rate(pair[0]) for pair in fast)
    least, met = f">= {THROUGHPUT_TARGET} x", ratio >= THROUGHPUT_TARGET
    figures = [Figure("inbox.throughput", value, "webhooks/s", floor, ratio, least, met)]
    for share in (50, 99):
        floor, value = (statistics.median(_percentile(pair[side], share) for pair in calm) for side in (0, 1))
        limit = f"<= floor + {LATENCY_TARGET:.0f} ms" if share == 99 else None
        in_time = value <= floor + LATENCY_TARGET if share == 99 else None
        figures.append(Figure(f"inbox.p{share}_at_{RATE}", value, "ms", floor, value / floor, limit, in_time))
    return figures


def load(target: Target, connections: int, rate: int | None) -> dict[str, Any]:
    """Send Downloads of many items for a while, and give the tally."""
    bodies = [about(PAYLOAD, number).decode() for number in range(1, ITEMS + 1)]
    return run_load(target, bodies, connections=connections, rate=rate, seconds=SECONDS)


def run_load(target: Target, bodies: list[str], **how: float | None) -> dict[str, Any]:
    """Send these bodies from a process of its own; see `tests.bench.load`."""
    job = {
        "host": "127.0.0.1",
        "port": target.port,
        "path": target.path,
        "headers": target.headers,
        "bodies": bodies,
        **how,
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
