"""Which videos to try for a title, in order (design section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.matching import Wanted, is_match
from app.domain.policy import Policy
from app.domain.records import Candidate, Media
from app.domain.videos import SearchHit
from schemas.base import CandidateFate, CandidateSource
from schemas.media import canonical_trailer_url


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
    if media.trailer_url is not None or not policy.search or media.year is None:
        return None
    return SearchQuery(f"{media.title} {media.year} official trailer")


def matching_candidates(media: Media, policy: Policy, hits: Sequence[SearchHit]) -> tuple[Candidate, ...]:
    """Keep the hits that are surely this title's trailer, in the search's order."""
    wanted = Wanted(media.title, media.original_title, media.year, policy.min_seconds, policy.max_seconds)
    return tuple(_candidate(CandidateSource.SEARCH, hit.video_id) for hit in hits if is_match(wanted, hit))


def _candidate(source: CandidateSource, video: str) -> Candidate:
    url = canonical_trailer_url(video)
    return Candidate(source, url, url.rpartition("=")[2] if "=" in url else url.partition("vimeo.com/")[2])
