"""Whether a search hit is a title's trailer: title and year must both be there, and nothing may speak against it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from app.domain.videos import SearchHit

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_WORD = re.compile(r"[^\W_]+")
_NOT_A_TRAILER = frozenset(
    {
        *{"reaction", "review", "breakdown", "explained", "parody", "fanmade", "fan", "concept", "recap", "ending"},
        *{"clip", "clips", "scene", "interview", "featurette", "gameplay", "game", "soundtrack", "ost", "cover"},
        *{"commentary", "analysis", "full", "shorts", "honest", "ai", "remake"},
    }
)
_BESIDE_A_TITLE = frozenset({"official", "trailer", "main", "final", "theatrical", "movie", "film", "tv", "series"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The title that a trailer is searched for; a search needs a year."""

    title: str
    original_title: str | None
    year: int | None
    min_seconds: int
    max_seconds: int


def is_match(wanted: Wanted, hit: SearchHit) -> bool:
    """Say whether the hit names this title and this year, is called a trailer, and has a trailer's length."""
    words = normalise(hit.title)
    titles = [normalise(title) for title in (wanted.title, wanted.original_title) if title]
    named = next((title for title in titles if title and _stands_alone(title, words)), None)
    if named is None or wanted.year is None or hit.is_live:
        return False
    rest = words[len(named) :]
    years = {int(year) for year in _YEAR.findall(" ".join(rest))}
    length_fits = hit.seconds is None or wanted.min_seconds <= hit.seconds <= wanted.max_seconds
    return "trailer" in rest and years == {wanted.year} and length_fits and not _NOT_A_TRAILER.intersection(rest)


def normalise(title: str) -> list[str]:
    """Split a title into comparable words: case, accents, punctuation and `&` do not matter."""
    decomposed = unicodedata.normalize("NFKD", title.replace("&", " and ").replace("'", "").replace("\u2019", ""))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _WORD.findall(plain.casefold())


def _stands_alone(title: list[str], words: list[str]) -> bool:
    """Tell "Dreams" from "Burden of Dreams", and "Dune" from "Dune Part Two": only plain words may follow."""
    following = words[len(title) : len(title) + 1]
    plain = all(word in _BESIDE_A_TITLE or _YEAR.fullmatch(word) for word in following)
    return words[: len(title)] == title and plain
