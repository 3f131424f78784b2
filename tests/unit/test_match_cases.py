"""The labelled matching cases are complete, balanced and well-formed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from itertools import chain

import pytest

from tests.matching import cases


@pytest.fixture(scope="module")
def halves() -> tuple[tuple[cases.Case, ...], tuple[cases.Case, ...]]:
    return cases.tuning(), cases.unseen()


def test_there_are_enough_of_every_class(halves: tuple[tuple[cases.Case, ...], ...]) -> None:
    groups = Counter(case.group for case in chain(*halves))
    assert groups.total() >= 600
    assert min(groups.values()) >= 35
    assert len(groups) == 16


def test_the_halves_are_balanced_in_every_class(halves: tuple[tuple[cases.Case, ...], ...]) -> None:
    tuning, unseen = (Counter(case.group for case in half) for half in halves)
    assert tuning.keys() == unseen.keys()
    assert abs(tuning.total() - unseen.total()) <= 0.1 * unseen.total()
    for group, number in tuning.items():
        assert abs(number - unseen[group]) <= max(1, 0.1 * number), group


def test_no_case_and_no_video_is_used_twice(halves: tuple[tuple[cases.Case, ...], ...]) -> None:
    ids = Counter(case.id for case in chain(*halves))
    videos = Counter(hit.video_id for case in chain(*halves) for hit in case.hits)
    assert ids.most_common(1)[0][1] == 1
    assert videos.most_common(1)[0][1] == 1


def test_nothing_gives_the_right_hit_away(halves: tuple[tuple[cases.Case, ...], ...]) -> None:
    every = list(chain(*halves))
    nothing_right = sum(not case.right for case in every) / len(every)
    assert 0.2 <= nothing_right <= 0.35
    first = sum(case.hits[0].video_id in case.right for case in every if case.right)
    assert 0.25 <= first / sum(bool(case.right) for case in every) <= 0.75
    assert any(hit.video_id[0] in "-_" for case in every for hit in case.hits)


def test_a_right_hit_has_the_length_of_a_trailer(halves: tuple[tuple[cases.Case, ...], ...]) -> None:
    for case in chain(*halves):
        for hit in case.hits:
            if hit.video_id in case.right:
                assert hit.duration is None or 20 <= hit.duration <= 600, case.id
                assert not hit.is_live, case.id


@pytest.mark.parametrize("broken", [{"right": frozenset({"not-a-hit-0"})}, {"hits": ()}, {"id": "Not An Id"}])
def test_a_broken_case_is_refused(broken: dict[str, object]) -> None:
    good = cases.tuning()[0]
    with pytest.raises(ValueError, match=r".+"):
        replace(good, **broken)  # type: ignore[arg-type]  # the wrong values are the point


@pytest.mark.parametrize(
    "broken", [{"video_id": "short"}, {"duration": -1}, {"upload_date": "20261301"}, {"title": ""}]
)
def test_a_broken_hit_is_refused(broken: dict[str, object]) -> None:
    hit = cases.tuning()[0].hits[0]
    with pytest.raises(ValueError, match=r".+"):
        cases.Hit(**{**asdict(hit), **broken})
