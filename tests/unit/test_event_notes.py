"""What is said about an event: one sentence where there is something to say, and the time where time mends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.event_notes import EventFacts, Outlook, explain_event
from schemas.base import EventState

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON, BEFORE = NOW + timedelta(seconds=10), NOW - timedelta(seconds=10)
WAITING = EventFacts(
    state=EventState.PENDING,
    event_type="Download",
    arr_id=7,
    error=None,
    has_title=False,
    connection_name="Films",
    enabled=True,
    down=False,
    connection_error=None,
    probe_at=None,
    syncing=False,
    attempts=0,
    sync_error=None,
    next_at=BEFORE,
)
DONE = replace(WAITING, state=EventState.PROCESSED, has_title=True)
IGNORED = replace(WAITING, state=EventState.IGNORED, arr_id=None)
FAILED = replace(WAITING, state=EventState.FAILED, error="It broke.", next_at=SOON)
DOWN = {"down": True, "connection_error": "Nobody answers.", "probe_at": SOON}


@pytest.mark.parametrize(
    ("facts", "changes", "note", "next_try_at"),
    [
        (WAITING, {}, "The next free worker takes it up.", None),
        (WAITING, {"next_at": None}, "The next free worker takes it up.", None),
        (
            WAITING,
            {"next_at": SOON},
            "The item was handled just now; what comes within a few seconds is handled together.",
            SOON,
        ),
        (WAITING, {"syncing": True, "sync_error": "It broke."}, "A worker is at it.", None),
        (
            WAITING,
            {"sync_error": "It broke.", "attempts": 3, "next_at": SOON},
            "It broke. Tries that failed: 3 of 10.",
            SOON,
        ),
        (WAITING, {"sync_error": "The worker stopped."}, "The worker stopped.", None),
        (WAITING, DOWN, "Nobody answers. The event is handled once Films answers.", SOON),
        (
            WAITING,
            {**DOWN, "connection_error": None, "sync_error": "It broke."},
            "Films does not answer. The event is handled once Films answers.",
            SOON,
        ),
        (
            WAITING,
            {**DOWN, "enabled": False},
            "Films is disabled; the event is handled once it is enabled again.",
            None,
        ),
        (DONE, {**DOWN, "sync_error": "Old."}, None, None),
        (DONE, {"has_title": False}, "Films no longer has a title with this id.", None),
        (FAILED, DOWN, "It broke.", None),
        (IGNORED, {"event_type": None}, "It has no event type that can be read.", None),
        (IGNORED, {"event_type": "Test"}, "It is a test of the webhook and asks for nothing.", None),
        (IGNORED, {}, "It names no title of Films.", None),
        (IGNORED, {"error": "Films was disabled when it came."}, "Films was disabled when it came.", None),
    ],
)
def test_what_is_said(
    facts: EventFacts, changes: dict[str, Any], note: str | None, next_try_at: datetime | None
) -> None:
    assert explain_event(replace(facts, **changes), NOW) == Outlook(note, next_try_at)
