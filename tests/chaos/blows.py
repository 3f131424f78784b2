"""Breaks things, and mends them again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import httpx
import redis

from tests.chaos.plan import THAWED_AFTER, Blow, Strike
from tests.chaos.roles import Role
from tests.chaos.world import World
from tests.simulators import faults

FILLING = 0.3  # s, in which a worker takes all the items that it can
VERY_LATE = 0.6  # s
COMMITTED = 0.2  # s, for a statement of a killed process that Postgres was still at


class Blows:
    """Strikes a world; `notes` tell what was done when. Call from the main thread."""

    def __init__(self, world: World) -> None:
        self.kills = 0
        self.notes: list[str] = []
        self._world = world
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._ways: dict[Blow, Callable[[Strike], None]] = {
            Blow.KILL_WORKER: lambda strike: self._kill([world.workers[strike.target]]),
            Blow.STOP_WORKER: lambda strike: world.workers[strike.target].signal(signal.SIGTERM),
            Blow.KILL_WORKERS: lambda _: self.kill_workers(),
            Blow.FREEZE_WORKER: lambda _: self._freeze(),
            Blow.KILL_API: lambda strike: self._kill([world.apis[strike.target]]),
            Blow.STOP_API: lambda strike: world.apis[strike.target].signal(signal.SIGTERM),
            Blow.FLUSH_REDIS: lambda _: self._flush_redis(),
            Blow.KILL_REDIS: lambda _: self._kill_redis(),
            Blow.REDIS_AWAY: lambda strike: self._take_redis_away(strike.seconds),
            Blow.CRASH_POSTGRES: lambda _: self._crash_postgres(),
            Blow.ARR_ANSWERS_503: lambda strike: self._break_arr(strike, faults.starting_up("The app")),
            Blow.ARR_HANGS: lambda strike: self._break_arr(strike, faults.hang()),
            Blow.ARR_CUTS: lambda strike: self._break_arr(strike, faults.cut()),
            Blow.RECONCILE: lambda _: self.reconcile(),
        }

    def strike(self, strike: Strike) -> None:
        """Do one thing of the plan; what lasts ends later, by `do_what_is_due`."""
        self.note(f"{strike.blow} (target {strike.target}, {strike.seconds} s)")
        self._ways[strike.blow](strike)

    def do_what_is_due(self, *, all_of_it: bool = False) -> None:
        """End what has lasted long enough."""
        for due in [due for due in self._later if all_of_it or due[0] <= time.monotonic()]:
            self._later.remove(due)
            due[1]()

    def calm_down(self) -> None:
        """Take all faults away; one last time all workers die, so that no lease is in the way for its minute."""
        self.do_what_is_due(all_of_it=True)
        for number in range(len(self._world.arrs)):
            self._mend_arr(number)
        self.kill_workers()
        self._world.wait_until_up()
        self.note("calm")

    def kill_workers(self) -> None:
        """Kill all workers and let a minute pass: leases run out, and the jobs of arq get other names."""
        self._kill(self._world.workers)
        self._let_leases_run_out()
        if self._world.valkey.pid is not None:
            with redis.Redis.from_url(self._world.valkey.url) as client:
                for mark in client.scan_iter("arq:in-progress:*"):
                    client.delete(mark)

    def reconcile(self) -> None:
        """Ask for a reconciliation of both connections; an API that is away is not asked again."""
        for door in self._world.doors:
            try:
                self._world.call("POST", f"/connections/{door.connection_id}/reconcile")
            except httpx.HTTPError as error:
                self.note(f"no reconciliation: {type(error).__name__}")

    def note(self, text: str) -> None:
        """Write down what happens, unless it was the last thing that did."""
        if not self.notes or not self.notes[-1].endswith(f" {text}"):
            self.notes.append(f"{time.time():.3f} {text}")

    def _in(self, seconds: float, work: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, work))

    def _kill(self, roles: list[Role]) -> None:
        for role in roles:
            self.kills += role.life.died is None
            role.kill()

    def _let_leases_run_out(self) -> None:
        """Let a minute pass for Postgres; only right where no worker is alive and awake."""
        time.sleep(COMMITTED)
        self._world.rows.let_leases_run_out()

    def _freeze(self) -> None:
        """Stop the third worker while it asks for as many items as it can, for longer than its leases last.

        The answers reach it while it sleeps. When it wakes up, the others are at the same items again.
        """
        *others, third = self._world.workers
        self._break_arrs(faults.hang())
        time.sleep(FILLING)
        third.signal(signal.SIGSTOP)
        self._kill(others)
        self._break_arrs(None)
        self._let_leases_run_out()
        self._in(THAWED_AFTER - VERY_LATE, partial(self._break_arrs, faults.late(VERY_LATE)))
        self._in(THAWED_AFTER, partial(third.thaw, third.life))
        self._in(THAWED_AFTER + VERY_LATE, partial(self._break_arrs, None))

    def _flush_redis(self) -> None:
        if self._world.valkey.pid is not None:
            with redis.Redis.from_url(self._world.valkey.url) as client:
                client.flushall()

    def _kill_redis(self) -> None:
        pid = self._world.valkey.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self._world.valkey.stop()
            self._world.valkey.start()

    def _take_redis_away(self, seconds: float) -> None:
        if self._world.valkey.pid is not None:
            self._world.valkey.stop()
            self._in(seconds, self._world.valkey.start)

    def _crash_postgres(self) -> None:
        """End it as `pg_ctl stop -m immediate` does, and start it: it recovers from its log."""
        pid = self._world.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        self._world.postgres.stop()
        self._world.postgres.start()

    def _break_arr(self, strike: Strike, fault: faults.Fault) -> None:
        self._world.arrs[strike.target].break_with(fault)
        self._in(strike.seconds, partial(self._mend_arr, strike.target))

    def _break_arrs(self, fault: faults.Fault | None) -> None:
        for arr in self._world.arrs:
            arr.break_with(fault)

    def _mend_arr(self, number: int) -> None:
        self._world.arrs[number].break_with(None)
        self._world.rows.let_probes_be_due()
