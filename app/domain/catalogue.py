"""Which of a catalogue's videos to try, in which order: official trailers first, in the languages that are wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.languages import code_of
from app.domain.policy import Policy
from app.domain.records import Candidate, Media
from schemas.base import CandidateFate, CandidateSource
from schemas.media import canonical_trailer_url
from schemas.policy import ORIGINAL

_KINDS = ("Trailer", "Teaser")
_SITES = {"YouTube": re.compile(r"[A-Za-z0-9_-]{11}"), "Vimeo": re.compile(r"[0-9]{1,12}")}
_SEASON = re.compile(
    r"\b(?:season|staffel|saison|temporada|stagione)\s*(\d+)|\b(\d+)(?:st|nd|rd|th) season", re.IGNORECASE
)
_NUMBERED = re.compile(r"\btrailer\s*#?\s*[2-9]\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CatalogueVideo:
    """A video as TMDB lists it: `size` in lines, `language` a two-letter code, None where nobody speaks."""

    site: str
    key: str
    kind: str
    official: bool
    size: int
    language: str | None
    name: str
    published_at: str | None


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """What a catalogue knows of a title; a title that it does not have has no videos."""

    original_language: str | None = None
    videos: tuple[CatalogueVideo, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A video that may be tried, or why not."""

    candidate: Candidate | None
    video: CatalogueVideo
    score: float
    why: str
    fate: CandidateFate


def languages_to_ask_for(title: Media, policy: Policy) -> tuple[str, ...]:
    """Give the codes to ask a catalogue for: those that are wanted, the title's own as far as it is known, English."""
    return _distinct([*policy.languages, ORIGINAL, "en"], code_of(title.language))


def choose(answer: CatalogueAnswer, title: Media, policy: Policy) -> list[Choice]:
    """Order the videos: official, Trailer before Teaser, by language (wanted, original, English, none), then by size.

    A video of a later season comes after all others. What is not taken stands at the end, with its reason.
    """
    original = answer.original_language or code_of(title.language)
    languages: list[str | None] = [*_distinct([*policy.languages, ORIGINAL, "en"], original), None]
    judged = [_judge(video, languages, policy) for video in answer.videos]
    return sorted(judged, key=lambda one: (one.candidate is None, -one.score))


def _judge(video: CatalogueVideo, languages: Sequence[str | None], policy: Policy) -> Choice:
    why = _refusal(video, languages, policy)
    if why is not None:
        return Choice(None, video, 0, why, CandidateFate.REFUSED)
    address = video.key if video.site == "YouTube" else f"https://vimeo.com/{video.key}"
    candidate = Candidate(CandidateSource.TMDB, canonical_trailer_url(address), video.key)
    return Choice(candidate, video, _score(video, languages), "", CandidateFate.TAKEN)


def _refusal(video: CatalogueVideo, languages: Sequence[str | None], policy: Policy) -> str | None:
    pattern = _SITES.get(video.site)
    if pattern is None:
        return "It is on another site than YouTube and Vimeo."
    if pattern.fullmatch(video.key) is None:
        return "Its id is none."
    if video.kind not in _KINDS:
        return f"It is no trailer but a {video.kind or 'video'}."
    if video.language not in languages:
        return "It is in another language."
    if 0 < video.size < policy.min_height:
        return "It has too few lines."
    return None


def _score(video: CatalogueVideo, languages: Sequence[str | None]) -> float:
    """Weigh each criterion so that none below it can outweigh it."""
    season = _SEASON.search(video.name)
    is_later = season is not None and int(season[1] or season[2]) > 1
    return (
        (0 if is_later else 100_000)
        + (10_000 if video.official else 0)
        + (1_000 if video.kind == "Trailer" else 0)
        + 10 * (len(languages) - languages.index(video.language))
        + (2 if "official" in video.name.lower() and not _NUMBERED.search(video.name) else 0)
        + min(video.size, 4320) / 4320
    )


def _distinct(wanted: Sequence[str], original: str | None) -> tuple[str, ...]:
    codes = [original if word == ORIGINAL else word for word in wanted]
    return tuple(dict.fromkeys(code for code in codes if code is not None))
