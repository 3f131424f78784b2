"""Which videos to try for a title, in order (design section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.languages import name_of
from app.domain.matching import Judgement, Wanted, judge_hits, matches
from app.domain.policy import Policy
from app.domain.records import Candidate, Media
from app.domain.videos import SearchHit
from schemas.base import CandidateFate, CandidateSource, FetchFailure
from schemas.media import canonical_trailer_url
from schemas.policy import ORIGINAL

MOST_TITLE = 200
_GONE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Considered:
    """A video that was considered for a title, and why it was or was not taken; `video_id` is null for a source."""

    source: CandidateSource
    video_id: str | None
    fate: CandidateFate
    why: str
    title: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier attempts learnt of a title's videos: those that are gone, and since when others are unavailable."""

    gone: frozenset[str] = frozenset()
    unavailable: Mapping[str, datetime] = field(default_factory=dict)

    def fate_of(self, video_id: str, failure: FetchFailure, now: datetime, *, certain: bool) -> CandidateFate:
        """Judge a video that failed: one that is only said to be unavailable is gone once it still is a day later."""
        if failure is not FetchFailure.DEAD:
            return CandidateFate.FAILED
        since = self.unavailable.get(video_id)
        if certain or (since is not None and now - since >= _GONE_AFTER):
            return CandidateFate.GONE
        return CandidateFate.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to type into YouTube's search when no id is known."""

    text: str
    limit: int = 10


def known_candidates(media: Media) -> tuple[Candidate, ...]:
    """Give the candidates that need no look-up: a person's choice alone, else the Arr's own id."""
    if media.trailer_url is not None:
        return (_candidate(CandidateSource.PERSON, media.trailer_url),)
    if media.youtube_trailer_id is not None:
        return (_candidate(CandidateSource.ARR, media.youtube_trailer_id),)
    return ()


def search_query(media: Media, policy: Policy) -> SearchQuery | None:
    """Give the search to fall back on; None where a person chose, the policy forbids it, or the year is unknown."""
    if media.trailer_url is not None or not is_searchable(media.year, policy):
        return None
    return SearchQuery(f"{media.title} {media.year} official trailer")


def is_searchable(year: int | None, policy: Policy) -> bool:
    """Say whether a title may be searched for: without a year too many others bear its name."""
    return policy.search and year is not None


def judged_hits(media: Media, policy: Policy, hits: Sequence[SearchHit]) -> tuple[Judgement, ...]:
    """Say for every hit whether it is this title's trailer, and why."""
    codes = (*policy.languages, ORIGINAL, "en")
    languages = [media.language if code == ORIGINAL else name_of(code) for code in codes]
    return judge_hits(_wanted(media, policy), hits, [language for language in languages if language is not None])


def candidates_of(judgements: Sequence[Judgement]) -> tuple[Candidate, ...]:
    """Keep the hits that are surely the title's trailer, the best one first."""
    return tuple(_candidate(CandidateSource.SEARCH, one.hit.video_id) for one in matches(judgements))


def refused_of(judgements: Sequence[Judgement]) -> list[Considered]:
    """Keep why the other hits are not."""
    taken = {one.hit.video_id for one in matches(judgements)}
    return [
        Considered(
            CandidateSource.SEARCH,
            one.hit.video_id,
            CandidateFate.REFUSED,
            one.reason,
            one.hit.title[:MOST_TITLE],
            one.score,
        )
        for one in judgements
        if one.hit.video_id not in taken
    ]


def _wanted(media: Media, policy: Policy) -> Wanted:
    return Wanted(
        kind=media.kind,
        title=media.title,
        original_title=media.original_title,
        alternative_titles=media.alternative_titles,
        year=media.year,
        language=media.language,
        runtime=media.runtime,
        studio=media.studio,
        min_seconds=policy.min_seconds,
        max_seconds=policy.max_seconds,
    )


def _candidate(source: CandidateSource, video: str) -> Candidate:
    url = canonical_trailer_url(video)
    return Candidate(source, url, url.rpartition("=")[2] if "=" in url else url.partition("vimeo.com/")[2])
