"""Which of TMDB's videos are tried, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.catalogue import CatalogueAnswer, CatalogueVideo, choose, languages_to_ask_for
from app.domain.policy import Policy
from schemas.base import CandidateFate
from tests.unit.titles import movie

POLICY = Policy()


def video(name: str, **changes: Any) -> CatalogueVideo:
    entry = CatalogueVideo("YouTube", name.ljust(11, "0"), "Trailer", True, 1080, "en", "Official Trailer", None)
    return replace(entry, **changes)


def order(*videos: CatalogueVideo, original: str | None = "en", **policy: Any) -> list[str]:
    chosen = choose(CatalogueAnswer(original, videos), movie(), replace(POLICY, **policy))
    return [one.video.key.rstrip("0") for one in chosen if one.candidate is not None]


def test_official_then_trailer_then_language_then_size() -> None:
    videos = (
        video("fan", official=False),
        video("teaser", kind="Teaser"),
        video("silent", language=None),
        video("small", size=480),
        video("large", size=2160),
        video("german", language="de"),
    )
    expected = ["german", "large", "small", "silent", "teaser", "fan"]
    assert order(*reversed(videos), languages=("de",)) == order(*videos, languages=("de",)) == expected


def test_the_original_language_is_the_titles_own() -> None:
    videos = (video("english"), video("korean", language="ko"), video("french", language="fr"))
    assert order(*videos, original="ko") == ["korean", "english"]
    assert order(*videos, original="ko", languages=("en",)) == ["english", "korean"]
    assert order(*videos, original=None) == ["english"]


def test_a_numbered_trailer_comes_after_the_official_one() -> None:
    assert order(replace(video("second"), name="Official Trailer 2"), video("first")) == ["first", "second"]


def test_a_later_season_comes_last() -> None:
    videos = (
        replace(video("third"), name="Season 3 Official Trailer"),
        replace(video("first", official=False), name="Season 1"),
    )
    assert order(*videos) == ["first", "third"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"site": "Facebook"}, "another site"),
        ({"key": "-x; rm -rf"}, "Its id is none."),
        ({"site": "Vimeo"}, "Its id is none."),
        ({"kind": "Featurette"}, "no trailer but a Featurette"),
        ({"language": "fr"}, "another language"),
        ({"size": 360}, "too few lines"),
    ],
)
def test_what_is_not_taken_says_why(changes: dict[str, Any], why: str) -> None:
    (one,) = choose(CatalogueAnswer("en", (video("some", **changes),)), movie(), replace(POLICY, min_height=720))
    assert (one.candidate, one.fate, why in one.why) == (None, CandidateFate.REFUSED, True)


def test_ids_that_begin_with_a_hyphen_and_vimeos_numbers_are_taken() -> None:
    assert order(video("-hyphen-id1"), video("x", site="Vimeo", key="76979871")) == ["-hyphen-id1", "76979871"]


def test_the_languages_asked_for() -> None:
    assert languages_to_ask_for(movie(language="Japanese"), replace(POLICY, languages=("de", "original"))) == (
        "de",
        "ja",
        "en",
    )
    assert languages_to_ask_for(movie(language="Klingon"), POLICY) == ("en",)
