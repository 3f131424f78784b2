"""Our own entry in an Arr's Connect list: which one it is, and what to do about it; never another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from urllib.parse import urlsplit

from app.domain.webhook_events import Version
from schemas.arr.common import HealthIssue, Notification
from schemas.base import ArrType

_POST = 1
_BLOCKED_CHECK = "NotificationStatusCheck"
_BLOCKS_SINCE: dict[ArrType, Version] = {ArrType.RADARR: (5, 0, 0, 7952), ArrType.SONARR: (4,)}


class Step(Enum):
    """The next thing to do about our entry; each that changes anything is done once in a round at most."""

    REGISTER = auto()
    RESTORE = auto()
    TAKE_BACK = auto()
    TEST = auto()
    LEAVE = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What is known in one round of looking after our entry.

    `stored_id` is the entry that we made, `events` are the flags as they shall be, `health_known`: the app says when
    it has blocked us after failures. `tested`: how its last Test in this round went, `restored` and `taken_back`: what
    was tried in this round. `asked`: a person wants to be sure, or webhooks came with a wrong password, which the Arr
    shows to nobody.
    """

    ours: Notification | None
    stored_id: int | None
    webhook_url: str
    events: Mapping[str, bool]
    blocked: bool
    health_known: bool
    tested: bool | None = None
    restored: bool = False
    taken_back: bool = False
    asked: bool = False


def next_step(facts: EntryFacts) -> Step:
    """Decide what comes next.

    Events, method and password are put right whatever happened. An address that the user changed stays while the Arr's
    Test passes; the Test also ends a block. Only what gives reason to doubt is tested, for each Test is an event.
    """
    if facts.ours is None:
        return Step.GIVE_UP if facts.taken_back else Step.REGISTER
    if _differs(facts, facts.ours) and not facts.restored:
        return Step.RESTORE
    doubtful = facts.asked or facts.blocked or not facts.health_known or facts.restored or leads_elsewhere(facts)
    if facts.tested is None and doubtful:
        return Step.TEST
    if facts.tested is False:
        return Step.GIVE_UP if facts.taken_back else Step.TAKE_BACK
    return Step.LEAVE


def entry_fault(facts: EntryFacts, app: str) -> str | None:
    """Say what is wrong with our entry as it is now and is put right in the next round; None: nothing."""
    if facts.ours is None:
        return f"its entry in {app} is gone"
    if _differs(facts, facts.ours):
        return f"its entry in {app} was changed"
    return f"{app} sends nothing for now after failures" if facts.blocked else None


def after_refusal(facts: EntryFacts, step: Step) -> EntryFacts:
    """Give what is known after the Arr refused a step, mostly because its Test did not reach us."""
    if step is Step.TEST:
        return replace(facts, tested=False)
    same = step is not Step.RESTORE or not leads_elsewhere(facts)
    return replace(facts, tested=False, restored=True, taken_back=facts.taken_back or same)


def leads_elsewhere(facts: EntryFacts) -> bool:
    """Say whether our entry has another address than the one we would give it."""
    return facts.ours is not None and address_of(facts.ours) != facts.webhook_url


def notice_of(facts: EntryFacts, app: str) -> str | None:
    """Say what a user should know of an entry that is left as it is."""
    if facts.ours is None:
        return None
    said = []
    if leads_elsewhere(facts):
        said.append(f"Its entry in {app} leads to {address_of(facts.ours)} instead of {facts.webhook_url}, and works.")
    if facts.ours.tags:
        said.append(f"Its entry in {app} has tags: only titles with one of these tags send events.")
    return " ".join(said) or None


def entry_name(slug: str, taken: Sequence[str] = ()) -> str:
    """Give the name that our entry has in the Arr; names there are unique, in any case of letters."""
    name, used = f"Trailhook ({slug})", {one.casefold() for one in taken}
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one.casefold() not in used)


def find_ours(entries: Sequence[Notification], stored_id: int | None, webhook_url: str) -> Notification | None:
    """Find our entry: the one with the id that we stored, else one with our own address.

    Ids start again when an Arr's database is rebuilt, so the stored one counts only with our name or path. An entry
    with our path on another host may be another Trailhook's.
    """
    slug = webhook_url.rpartition("/")[2]
    for entry in entries:
        known = entry.name == entry_name(slug) or _path(entry).endswith(f"/webhooks/{slug}")
        if entry.id == stored_id and known:
            return entry
    return next((entry for entry in entries if address_of(entry) == webhook_url), None)


def tells_blocks(arr_type: ArrType, version: Version | None) -> bool:
    """Say whether this version blocks entries after failures, and says so in its health."""
    return version is None or version >= _BLOCKS_SINCE[arr_type]


def is_blocked(health: Sequence[HealthIssue], name: str) -> bool:
    """Say whether the app drops our events: its message names the entries after a colon, or means all of them."""
    said = [issue.message for issue in health if issue.source == _BLOCKED_CHECK]
    return any(name in message or ":" not in message for message in said)


def address_of(entry: Notification) -> str:
    """Give the address that an entry sends to, without a trailing slash."""
    url = entry.field("url")
    return url.strip().rstrip("/") if isinstance(url, str) else ""


def _differs(facts: EntryFacts, ours: Notification) -> bool:
    others = any(ours.events.get(flag, wanted) != wanted for flag, wanted in facts.events.items())
    wrong_method = ours.field("method") not in {None, _POST}
    return ours.id != facts.stored_id or others or wrong_method or not ours.field("password")


def _path(entry: Notification) -> str:
    try:
        return urlsplit(address_of(entry)).path
    except ValueError:
        return ""
