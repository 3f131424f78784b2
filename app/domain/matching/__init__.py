"""Which of a search's hits is surely a title's trailer: `judge_hits` and `matches`."""

from __future__ import annotations

from app.domain.matching.judging import Judgement, judge_hits, matches
from app.domain.matching.wanted import Wanted

__all__ = ["Judgement", "Wanted", "judge_hits", "matches"]
