"""What became of an event and why, as a sentence for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.backoff import MAX_SYNC_ATTEMPTS
from schemas.base import EventState


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event, the syncs of the item that it names, and its connection."""

    state: EventState
    event_type: str | None
    arr_id: int | None
    error: str | None
    has_title: bool
    connection_name: str
    enabled: bool
    down: bool
    connection_error: str | None
    probe_at: datetime | None
    syncing: bool
    attempts: int
    sync_error: str | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Why an event is where it is, and when it goes on; without a time it goes on at once or never."""

    note: str | None
    next_try_at: datetime | None = None


def explain_event(facts: EventFacts, now: datetime) -> Outlook:
    """Say why an event waits, was ignored or failed; of one that was handled there is mostly nothing to say."""
    if facts.state is EventState.PENDING:
        return _explain_waiting(facts, now)
    if facts.error is not None or facts.state is EventState.FAILED:
        return Outlook(facts.error)
    if facts.state is EventState.IGNORED:
        return Outlook(_why_ignored(facts))
    return Outlook(None if facts.has_title else f"{facts.connection_name} no longer has a title with this id.")


def _explain_waiting(facts: EventFacts, now: datetime) -> Outlook:
    name, later = facts.connection_name, facts.next_at if facts.next_at is not None and facts.next_at > now else None
    if not facts.enabled:
        return Outlook(f"{name} is disabled; the event is handled once it is enabled again.")
    if facts.down:
        reason = facts.connection_error or f"{name} does not answer."
        return Outlook(f"{reason} The event is handled once {name} answers.", facts.probe_at)
    if facts.syncing:
        return Outlook("A worker is at it.")
    if facts.sync_error is not None:
        tries = f" Tries that failed: {facts.attempts} of {MAX_SYNC_ATTEMPTS}." if facts.attempts else ""
        return Outlook(facts.sync_error + tries, later)
    if later is not None:
        return Outlook("The item was handled just now; what comes within a few seconds is handled together.", later)
    return Outlook("The next free worker takes it up.")


def _why_ignored(facts: EventFacts) -> str:
    if facts.event_type is None:
        return "It has no event type that can be read."
    if facts.event_type == "Test":
        return "It is a test of the webhook and asks for nothing."
    return f"It names no title of {facts.connection_name}."
