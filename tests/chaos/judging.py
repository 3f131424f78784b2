"""Gathers what a run has left, in the database, on disk and in the simulators' records, and has it judged."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.chaos.arrs import version_of
from tests.chaos.checks import (
    Past,
    Read,
    Span,
    Verdict,
    at_once,
    fetched_again,
    held_by_the_living,
    lost_events,
    stale_rows,
    unread_changes,
    wrong_files,
)
from tests.chaos.sending import Acknowledged
from tests.chaos.watch import trailers_in
from tests.chaos.world import World

Versions = Mapping[tuple[int, int], int]
_ITEM = re.compile(r"/(?:movie|series)/(\d+)")
# What arq says where Redis was emptied and a job of the same name began beside the first: both ran, none is harmed.
_ARQ_FORGOT = re.compile(r"failed, KeyError: [^\n]*\[arq\.worker\][^\n]*\nTraceback")
_EVENTS = "SELECT id, state, error, processed_at FROM event WHERE id = ANY($1::bigint[])"


def judge_events(world: World, acknowledged: Sequence[Acknowledged], verdict: Verdict) -> None:
    """Look for what was acknowledged and not done; call while nothing but events has repaired the rows."""
    rows = world.rows.fetch(_EVENTS, [event.event_id for event in acknowledged])
    verdict.lost += lost_events(acknowledged, {row["id"]: row for row in rows})
    done = {row["id"]: row["processed_at"].timestamp() for row in rows if row["state"] == "processed"}
    reads = [
        Read(number, int(found[1]), call.began)
        for number, arr in enumerate(world.arrs)
        for call in arr.calls
        if call.status == httpx.codes.OK and (found := _ITEM.fullmatch(call.resource))
    ]
    verdict.lost += unread_changes(acknowledged, done, reads)
    newest: dict[tuple[int, int], int] = {}
    for event in acknowledged:
        if event.action == "sync":
            key = world.doors[event.arr].connection_id, event.arr_id
            newest[key] = max(newest.get(key, 0), event.version)
    wanted = _versions_of_arrs(world)
    verdict.lost += stale_rows(wanted, _versions_of_rows(world), [key for key in newest if newest[key] == wanted[key]])


def judge_rows(world: World, verdict: Verdict) -> None:
    """Look for rows that are not as the Arrs have them; call after a reconciliation."""
    wanted = _versions_of_arrs(world)
    verdict.lost += stale_rows(wanted, _versions_of_rows(world), wanted)


def judge_records(world: World, first_seen: Mapping[Path, float], verdict: Verdict) -> None:
    """Look for what was done twice; call when all processes have ended."""
    pasts = {life.name: Past(life.died, tuple(life.frozen), tuple(life.thawed)) for life in world.lives}
    now = time.time()
    for arr in world.arrs:
        calls = [call for call in arr.calls if _ITEM.fullmatch(call.resource)]
        spans = [
            Span(f"{arr.app_name}'s {call.resource}", call.caller, call.began, call.ended or now) for call in calls
        ]
        held = [held_by_the_living(span, pasts.get(span.who, Past())) for span in spans]
        verdict.doubled += at_once(span for span in held if span is not None)
    transfers = [Span(one.video_id, one.name, one.began, one.ended or now) for one in world.host.transfers]
    verdict.doubled += at_once(transfers)
    verdict.doubled += fetched_again(transfers, _placed(world, first_seen))


def judge_processes(world: World, verdict: Verdict) -> None:
    """Look for processes that did what nobody expects."""
    for role in world.roles:
        verdict.other += role.complaints
    logs = [life.log for life in world.lives if "Traceback" in _ARQ_FORGOT.sub("", life.log.read_text())]
    verdict.other += [f"something unexpected failed, see {log}" for log in logs]


def judge_files(world: World, verdict: Verdict) -> None:
    """Look for trailers that are missing or too many, and for anything half or hidden."""
    for arr, wanted in zip(world.arrs, world.size.wanted, strict=True):
        for arr_id in arr.items:
            folder = arr.folder(arr_id)
            names = [str(path.relative_to(folder)) for path in folder.rglob("*")]
            found = wrong_files(folder, names, wants_one=arr_id <= wanted)
            verdict.lost += found.missing
            verdict.doubled += found.too_many
            verdict.other += found.left


def _versions_of_arrs(world: World) -> Versions:
    return {
        (door.connection_id, arr_id): arr.versions.get(arr_id, 0)
        for door, arr in zip(world.doors, world.arrs, strict=True)
        for arr_id in arr.items
    }


def _versions_of_rows(world: World) -> Versions:
    rows = world.rows.fetch("SELECT connection_id, arr_id, overview FROM media")
    return {(row["connection_id"], row["arr_id"]): version_of(row["overview"]) for row in rows}


def _placed(world: World, first_seen: Mapping[Path, float]) -> dict[str, float]:
    """Give by video when its trailer was in place: when the file changed last, or was seen, whichever is first."""
    placed = {}
    for number, (arr, wanted) in enumerate(zip(world.arrs, world.size.wanted, strict=True)):
        for item in range(wanted):
            for path in trailers_in(arr.folder(item + 1)):
                changed = path.stat().st_ctime
                placed[world.video_id(number, item)] = min(changed, first_seen.get(path, changed))
    return placed
