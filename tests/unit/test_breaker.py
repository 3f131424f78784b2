"""The breaker: opens at once on what is certain, at three in a row on what is suspected, and lets one probe through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.acquiring import most_telling
from app.domain.breaker import (
    YOUTUBE,
    Passage,
    SourceState,
    Suspect,
    Trouble,
    after_trouble,
    longest_pause,
    passage,
    root_source,
    source_of,
    sources_of,
)
from schemas.base import FetchFailure
from tests.unit.titles import NOW

HOUR = timedelta(hours=1)
CLOSED = SourceState(YOUTUBE)
ROOT = SourceState(root_source("/media/movies"))


def trouble(tried: str = "vid00000001", *, sure: bool = True) -> Trouble:
    return Trouble("YouTube wants to see that we are no bot.", Suspect(tried, 1), sure)


def test_what_is_certain_opens_it_for_an_hour() -> None:
    opened = after_trouble(CLOSED, trouble(), 1, NOW)
    assert (opened.is_open, opened.paused_until, opened.reason) == (True, NOW + HOUR, trouble().reason)
    assert passage(opened, probe_running=False, now=NOW) is Passage.PERSON
    assert passage(opened, probe_running=False, now=NOW + HOUR) is Passage.PROBE
    assert passage(opened, probe_running=True, now=NOW + HOUR) is Passage.NOBODY
    assert passage(CLOSED, probe_running=False, now=NOW) is Passage.ANYBODY


def test_what_is_suspected_opens_it_at_the_third_different_video_in_a_row() -> None:
    once = after_trouble(CLOSED, trouble("a", sure=False), 1, NOW)
    again = after_trouble(once, trouble("a", sure=False), 2, NOW)
    twice = after_trouble(again, trouble("b", sure=False), 3, NOW)
    assert [state.is_open for state in (once, again, twice)] == [False] * 3
    opened = after_trouble(twice, trouble("c", sure=False), 4, NOW)
    assert opened.is_open
    assert [one.tried for one in opened.suspects] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("state", "first", "most"), [(CLOSED, HOUR, 24 * HOUR), (ROOT, timedelta(minutes=5), 6 * HOUR)]
)
def test_each_failed_probe_doubles_the_pause_up_to_a_bound(
    state: SourceState, first: timedelta, most: timedelta
) -> None:
    state, now, pauses = after_trouble(state, trouble(), 1, NOW), NOW, []
    for attempt_id in range(2, 12):
        assert state.paused_until is not None
        pauses.append(state.paused_until - now)
        now = state.paused_until
        state = after_trouble(replace(state, probe_attempt_id=attempt_id), trouble(), attempt_id, now)
    assert pauses[:3] == [first, 2 * first, 4 * first]
    assert pauses[-1] == most


def test_an_attempt_from_before_it_opened_changes_nothing() -> None:
    opened = replace(after_trouble(CLOSED, trouble(), 1, NOW), probe_attempt_id=7)
    assert after_trouble(opened, trouble("x"), 3, NOW + 2 * HOUR) == opened


def test_a_persons_probe_before_its_time_does_not_lengthen_the_pause() -> None:
    opened = replace(after_trouble(CLOSED, trouble(), 1, NOW), probe_attempt_id=7)
    after = after_trouble(opened, trouble("x"), 7, NOW + timedelta(minutes=5))
    assert (after.paused_until, after.level, after.probe_attempt_id) == (NOW + HOUR, 0, None)


def test_which_sources_a_title_uses() -> None:
    assert sources_of(None, "/media/movies") == ("youtube", "root:/media/movies")
    assert sources_of("https://vimeo.com/123", None) == ("vimeo",)
    assert source_of("https://www.youtube.com/watch?v=vid00000001") == "youtube"


def test_a_title_waits_for_the_longest_of_its_pauses() -> None:
    youtube, root = after_trouble(CLOSED, trouble(), 1, NOW), after_trouble(ROOT, trouble(), 1, NOW)
    used = sources_of(None, "/media/movies")
    pause = longest_pause([root, youtube], used)
    assert pause is not None
    assert pause.until == NOW + HOUR
    other = longest_pause([root, youtube], sources_of("https://vimeo.com/1", "/media/tv"))
    assert other is None
    assert longest_pause([replace(youtube, is_open=False)], used) is None


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.integers(1, 4), st.integers(0, 200))))
def test_it_never_opens_without_reason_and_never_pauses_longer_than_a_day(
    told: list[tuple[str, bool, int, int]],
) -> None:
    state, now = CLOSED, NOW
    for tried, sure, attempt_id, minutes in told:
        now += timedelta(minutes=minutes)
        if state.is_open and passage(state, probe_running=False, now=now) is Passage.PROBE:
            state = replace(state, probe_attempt_id=attempt_id)
        before, state = state, after_trouble(state, trouble(tried, sure=sure), attempt_id, now)
        if before.is_open:
            assert state.is_open
        elif state.is_open:
            assert sure or len({one.tried for one in before.suspects} | {tried}) >= 3
        if state.is_open:
            assert state.paused_until is not None
            assert state.paused_until <= now + 24 * HOUR
            assert state.reason


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([FetchFailure.OUR_SETUP, FetchFailure.DEAD], 0),
        ([FetchFailure.DEAD, FetchFailure.SOURCE_BLOCKED, FetchFailure.DEAD], 1),
        ([FetchFailure.GEO, FetchFailure.NEEDS_COOKIES, FetchFailure.DEAD], 1),
        ([FetchFailure.DEAD, FetchFailure.NOT_A_TRAILER], 1),
    ],
)
def test_what_a_person_can_mend_is_told_before_all_else(failures: list[FetchFailure], told: int) -> None:
    assert most_telling(failures) == told
