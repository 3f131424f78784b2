"""The videos that may be a title's trailer: a person's choice, or TMDB's, then the Arr's own, then a search's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from app.context import CatalogueQuestion, Deps
from app.domain.candidates import (
    MOST_TITLE,
    Considered,
    Past,
    candidates_of,
    judged_hits,
    known_candidates,
    refused_of,
    search_query,
)
from app.domain.catalogue import choose, languages_to_ask_for
from app.domain.policy import Policy
from app.domain.records import Candidate, Media
from app.errors import CatalogueError, FetchError
from schemas.base import CandidateFate, CandidateSource, FetchFailure


class Finder:
    """Finds the candidates of one title and keeps what became of each.

    A search is made only once all known ones were given. Raises FetchError where it fails.
    """

    def __init__(self, deps: Deps, title: Media, policy: Policy, rejected: frozenset[str], past: Past) -> None:
        self.considered: list[Considered] = []
        self.catalogue_error: CatalogueError | None = None
        self._deps = deps
        self._title = title
        self._policy = policy
        self._rejected = rejected
        self._past = past
        self._line: list[Candidate] = []
        self._given: set[str] = set()
        self._titles: dict[str, tuple[str, float | None]] = {}

    async def candidates(self) -> AsyncGenerator[Candidate, None]:
        """Give each video once, and none that a person rejected or that is gone."""
        if self._title.trailer_url is None:
            self._line = self._fresh(await self._catalogued())
        self._line += self._fresh(known_candidates(self._title))
        while self._line:
            yield self._line.pop(0)
        self._line = self._fresh(await self._search())
        while self._line:
            yield self._line.pop(0)

    def note_untried(self, why: str) -> None:
        """Keep that those which are left were not tried."""
        for candidate in self._line:
            self.note(candidate, CandidateFate.UNTRIED, why)

    def note_failed(self, candidate: Candidate, error: FetchError) -> None:
        """Keep that a candidate was tried in vain."""
        fate = self._past.fate_of(candidate.video_id, error.failure, self._deps.now(), certain=error.certain)
        self.note(candidate, fate, error.message)

    @property
    def nothing_found(self) -> FetchError:
        """Say why there is no candidate at all."""
        if self.catalogue_error is not None:
            return FetchError(self.catalogue_error.message, FetchFailure.TRANSIENT)
        if any(one.fate is CandidateFate.GONE for one in self.considered):
            message = "The videos that are known are gone, and no other carries the title and the year."
        else:
            message = "No video carries the title and the year."
        return FetchError(message, FetchFailure.NOTHING_FOUND)

    def note(self, candidate: Candidate, fate: CandidateFate, why: str) -> None:
        """Keep what became of a candidate."""
        title, score = self._titles.get(candidate.video_id, (None, None))
        shown = None if title is None else title[:MOST_TITLE]
        self.considered.append(Considered(candidate.source, candidate.video_id, fate, why, shown, score))

    async def _catalogued(self) -> Sequence[Candidate]:
        """Ask the catalogue; where it cannot be asked the others still can."""
        catalogue, title = self._deps.catalogue, self._title
        if catalogue is None:
            return ()
        languages = languages_to_ask_for(title, self._policy)
        try:
            answer = await catalogue.videos_of(
                CatalogueQuestion(title.kind, title.tmdb_id, title.tvdb_id, title.imdb_id, languages)
            )
        except CatalogueError as error:
            self.catalogue_error = error
            self.considered.append(Considered(CandidateSource.TMDB, None, CandidateFate.FAILED, error.message))
            return ()
        choices = choose(answer, title, self._policy)
        self._titles |= {one.video.key: (one.video.name, one.score) for one in choices}
        self.considered += [
            Considered(
                CandidateSource.TMDB, one.video.key[:40], one.fate, one.why, one.video.name[:MOST_TITLE], one.score
            )
            for one in choices
            if one.candidate is None
        ]
        return [one.candidate for one in choices if one.candidate is not None]

    async def _search(self) -> Sequence[Candidate]:
        query = search_query(self._title, self._policy)
        if query is None:
            return ()
        hits = await self._deps.videos.search(query.text, query.limit)
        judgements = judged_hits(self._title, self._policy, hits)
        self.considered += refused_of(judgements)
        self._titles |= {one.hit.video_id: (one.hit.title, one.score) for one in judgements}
        return candidates_of(judgements)

    def _fresh(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        fresh = []
        for candidate in candidates:
            if candidate.video_id in self._given:
                continue
            self._given.add(candidate.video_id)
            if candidate.video_id in self._rejected and candidate.source is not CandidateSource.PERSON:
                self.note(candidate, CandidateFate.REJECTED, "A person said that it is not the trailer.")
                continue
            if candidate.video_id in self._past.gone and candidate.source is not CandidateSource.PERSON:
                self.note(candidate, CandidateFate.GONE, "An earlier try found that it is gone.")
                continue
            fresh.append(candidate)
        return fresh
