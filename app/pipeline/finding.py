"""The videos that may be a title's trailer, one after the other: a person's choice, the Arr's own, then a search's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from app.context import Deps
from app.domain.candidates import Considered, known_candidates, matching_candidates, search_query
from app.domain.policy import Policy
from app.domain.records import Candidate, Media
from schemas.base import CandidateFate, CandidateSource


class Finder:
    """Finds the candidates of one title and keeps what became of each.

    A search is made only once all known ones were given. Raises FetchError where it fails.
    """

    def __init__(self, deps: Deps, title: Media, policy: Policy, rejected: frozenset[str]) -> None:
        self.considered: list[Considered] = []
        self._deps = deps
        self._title = title
        self._policy = policy
        self._rejected = rejected
        self._given: set[str] = set()

    async def candidates(self) -> AsyncGenerator[Candidate, None]:
        """Give each video once, and none that a person rejected."""
        for candidate in self._fresh(known_candidates(self._title)):
            yield candidate
        for candidate in self._fresh(await self._search()):
            yield candidate

    def note(self, candidate: Candidate, fate: CandidateFate, why: str) -> None:
        """Keep what became of a candidate."""
        self.considered.append(Considered(candidate.source, candidate.video_id, fate, why))

    async def _search(self) -> Sequence[Candidate]:
        query = search_query(self._title, self._policy)
        if query is None:
            return ()
        hits = await self._deps.videos.search(query.text, query.limit)
        return matching_candidates(self._title, self._policy, hits)

    def _fresh(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        fresh = []
        for candidate in candidates:
            if candidate.video_id in self._given:
                continue
            self._given.add(candidate.video_id)
            if candidate.video_id in self._rejected and candidate.source is not CandidateSource.PERSON:
                self.note(candidate, CandidateFate.REJECTED, "A person said that it is not the trailer.")
                continue
            fresh.append(candidate)
        return fresh
