"""From the 202 to the sync, with two real workers: on an idle system, for a season pack, and in a burst."""

from __future__ import annotations

import random
import time
from pathlib import Path

import httpx

from tests.bench.figures import Figure
from tests.bench.receiving import run_load
from tests.bench.service import Service, Target, about, send
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.simulators.arr_rest import Call
from tests.stack import wait_for

WORKERS = 2
LONE_EVENTS = 100
LONE_TARGETS = {50: 100.0, 99: 300.0}  # ms
PACK_EPISODES = 24
PACK_GAP = 0.2  # s
PACK_TARGET = 4  # syncs
PACK_SETTLES = 20.0  # s; longer than the widest spacing of one item's syncs
BURST = 1000
SENDERS = 8
ARR_SECONDS = 0.02
CALLS_AT_ONCE = 4  # per connection and worker
PAYLOADS = Path(__file__).parent.parent / "payloads"


def measure(service: Service, place: Path) -> list[Figure]:
    """Measure on one service, one after the other."""
    with (
        ArrSimulator("Radarr", place / "movies") as radarr,
        ArrSimulator("Sonarr", place / "series") as sonarr,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        movies = [radarr.add(f"Movie {number}", 2000, tmdb_id=number + 1) for number in range(BURST)]
        show = sonarr.add("Series", 2001)
        to_radarr, to_sonarr = (service.connect(one.app_name.lower(), one.url, one.api_key) for one in (radarr, sonarr))
        service.start_workers(WORKERS)
        radarr.fault = sonarr.fault = faults.slow(ARR_SECONDS)
        return [
            *_lone_events(client, radarr, to_radarr, movies),
            *_season_pack(client, sonarr, to_sonarr, show),
            _burst(service, to_radarr, movies),
        ]


def _lone_events(client: httpx.Client, radarr: ArrSimulator, target: Target, movies: list[int]) -> list[Figure]:
    delays = []
    chance = random.Random(1)
    for movie in movies[:LONE_EVENTS]:
        known = len(_calls(radarr, "movie", movie))
        received = send(client, target, _download(movie))
        call = wait_for("the sync", lambda movie=movie, known=known: _calls(radarr, "movie", movie)[known:], 30)[0]
        delays.append((call.began - received) * 1000)
        time.sleep(0.05 + chance.random() * 0.1)  # so that events meet the workers' polls at any moment
    delays.sort()
    return [
        _within(f"sync.start_p{share}", delays[len(delays) * share // 100 - 1], "ms after the 202", limit)
        for share, limit in LONE_TARGETS.items()
    ]


def _season_pack(client: httpx.Client, sonarr: ArrSimulator, target: Target, show: int) -> list[Figure]:
    known = len(_calls(sonarr, "series", show))
    episode, complete = (
        (PAYLOADS / f"sonarr/{name}.json").read_bytes() for name in ("Download", "Download-import-complete")
    )
    began = send(client, target, about(episode, show))
    for _ in range(PACK_EPISODES - 1):
        time.sleep(PACK_GAP)
        send(client, target, about(episode, show))
    time.sleep(PACK_GAP)
    send(client, target, about(complete, show))
    time.sleep(PACK_SETTLES)
    calls = _calls(sonarr, "series", show)[known:]
    return [
        _within("sync.season_pack", len(calls), "syncs", PACK_TARGET),
        _within("sync.season_pack_start", (calls[0].began - began) * 1000, "ms after the 202", LONE_TARGETS[99]),
    ]


def _burst(service: Service, target: Target, movies: list[int]) -> Figure:
    began = time.monotonic()
    run_load(target, [_download(movie).decode() for movie in movies], connections=SENDERS)
    wait_for("all to be synced", lambda: service.get("/status")["inbox"]["pending"] == 0, 120)
    seconds = time.monotonic() - began
    floor = BURST * ARR_SECONDS / (WORKERS * CALLS_AT_ONCE)
    return Figure(f"sync.burst_of_{BURST}", seconds, "s until all are synced", floor, seconds / floor)


def _calls(arr: ArrSimulator, resource: str, item: int) -> list[Call]:
    return [call for call in list(arr.calls) if call.resource == f"/{resource}/{item}"]


def _download(movie: int) -> bytes:
    return about((PAYLOADS / "radarr/Download.json").read_bytes(), movie)


def _within(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, target=f"<= {limit:g}", met=value <= limit)
