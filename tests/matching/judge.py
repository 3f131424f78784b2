"""Measure the matcher: `python -m tests.matching.judge FILE` prints precision and recall of every class of cases."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.domain.matching import Judgement, Wanted, judge_hits, matches
from app.domain.videos import SearchHit
from schemas.base import MediaKind
from tests.matching.cases import Case, Hit, read_cases


@dataclass(frozen=True, slots=True)
class Tally:
    """How often the matcher chose, chose right, and how often there was something to choose."""

    choices: int = 0
    right: int = 0
    findable: int = 0

    @property
    def precision(self) -> float:
        return self.right / self.choices if self.choices else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.findable if self.findable else 1.0


def judged(case: Case) -> tuple[Judgement, ...]:
    """Have the matcher judge the hits of a case."""
    wanted = Wanted(
        kind=MediaKind(case.kind),
        title=case.title,
        original_title=case.original_title,
        alternative_titles=case.alternative_titles,
        year=case.year,
        language=case.language,
        runtime=case.runtime,
        studio=case.studio,
        season=case.season,
    )
    return judge_hits(wanted, [_hit(hit) for hit in case.hits])


def chosen_by(judgements: Sequence[Judgement]) -> str | None:
    """Give the id of the hit that would be fetched first."""
    return next((match.hit.video_id for match in matches(judgements)), None)


def tallies(cases: Sequence[Case]) -> dict[str, Tally]:
    """Count over each class, and over all."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    return {**{group: _tally(groups[group]) for group in sorted(groups)}, "all": _tally(cases)}


def table(counted: dict[str, Tally]) -> str:
    """Write the counts, one class a line."""
    lines = [f"{'class':22} {'choices':>7} {'right':>6} {'findable':>8} {'precision':>9} {'recall':>7}"]
    for group, tally in counted.items():
        numbers = f"{tally.choices:7} {tally.right:6} {tally.findable:8} {tally.precision:9.3f} {tally.recall:7.3f}"
        lines.append(f"{group:22} {numbers}")
    return "\n".join(lines)


def _tally(cases: Sequence[Case]) -> Tally:
    choices = [(chosen_by(judged(case)), case.right) for case in cases]
    return Tally(
        choices=sum(chosen is not None for chosen, _ in choices),
        right=sum(chosen in right for chosen, right in choices),
        findable=sum(bool(right) for _, right in choices),
    )


def _hit(hit: Hit) -> SearchHit:
    day = datetime.strptime(hit.upload_date, "%Y%m%d").date() if hit.upload_date else None  # noqa: DTZ007 - a mere date
    return SearchHit(hit.video_id, hit.title, hit.channel, hit.duration, hit.is_live, hit.view_count, day)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    print(table(tallies(read_cases(arguments.file))))  # noqa: T201 - a program of the tests
    return 0


if __name__ == "__main__":
    sys.exit(main())
