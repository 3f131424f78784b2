"""Settings that may change while it runs: which value holds, what is refused, and one truth about them everywhere."""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.policy import Policy, default_policy
from app.domain.records import Rank
from app.domain.tunables import contradictions, effective
from app.errors import SetupError
from app.settings import load_settings
from schemas.connection import PolicyOverride
from schemas.duration import format_duration, parse_duration
from schemas.settings import SettingsUpdate, Tunables
from workers.pace import Pace

ROOT = Path(__file__).parent.parent.parent
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("environment", "stored", "value", "source"),
    [
        ({}, {}, timedelta(seconds=10), "default"),
        ({}, {"download_gap": "1h"}, HOUR, "database"),
        ({"download_gap": MINUTE}, {}, MINUTE, "environment"),
        ({"download_gap": MINUTE}, {"download_gap": "1h"}, MINUTE, "environment"),
        ({"download_gap": timedelta(0)}, {"download_gap": "1h"}, timedelta(0), "environment"),
        ({"backfill_gap": MINUTE}, {"download_gap": "1h"}, HOUR, "database"),
        ({}, {"backfill_gap": "1h"}, timedelta(seconds=10), "default"),
        ({}, {"download_gap": "often"}, timedelta(seconds=10), "default"),
        ({}, {"download_gap": "2d"}, timedelta(seconds=10), "default"),
        ({}, {"download_gap": None}, timedelta(seconds=10), "default"),
        ({}, {"download_gap": "1h", "policy_min_seconds": "x", "of another version": 1}, HOUR, "database"),
    ],
)
def test_the_environment_wins_over_the_database_and_both_over_the_default(
    environment: dict[str, Any], stored: dict[str, Any], value: timedelta, source: str
) -> None:
    now = effective(environment, stored)
    assert (now.values.download_gap, now.sources["download_gap"]) == (value, source)
    assert now.sources.keys() == Tunables.model_fields.keys()


def test_only_what_the_environment_sets_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().fixed == {}
    values = {"DOWNLOAD_GAP": "10s", "POLICY_SEARCH": "false", "BACKFILL_GAP": "", "PORT": "8080"}
    for name, value in values.items():
        monkeypatch.setenv(f"TRAILHOOK_{name}", value)
    assert load_settings().fixed == {"download_gap": timedelta(seconds=10), "policy_search": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILE_INTERVAL", "5s"),
        ("EVENT_RETENTION", "99999999999999999999d"),
        ("DOWNLOAD_GAP", "2d"),
        ("BACKFILL_GAP", "-1s"),
    ],
)
def test_a_time_that_no_clock_or_database_could_keep_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TRAILHOOK_{name}", value)
    with pytest.raises(SetupError, match=f"TRAILHOOK_{name}: write a"):
        load_settings()


def test_lengths_that_no_video_has_are_a_contradiction_of_what_was_changed() -> None:
    values = effective({}, {"policy_min_seconds": 700}).values
    assert contradictions(values, {"policy_min_seconds": 700}).keys() == {"policy_min_seconds"}
    assert contradictions(values, {"download_gap": "1h"}) == {}
    equal = effective({}, {"policy_min_seconds": 600}).values
    assert contradictions(equal, {"policy_min_seconds": 600}) == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0s"),
        ("500ms", "500ms"),
        ("10", "10s"),
        ("60 s", "1m"),
        ("90s", "90s"),
        ("1.5h", "90m"),
        ("24h", "1d"),
        ("0.0015s", "0.001500s"),
    ],
)
def test_a_duration_is_written_as_it_can_be_read(text: str, shown: str) -> None:
    duration = parse_duration(text)
    assert format_duration(duration) == shown
    assert parse_duration(shown) == duration


def test_the_lists_of_settings_are_the_same_everywhere() -> None:
    policy = {field.name for field in fields(Policy)} - {"tag_labels"}
    assert SettingsUpdate.model_fields.keys() == Tunables.model_fields.keys()
    assert {f"policy_{name}" for name in policy} == {name for name in Tunables.model_fields if "policy" in name}
    assert policy == PolicyOverride.model_fields.keys()
    assert default_policy(Tunables()) == Policy()
    for name, field in Tunables.model_fields.items():
        assert field.description, name
        SettingsUpdate.model_validate({name: Tunables().model_dump(mode="json")[name]})


def test_nobody_takes_the_environments_word_for_the_value_that_holds() -> None:
    wrong = re.compile(rf"settings\.({'|'.join(Tunables.model_fields)})\b")
    sources = [*(ROOT / "app").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]
    assert [str(path) for path in sources if wrong.search(path.read_text())] == []


async def test_who_waits_for_a_turn_learns_of_another_gap() -> None:
    pace = Pace(HOUR, HOUR)
    pace.ended()
    turn = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    pace.use(timedelta(seconds=0.2), HOUR)
    async with asyncio.timeout(10):
        assert await turn == Rank.RETRY
    pace.use(timedelta(0), timedelta(0))
    assert pace.max_rank() is Rank.BACKFILL


async def test_a_gap_is_waited_for_whatever_is_said_again_meanwhile() -> None:
    pace = Pace(timedelta(seconds=0.3), HOUR)
    pace.ended()
    before = asyncio.get_running_loop().time()
    turn = asyncio.create_task(pace.turn())
    while not turn.done():
        pace.use(timedelta(seconds=0.3), HOUR)
        await asyncio.sleep(0.02)
    assert asyncio.get_running_loop().time() - before > 0.25
