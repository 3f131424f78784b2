"""The matcher on the labelled cases: a wrong trailer is worse than none, and most trailers are found."""

from __future__ import annotations

import pytest

from tests.matching.cases import HERE, read_cases
from tests.matching.judge import table, tallies

LEAST_PRECISION = 0.98
LEAST_RECALL = 0.85


@pytest.mark.parametrize("name", ["tuning", "unseen"])
def test_the_right_trailer_is_chosen(name: str) -> None:
    counted = tallies(read_cases(HERE / f"{name}.jsonl"))
    print(table(counted))  # noqa: T201 - the numbers are what this is for
    assert counted["all"].precision >= LEAST_PRECISION, table(counted)
    assert counted["all"].recall >= LEAST_RECALL, table(counted)
