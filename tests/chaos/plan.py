"""What will happen in a run, and when: all of it follows from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

APIS = WORKERS = ARRS = 2
IMPORTS_UNTIL = 0.5  # of the run, so that downloads are under way when things break
HOT_SHARE = 0.6  # of the events go to the few hot items, so that somebody is nearly always at them
HOT_ITEMS = 2  # of each app
RETRY_AT_MOST = 3
BURST = 40  # events in a short time, where it matters most
BURST_SECONDS = 0.2
THAWED_AFTER = 2.8  # s after the blow; the other workers have been started again by then


class Blow(StrEnum):
    """One way to break something."""

    KILL_WORKER = "kill a worker"
    STOP_WORKER = "stop a worker"
    KILL_WORKERS = "kill all workers, and let their leases run out"
    FREEZE_WORKER = "freeze the third worker past its leases, and kill the others"
    KILL_API = "kill an API"
    STOP_API = "stop an API"
    FLUSH_REDIS = "empty Redis"
    KILL_REDIS = "kill Redis"
    REDIS_AWAY = "stop Redis for a while"
    CRASH_POSTGRES = "stop Postgres at once"
    ARR_ANSWERS_503 = "let an Arr answer 503"
    ARR_HANGS = "let an Arr hang"
    ARR_CUTS = "let an Arr cut its answers off"
    RECONCILE = "ask for a reconciliation"


_CATCHES_A_COMMIT = frozenset({Blow.KILL_API, Blow.STOP_API, Blow.CRASH_POSTGRES})


class Kind(StrEnum):
    """What an Arr tells."""

    IMPORT = "import"
    GRAB = "grab"
    STUCK = "manual_interaction"
    UNKNOWN = "unknown type"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Strike:
    """A blow at a time in seconds; `target` picks the process or the Arr, `seconds` is how long a state lasts."""

    at: float
    blow: Blow
    target: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Telling:
    """An event at a time in seconds; `arr` and `item` count from 0, and a refused one is sent again `retries` times."""

    number: int
    at: float
    arr: int
    item: int
    kind: Kind
    api: int
    retries: int


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; `items` and `wanted` are each app's, and the first `wanted` items are imported."""

    seconds: float
    items: tuple[int, int]
    wanted: tuple[int, int]
    events_per_second: float
    gap: float  # s between two strikes
    arr_hangs: float  # s; 15 are a time-out


SHORT = Size(seconds=6.5, items=(10, 5), wanted=(2, 1), events_per_second=25, gap=0.6, arr_hangs=1.5)
LONG = Size(seconds=60, items=(40, 15), wanted=(16, 6), events_per_second=30, gap=1.6, arr_hangs=17)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    size: Size
    strikes: tuple[Strike, ...]
    tellings: tuple[Telling, ...]


def make_plan(seed: int, size: Size) -> Plan:
    """Draw a plan; the same seed and size give the same one."""
    random = Random(seed)
    strikes = _strikes(random, size)
    return Plan(seed, size, tuple(strikes), tuple(_tellings(random, size, strikes)))


def _strikes(random: Random, size: Size) -> list[Strike]:
    """Deal all blows in a new order again and again; nothing else happens while a worker is frozen."""
    strikes: list[Strike] = []
    deck: list[Blow] = []
    at = 0.0
    while (at := at + random.uniform(0.5, 1.5) * size.gap) < size.seconds:
        if not deck:
            deck = random.sample(list(Blow), len(Blow))
        blow = deck.pop()
        seconds = size.arr_hangs if blow is Blow.ARR_HANGS else random.uniform(0.5, 2)
        strikes.append(Strike(round(at, 3), blow, random.randrange(2), round(seconds, 3)))
        if blow is Blow.FREEZE_WORKER:
            at += THAWED_AFTER
    return strikes


def _tellings(random: Random, size: Size, strikes: list[Strike]) -> list[Telling]:
    imports = [(arr, item) for arr in range(ARRS) for item in range(size.wanted[arr])]
    told = [(random.uniform(0, size.seconds * IMPORTS_UNTIL), arr, item, Kind.IMPORT) for arr, item in imports]
    times = [(random.uniform(0, size.seconds), HOT_SHARE) for _ in range(int(size.seconds * size.events_per_second))]
    for middle, hot_share in _bursts(strikes):
        times += [(middle + random.uniform(-0.5, 0.5) * BURST_SECONDS, hot_share) for _ in range(BURST)]
    for at, hot_share in times:
        arr = random.randrange(ARRS)
        hot = random.random() < hot_share
        item = size.items[arr] - 1 - random.randrange(HOT_ITEMS) if hot else random.randrange(size.items[arr])
        kind = random.choices([Kind.GRAB, Kind.STUCK, Kind.UNKNOWN, Kind.HEALTH], [60, 20, 15, 5])[0]
        told.append((at, arr, item, kind))
    return [
        Telling(number, round(at, 3), arr, item, kind, random.randrange(APIS), random.randrange(RETRY_AT_MOST + 1))
        for number, (at, arr, item, kind) in enumerate(sorted(told))
    ]


def _bursts(strikes: list[Strike]) -> list[tuple[float, float]]:
    """Say when many events shall come, and what share of them to hot items.

    At what may catch an answer before its commit; and, for all items alike, so that the worker that freezes holds
    many of them, and when it wakes up, so that others do.
    """
    commits = [(strike.at, HOT_SHARE) for strike in strikes if strike.blow in _CATCHES_A_COMMIT]
    frozen = [strike.at for strike in strikes if strike.blow is Blow.FREEZE_WORKER]
    return [*commits, *((at, 0.0) for at in frozen), *((at + THAWED_AFTER, 0.0) for at in frozen)]
