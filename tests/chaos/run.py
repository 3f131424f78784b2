"""One run: start the world, break it as planned while events come in, let it settle, judge it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import judging
from tests.chaos.blows import Blows
from tests.chaos.checks import Verdict
from tests.chaos.plan import Plan
from tests.chaos.sending import Senders
from tests.chaos.watch import Watch
from tests.chaos.world import World

SETTLED_WITHIN = 60.0  # s
TICK = 0.02  # s
LOOK_EVERY = 0.2  # s
_LEFT = """
    SELECT (SELECT count(*) FROM event WHERE state = 'pending') AS events,
           (SELECT count(*) FROM item_sync WHERE synced_seq < requested_seq OR lease_until IS NOT NULL) AS syncs,
           (SELECT count(*) FROM attempt WHERE finished_at IS NULL) AS attempts,
           (SELECT count(*) FROM run WHERE finished_at IS NULL) AS runs,
           (SELECT count(*) FROM media WHERE due_rank IS NOT NULL) AS due
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    seed: int
    sent: int
    acknowledged: int
    kills: int
    downloads: int
    settled_in: float
    seconds: float
    verdict: Verdict

    def __str__(self) -> str:
        verdict = self.verdict
        return (
            f"seed {self.seed}: {self.sent} events sent, {self.acknowledged} acknowledged, {len(verdict.lost)} lost, "
            f"{len(verdict.doubled)} doubled, {len(verdict.other)} other faults; {self.kills} kills, "
            f"{self.downloads} downloads, {self.seconds:.0f} s of which {self.settled_in:.0f} to settle"
        )


def run(plan: Plan, place: Path) -> Report:
    """Carry out a plan in a directory of its own, whose `logs` tell of it; call from the main thread."""
    began = time.monotonic()
    with World(place, plan.size) as world:
        senders = Senders(plan.tellings, world.arrs, world.doors)
        watch = Watch(world.rows.dsn, world.folders, senders.acknowledged)
        blows = Blows(world)
        verdict = Verdict()
        blows.note("up")
        watch.start()
        senders.start()
        _break_everything(plan, world, blows)
        senders.join()
        ended = time.monotonic()
        blows.calm_down()
        _settle(world, blows, verdict)
        settled_in = time.monotonic() - ended
        watch.stop()
        judging.judge_events(world, senders.acknowledged, verdict)
        if not verdict.complaints:
            blows.reconcile()
            _settle(world, blows, verdict)
            judging.judge_rows(world, verdict)
        blows.note("stopping")
        world.stop()
        blows.note("stopped")
        judging.judge_records(world, watch.first_seen, verdict)
        judging.judge_files(world, verdict)
        judging.judge_processes(world, verdict)
        verdict.lost += sorted(watch.behind)
        report = Report(
            seed=plan.seed,
            sent=senders.sent,
            acknowledged=len(senders.acknowledged),
            kills=blows.kills,
            downloads=world.host.downloads.total(),
            settled_in=settled_in,
            seconds=time.monotonic() - began,
            verdict=verdict,
        )
        _write_records(world, report, blows, senders)
    return report


def _break_everything(plan: Plan, world: World, blows: Blows) -> None:
    start = time.monotonic()
    strikes = list(plan.strikes)
    while (passed := time.monotonic() - start) < plan.size.seconds or strikes:
        while strikes and strikes[0].at <= passed:
            blows.strike(strikes.pop(0))
        blows.do_what_is_due()
        world.tend()
        time.sleep(TICK)


def _settle(world: World, blows: Blows, verdict: Verdict) -> None:
    """Wait until nothing is left to do; time that passes for politeness alone passes at once."""
    end = time.monotonic() + SETTLED_WITHIN
    wanted = sum(world.size.wanted)
    while True:
        world.tend()
        world.rows.let_waiting_end()
        left = world.rows.fetch(_LEFT)[0]
        trailers = world.rows.fetch("SELECT count(*) AS there FROM media WHERE trailer_exists")[0]["there"]
        blows.note(f"left: {left}, {trailers} of {wanted} trailers")
        if not any(left.values()) and trailers == wanted:
            return
        if time.monotonic() > end:
            verdict.other.append(f"not settled in {SETTLED_WITHIN:.0f} s: {left}, {trailers} of {wanted} trailers")
            return
        time.sleep(LOOK_EVERY)


def _write_records(world: World, report: Report, blows: Blows, senders: Senders) -> None:
    """Put beside the logs what a person needs to follow a complaint."""
    lives = [f"{life.name} pid {life.pid} died {life.died} {life.frozen} {life.thawed}" for life in world.lives]
    records = {
        "report": [str(report), *report.verdict.complaints, "", *blows.notes],
        "acknowledged": list(map(str, senders.acknowledged)),
        "refused": senders.refused,
        "processes": lives,
        "videos": list(map(str, world.host.transfers)),
        **{arr.app_name.lower(): list(map(str, arr.calls)) for arr in world.arrs},
    }
    for name, lines in records.items():
        (world.logs / f"{name}.txt").write_text("\n".join([*lines, ""]))
