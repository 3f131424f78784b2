"""Judges what a run has left: pure functions from records to complaints."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.sending import Acknowledged

NOTICED_WITHIN = 0.05  # s; what a server may need to see that a client is gone, or a client to be told
THAWING = 3.0  # s, in which a frozen worker goes on with claims that it had before


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody at something, from one time to another."""

    what: str
    who: str
    began: float
    ended: float


class Read(NamedTuple):
    """An item of an Arr (from 0) was asked for at a time, and answered."""

    arr: int
    arr_id: int
    began: float


@dataclass(frozen=True, slots=True)
class Past:
    """What a process went through; times are `time.time()`."""

    died: float | None = None
    frozen: tuple[float, ...] = ()
    thawed: tuple[float, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What was found; each complaint is one sentence."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.other]


class WrongFiles(NamedTuple):
    """Complaints of a trailer that is not there, of trailers too many, and of what should have been removed."""

    missing: list[str]
    too_many: list[str]
    left: list[str]


def held_by_the_living(span: Span, past: Past) -> Span | None:
    """Cut a span where its process died or froze; None for what a process did with a claim from before it froze.

    A dead process is at nothing, whatever its sockets still look like. A frozen one cannot know that its lease ran
    out: what it goes on with after the thaw is for the fence to stop, and shows in the rows.
    """
    if any(thaw <= span.began <= thaw + THAWING for thaw in past.thawed):
        return None
    ends = [end for end in (past.died, *past.frozen) if end is not None and end >= span.began]
    return Span(span.what, span.who, span.began, min([span.ended, *ends]))


def at_once(spans: Iterable[Span]) -> list[str]:
    """Tell of every two spans of one thing that overlap by more than what it takes to notice an end."""
    by_thing: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_thing[span.what].append(span)
    return [
        f"{what} was asked for by {first.who} from {first.began:.3f} to {first.ended:.3f} and by {second.who} "
        f"from {second.began:.3f} to {second.ended:.3f}"
        for what, own in by_thing.items()
        for first, second in itertools.combinations(sorted(own, key=lambda span: span.began), 2)
        if min(first.ended, second.ended) - second.began > NOTICED_WITHIN
    ]


def fetched_again(transfers: Iterable[Span], placed: Mapping[str, float]) -> list[str]:
    """Tell of every download that began after its video's trailer was in place."""
    return [
        f"{span.what} was downloaded at {span.began:.3f}, its trailer was in place at {placed[span.what]:.3f}"
        for span in transfers
        if span.what in placed and span.began > placed[span.what]
    ]


def lost_events(acknowledged: Iterable[Acknowledged], stored: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Tell of every acknowledged event that is not in the database, or not done with."""
    complaints = []
    for event in acknowledged:
        row = stored.get(event.event_id)
        wanted = "processed" if event.action == "sync" else "ignored"
        if row is None:
            complaints.append(f"event {event.event_id} (telling {event.number}) was acknowledged and is not stored")
        elif row["state"] != wanted:
            complaints.append(f"event {event.event_id} (telling {event.number}) is {row['state']}: {row['error']}")
    return complaints


def unread_changes(
    acknowledged: Iterable[Acknowledged], processed_at: Mapping[int, float], reads: Iterable[Read]
) -> list[str]:
    """Tell of events that were taken for done with though nobody had asked for the item after its change."""
    by_item: dict[tuple[int, int], list[float]] = defaultdict(list)
    for read in reads:
        by_item[read.arr, read.arr_id].append(read.began)
    return [
        f"event {event.event_id} (telling {event.number}) came to a change of item {event.arr_id} of Arr {event.arr} "
        f"at {event.changed_at:.3f}, was done with at {processed_at[event.event_id]:.3f}, and nobody asked in between"
        for event in acknowledged
        if event.event_id in processed_at
        and not any(
            event.changed_at <= began <= processed_at[event.event_id] for began in by_item[event.arr, event.arr_id]
        )
    ]


def stale_rows(
    wanted: Mapping[tuple[int, int], int], rows: Mapping[tuple[int, int], int], only: Iterable[tuple[int, int]]
) -> list[str]:
    """Tell of every item (connection, id) of `only` whose row is not at the Arr's version."""
    return [
        f"item {key[1]} of connection {key[0]} is at version {rows.get(key)}, the Arr's is {wanted[key]}"
        for key in only
        if rows.get(key) != wanted[key]
    ]


def wrong_files(folder: Path, names: Iterable[str], *, wants_one: bool) -> WrongFiles:
    """Tell of a folder whose files (relative names) are not one trailer, or none, and of anything half or hidden."""
    files = sorted(names)
    trailers = [name for name in files if "-trailer." in name and not name.startswith(".")]
    left = [name for name in files if name.endswith(".part") or any(part[0] == "." for part in Path(name).parts)]
    return WrongFiles(
        [f"{folder} has no trailer"] if wants_one and not trailers else [],
        [f"{folder} has {len(trailers)} trailers: {trailers}"] if len(trailers) > wants_one else [],
        [f"{folder} has {name} left in it" for name in left],
    )
