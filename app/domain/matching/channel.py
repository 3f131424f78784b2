"""What a channel's name says about its videos."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from app.domain.matching.vocabulary import (
    COMPANY_WORDS,
    CONCEPT_CHANNELS,
    DISTRIBUTORS,
    FUNCTION_WORDS,
    KNOWN_TRAILER_CHANNELS,
    OFFICIAL_CHANNELS,
    OLD_FILM_CHANNELS,
    STUDIO_BRANDS,
    STUDIO_FAMILIES,
    TERRITORIES,
    TRAILER_CHANNELS,
)
from app.domain.matching.words import words_of

_BESIDE_NAMES = (
    COMPANY_WORDS
    | FUNCTION_WORDS
    | TERRITORIES
    | {"official", "channel", "film", "cinema", "distribution", "bros", "walt", "century", "network", "networks"}
    | {"tv", "television", "and", "plus", "group", "company", "home", "video", "animation", "classics", "features"}
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_TRAILERS = frozenset(
    {
        "reaction",
        "reactions",
        "react",
        "reacts",
        "parody",
        "parodies",
        "gaming",
        "soundtrack",
        "soundtracks",
        "concept",
        "concepts",
        "records",
        *(
            "playstation",
            "xbox",
            "nintendo",
            "bethesda",
            "ubisoft",
            "capcom",
            "blizzard",
            "gamespot",
            "games",
            "projekt",
        ),
        "recaps",
        "explained",
        "longplay",
    }
)


@dataclass(frozen=True, slots=True)
class Channel:
    """What kind of channel it is.

    `own`: the title's studio; `of_studio`: that or one of its group; `studio`: looks like some studio or distributor.
    `official`: its whole name is the title's studio's or a known company's. `known_trailers`: a known trailer channel.
    """

    names: frozenset[str] = frozenset()
    own: bool = False
    of_studio: bool = False
    studio: bool = False
    official: bool = False
    trailers: bool = False
    known_trailers: bool = False
    old_films: bool = False
    concepts: bool = False
    other_business: bool = False


def names_of(company: str | None) -> frozenset[str]:
    """Give the words of a company's name, and neighbours written together: "Prime Video" is also "primevideo"."""
    words = [word.raw for word in words_of(_CAMEL.sub(" ", company or ""))]
    pairs = {first + second for first, second in pairwise(words)}
    return frozenset(words) | pairs | {"".join(words)}


def judge_channel(name: str | None, studio: str | None) -> Channel:
    """Judge a channel by its name alone; nothing else is known of it."""
    names = names_of(name)
    if not names - {""}:
        return Channel()
    own = names_of(studio)
    telling = (
        {word for word in own if len(word) > 1}
        - COMPANY_WORDS
        - FUNCTION_WORDS
        - {"film", "movie", "tv", "television", "the"}
    )
    brands = names & STUDIO_BRANDS
    trailers = bool(names & TRAILER_CHANNELS)
    return Channel(
        names=names,
        own=bool(names & telling),
        of_studio=bool(names & telling) or any(brands & family and own & family for family in STUDIO_FAMILIES),
        studio=bool(brands - COMPANY_WORDS) or (bool(names & (COMPANY_WORDS | DISTRIBUTORS)) and not trailers),
        official=_is_official(name, studio),
        trailers=trailers,
        known_trailers="".join(_bare_words(name, frozenset({"com", "hd"}))) in KNOWN_TRAILER_CHANNELS,
        old_films=bool(names & OLD_FILM_CHANNELS),
        concepts=bool(names & CONCEPT_CHANNELS),
        other_business=bool(names & _NOT_TRAILERS),
    )


def _is_official(name: str | None, studio: str | None) -> bool:
    """Compare whole names: one shared word makes "Trailer Nation" or "Marvel Zone" nobody's channel."""
    if "".join(_bare_words(name)) in OFFICIAL_CHANNELS:
        return True
    core, own = _bare_words(name, _BESIDE_NAMES), _bare_words(studio, _BESIDE_NAMES)
    if not core:
        return False
    whole = "".join(core)
    return whole == "".join(own) or whole in STUDIO_BRANDS or STUDIO_BRANDS.issuperset(core)


def _bare_words(company: str | None, without: frozenset[str] = frozenset()) -> list[str]:
    return [word.raw for word in words_of(_CAMEL.sub(" ", company or "")) if word.raw not in without]
