"""Which seasons a hit is about, and whether it is of a series or of a film at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain.matching.numerals import ordinal_of

_SEASON = (
    "(?:seasons?|series|staffel|saison|temporada|stagione|sezonu?|saeson|sasong|sesong|kausi|сезон|seizoen|evad"
    "|シーズン|시즌)"
)


def _words(*alternatives: str) -> re.Pattern[str]:
    """Match any of them as whole words."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")


_NUMBERED = _words(
    rf"(?:{_SEASON}|year|book|installment) (?:hash )?(\d{{1,2}})",
    r"s0?(\d{1,2})(?:e\d+|[ab])?",
    r"第 ?(\d{1,2}) ?[季期]",
    rf"(?<!trailer )(?<!teaser )(?<!hash )(\d{{1,2}}) {_SEASON}(?! (?:hash )?\d)",
)
_ORDINAL = _words(rf"(\w+) (?:{_SEASON}|季|期)")
_SEVERAL = _words(
    r"seasons (\d{1,2})(?: (?:and|to|through|thru))? (\d{1,2})",
    r"season (\d{1,2}) (?:and|to|through|thru) (?:season )?(\d{1,2})",
    r"season (\d{1,2}) (\d{1,2})(?= (?:official |complete )?(?:trailer|teaser))",
)
_ONE_EPISODE = _words(
    r"(?:episode|episodio|ep|folge) (?:hash )?\d+",
    r"s\d+ ?ep?\d+",
    r"(?:season|series) (?:\d+ )?finale",
    "mid ?season finale",
)
_LATER = _words(
    rf"(?:final|last|letzte|ultima|derniere|finale|new|next|neue|nueva|nouvelle) {_SEASON}",
    rf"{_SEASON} (?:returns|finale)",
    "returns|is back",
)
_ONE_FILM = _words("tv (?:movie|film)|film series")
_MINISERIES = _words("(?:tv )?mini ?series|limited series|original series")
_SHORT = _words("short (?:film|movie)|kurzfilm|court metrage|cortometraje|corto|short")
_SERIES = _words(rf"{_SEASON}|episodes?(?: \d+)?|s\d+e\d+|tv show|pilot|sitcom|docuseries|tv")
_FILM = _words(
    "movie|film|motion picture|in theat(?:er|re)s|in cinemas|pelicula|фильм|kinofilm|kino|au cinema|al cinema",
    "en cines|映画|劇場版|영화|电影|電影",
)
_CINEMA = _words("in (?:select )?(?:theat(?:er|re)s|cinemas)|im kino|au cinema|al cinema|en cines")
_TV = _words("tv (?:series|show)|series|season|mini ?series")


@dataclass(frozen=True, slots=True)
class Told:
    """What the words beside the title tell; `later`: a new or last season, without its number.

    `several`: more than one season; `episode`: a single episode.
    """

    seasons: frozenset[int]
    several: bool
    episode: bool
    later: bool
    series: bool
    film: bool
    cinema: bool
    short: bool
    miniseries: bool


def told_by(text: str) -> Told:
    """Read the words beside a title."""
    numbered = {int(number) for found in _NUMBERED.findall(text) for number in found if number}
    ordinals = {ordinal for found in _ORDINAL.findall(text) if (ordinal := ordinal_of(found)) is not None}
    return Told(
        seasons=frozenset(numbered | ordinals),
        several=len(numbered | ordinals) > 1 or _SEVERAL.search(text) is not None,
        episode=_ONE_EPISODE.search(text) is not None,
        later=_LATER.search(text) is not None,
        series=_SERIES.search(_MINISERIES.sub(" ", _ONE_FILM.sub(" ", text))) is not None,
        film=_FILM.search(text) is not None and _TV.search(text) is None,
        cinema=_CINEMA.search(text) is not None,
        short=_SHORT.search(text) is not None,
        miniseries=_MINISERIES.search(text) is not None,
    )
