"""A short run of the chaos test, and proof that its judges can find fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.checks import (
    Past,
    Read,
    Span,
    at_once,
    fetched_again,
    held_by_the_living,
    lost_events,
    stale_rows,
    unread_changes,
    wrong_files,
)
from tests.chaos.plan import LONG, SHORT, Blow, Kind, make_plan
from tests.chaos.run import run
from tests.chaos.sending import Acknowledged

SEED = 18
EVENT = Acknowledged(number=7, event_id=70, action="sync", arr=0, arr_id=1, version=3, changed_at=100.0)


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_done_twice_while_everything_breaks(tmp_path: Path) -> None:
    report = run(make_plan(SEED, SHORT), tmp_path)
    assert not report.verdict.complaints, f"{report}; logs in {tmp_path / 'logs'}"
    assert report.acknowledged > 50
    assert report.kills >= 3


def test_a_seed_means_one_plan() -> None:
    plan = make_plan(5, LONG)
    assert plan == make_plan(5, LONG)
    assert plan != make_plan(6, LONG)
    assert {strike.blow for strike in plan.strikes} == set(Blow)
    assert {telling.kind for telling in plan.tellings} == set(Kind)


def test_two_at_one_thing_are_seen() -> None:
    first, second = Span("a", "w0", 10.0, 10.5), Span("a", "w1", 10.4, 10.9)
    assert len(at_once([second, first])) == 1
    assert not at_once([first, Span("b", "w1", 10.4, 10.9)])
    assert not at_once([first, Span("a", "w1", 10.5, 10.9)])


def test_one_long_span_overlaps_every_other() -> None:
    spans = [Span("a", "w0", 10.0, 20.0), Span("a", "w1", 11.0, 12.0), Span("a", "w2", 13.0, 14.0)]
    assert len(at_once(spans)) == 2


def test_who_died_or_froze_holds_nothing_afterwards() -> None:
    span = Span("a", "w0", 10.0, 20.0)
    assert held_by_the_living(span, Past()) == span
    assert held_by_the_living(span, Past(died=12.0)) == Span("a", "w0", 10.0, 12.0)
    assert held_by_the_living(span, Past(frozen=(5.0, 11.0), thawed=(6.0, 14.0))) == Span("a", "w0", 10.0, 11.0)
    assert held_by_the_living(span, Past(frozen=(6.0,), thawed=(9.5,))) is None


def test_a_download_after_the_placing_is_seen() -> None:
    transfers = [Span("v", "clip.mp4", 10.0, 11.0), Span("v", "clip.mp4", 13.0, 14.0), Span("u", "clip.mp4", 1.0, 2.0)]
    assert len(fetched_again(transfers, {"v": 12.0})) == 1


def test_a_lost_event_is_seen() -> None:
    assert not lost_events([EVENT], {70: {"state": "processed", "error": None}})
    assert len(lost_events([EVENT], {70: {"state": "pending", "error": None}})) == 1
    assert len(lost_events([EVENT], {})) == 1


def test_a_change_that_nobody_asked_for_is_seen() -> None:
    done = {70: 101.0}
    assert not unread_changes([EVENT], done, [Read(0, 1, 100.5), Read(0, 1, 99.0)])
    assert not unread_changes([EVENT], {}, [])
    wrong = [Read(0, 1, 99.9), Read(1, 1, 100.5), Read(0, 2, 100.5), Read(0, 1, 102.0)]
    assert len(unread_changes([EVENT], done, wrong)) == 1


def test_a_stale_row_is_seen() -> None:
    assert not stale_rows({(1, 1): 3}, {(1, 1): 3}, [(1, 1)])
    assert len(stale_rows({(1, 1): 3, (1, 2): 1}, {(1, 1): 2}, [(1, 1), (1, 2)])) == 2


def test_wrong_files_are_seen(tmp_path: Path) -> None:
    good = ["A (2000).mkv", "A (2000)-trailer.mp4"]
    assert wrong_files(tmp_path, good, wants_one=True) == ([], [], [])
    assert len(wrong_files(tmp_path, good[:1], wants_one=True).missing) == 1
    assert len(wrong_files(tmp_path, good, wants_one=False).too_many) == 1
    assert len(wrong_files(tmp_path, [*good, "B-trailer.mp4"], wants_one=True).too_many) == 1
    assert len(wrong_files(tmp_path, [*good, ".trailhook-7", ".trailhook-7/B.mp4.part"], wants_one=True).left) == 2
