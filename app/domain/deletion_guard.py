"""When rows that an Arr no longer lists may be deleted without a person's word (design rule "delete_except")."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

ALWAYS_ALLOWED = 3
CONFIRM_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Delete:
    """These rows may go, once the Arr has confirmed each by id."""

    media_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is deleted; a person has to accept it."""

    media_ids: frozenset[int]
    reason: str


def may_delete_one(rows: int, max_share: float, unannounced: int, *, announced: bool) -> bool:
    """Judge the deletion of one title by a sync; `unannounced` counts those of the last hour without an event."""
    return announced or unannounced < max(ALWAYS_ALLOWED, int(max_share * rows))


def decide_deletions(
    unlisted: Collection[int],
    rows: int,
    max_share: float,
    accepted: frozenset[int] = frozenset(),
    unaskable: Collection[int] = (),
) -> Delete | Hold:
    """Judge the rows that a complete list lacks, of `rows` before it; what a person accepted counts against no limit.

    `unaskable` are those whose ids in the Arr other titles have now: it cannot be asked whether they are gone.
    """
    wanted = frozenset(unlisted)
    unaccepted = wanted - accepted
    limit = max(ALWAYS_ALLOWED, int(max_share * rows))
    if unaccepted and len(wanted) == rows:
        return Hold(wanted, f"all {rows} titles are gone from the list")
    if len(unaccepted) > limit:
        return Hold(
            wanted, f"{len(wanted)} of {rows} titles are gone from the list, more than the {limit} allowed at once"
        )
    if len(set(unaskable) - accepted) > ALWAYS_ALLOWED:
        return Hold(wanted, f"the ids of {len(unaskable)} titles belong to others now, as behind another Arr's address")
    return Delete(wanted)


def after_confirmation(decision: Delete, *, all_gone: bool) -> Delete | Hold:
    """Let a deletion stand only where the Arr, asked by id, said of each title that it is gone."""
    if all_gone:
        return decision
    return Hold(decision.media_ids, "the list and the items disagree: the Arr still has titles it did not list")
