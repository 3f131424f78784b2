"""`make bench ONLY=reconcile`: what a refresh of a large library costs, and what goes on beside it meanwhile.

`SCALE=0.1` shrinks the libraries for a trial; the targets are meant for the full size.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench import big_library
from tests.bench.figures import Figure
from tests.bench.processes import cpu_seconds, peak_memory
from tests.bench.receiving import PAYLOAD, run_load
from tests.bench.service import Service, Target, about, running_service, send
from tests.stack import wait_for

SCALE = float(os.environ.get("SCALE", "1"))
SMALL, MIDDLE, LARGE = (int(SCALE * count) for count in (10_000, 50_000, 100_000))
ROUNDS, CALM_ROUNDS = (3, 5) if SCALE >= 1 else (1, 1)
RATE = 50  # webhooks a second
CONNECTIONS = 4
LOAD_SECONDS = 4.0
LATENCY_ITEMS = 200
UNCHANGED_TARGET, FIRST_TARGET = 2.0, 3.0
MEMORY_TARGET, GROWTH_TARGET = 150.0, 10.0  # MiB
SLOWDOWN_TARGET = 1.2
LATENCY_TARGET = 2.0
SYNC_TARGET = 1000.0  # ms
PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Cost:
    """A first refresh, one that finds nothing changed, and the floor of both; CPU seconds."""

    first: float
    unchanged: float
    floor: float


@dataclass(slots=True)
class Scene:
    """A running service with one worker, and a Radarr beside it."""

    service: Service
    radarr: str
    worker: int
    connection: Target | None = None

    def first(self) -> float:
        """Connect, wait for the first refresh, and give the CPU seconds that it took."""
        return self._measured(self._connect)

    def again(self) -> float:
        """Refresh once more, and give the CPU seconds."""
        return self._measured(lambda: self.service.post("/connections/1/reconcile"))

    def _connect(self) -> None:
        self.connection = self.service.connect("radarr", self.radarr, "key")

    def _measured(self, start: Callable[[], object]) -> float:
        before = cpu_seconds(self.worker, self.service.postgres_pid)
        start()
        run = self._wait()
        if run["outcome"] != "completed":
            message = f"the refresh ended as {run['outcome']}: {run['error']}"
            raise RuntimeError(message)
        return cpu_seconds(self.worker, self.service.postgres_pid) - before

    def _wait(self) -> dict[str, Any]:
        """Ask seldom: each question costs Postgres time too."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            time.sleep(0.5)
            run: dict[str, Any] = self.service.get("/runs?limit=1")["items"][0]
            if run["outcome"]:
                return run
        message = "the refresh did not end"
        raise TimeoutError(message)


def measure() -> list[Figure]:
    """Measure at three sizes, each with databases of its own."""
    with tempfile.TemporaryDirectory(prefix="trailhook-bench-") as place:
        root = Path(place) / "movies"
        big_library.make_folders(root, LARGE)
        return [*_costs(root), *_sizes(root)]


def _costs(root: Path) -> list[Figure]:
    with _radarr(root, MIDDLE) as radarr:
        costs = [_cost(root, radarr) for _ in range(ROUNDS)]
    return [
        _beside_floor(f"reconcile.unchanged_{MIDDLE}", [(one.unchanged, one.floor) for one in costs], UNCHANGED_TARGET),
        _beside_floor(f"reconcile.first_{MIDDLE}", [(one.first, one.floor) for one in costs], FIRST_TARGET),
    ]


def _cost(root: Path, radarr: str) -> Cost:
    with _scene(radarr) as scene:
        return Cost(scene.first(), scene.again(), _floor(scene, root))


def _floor(scene: Scene, root: Path) -> float:
    command = [sys.executable, "-m", "tests.bench.reconcile_floor"]
    before = cpu_seconds(scene.service.postgres_pid)
    arguments = [scene.radarr, scene.service.postgres_url, str(root), str(MIDDLE)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout) + cpu_seconds(scene.service.postgres_pid) - before


def _sizes(root: Path) -> list[Figure]:
    with _radarr(root, SMALL) as radarr, _scene(radarr) as scene:
        small = scene.first(), _best(scene)
        least = peak_memory(scene.worker)
    with _radarr(root, LARGE) as radarr, _scene(radarr) as scene:
        large = scene.first(), _best(scene)
        most = peak_memory(scene.worker)
        beside = _beside(scene)
    return [
        *(_slowdown(name, few, many) for name, few, many in zip(("first", "unchanged"), small, large, strict=True)),
        _within("reconcile.worker_memory", most, "MiB at most", MEMORY_TARGET),
        _within("reconcile.worker_memory_growth", most - least, f"MiB from {SMALL} to {LARGE}", GROWTH_TARGET),
        *beside,
    ]


def _best(scene: Scene) -> float:
    return min(scene.again() for _ in range(ROUNDS))


def _beside(scene: Scene) -> list[Figure]:
    """Send webhooks on an idle system and during refreshes, in turn; and look how soon an item is synced."""
    pairs: list[tuple[float, float]] = []
    delays: list[float] = []
    assert scene.connection is not None
    _load(scene.connection)
    for _ in range(CALM_ROUNDS):
        idle = _load(scene.connection)
        with _refreshing(scene):
            busy = _load(scene.connection)
            delays.append(_sync_delay(scene, 1000 + len(delays)))
        pairs.append((busy, idle))
    return [
        _beside_floor("reconcile.webhook_p99", pairs, LATENCY_TARGET, f"ms at {RATE}/s during a refresh"),
        _within("reconcile.sync_start", max(delays), "ms after the 202, during a refresh", SYNC_TARGET),
    ]


@contextmanager
def _refreshing(scene: Scene) -> Iterator[None]:
    """Keep refreshes going, one after another, while the block runs."""
    over = threading.Event()

    def keep() -> None:
        while not over.is_set():
            scene.again()

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        time.sleep(1)
        yield
    finally:
        over.set()
        thread.join()


def _load(target: Target) -> float:
    """Give the p99 of webhooks of a few items, in milliseconds."""
    bodies = [about(PAYLOAD, number).decode() for number in range(1, LATENCY_ITEMS + 1)]
    result = run_load(target, bodies, connections=CONNECTIONS, rate=RATE, seconds=LOAD_SECONDS)
    times: list[float] = result["milliseconds"]
    return times[len(times) * 99 // 100 - 1]


def _sync_delay(scene: Scene, item: int) -> float:
    assert scene.connection is not None
    with httpx.Client(trust_env=False, timeout=30) as client:
        received = send(client, scene.connection, about(PAYLOAD, item))

        def asked() -> list[float]:
            answer = client.get(f"{scene.radarr}/_asked").json()
            return [moment for number, moment in answer if number == item]

        moments: list[float] = wait_for("the sync", asked)
        return (moments[0] - received) * 1000


@contextmanager
def _radarr(root: Path, count: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.big_radarr", str(root), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def _scene(radarr: str) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="trailhook-bench-") as place, running_service(Path(place)) as service:
        (worker,) = service.start_workers(1)
        yield Scene(service, radarr, worker)


def _beside_floor(name: str, pairs: list[tuple[float, float]], target: float, unit: str = "CPU s") -> Figure:
    value, floor = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(value / floor for value, floor in pairs)
    return Figure(name, value, unit, floor, ratio, f"<= {target:g} x", ratio <= target)


def _slowdown(name: str, few: float, many: float) -> Figure:
    few, many = (seconds * 1000 / count for seconds, count in ((few, SMALL), (many, LARGE)))
    met = many / few <= SLOWDOWN_TARGET
    unit = f"CPU s per 1,000 of {LARGE}, floor: of {SMALL}"  # whatever else the machine has to do
    return Figure(f"reconcile.{name}_per_1000", many, unit, few, many / few, f"<= {SLOWDOWN_TARGET:g} x", met)


def _within(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, target=f"<= {limit:g}", met=value <= limit)
