"""The title that a trailer is wanted for, and the ways in which a video may write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.matching.numerals import is_spelled, roman_letter
from app.domain.matching.vocabulary import COUNTRIES, FUNCTION_WORDS
from app.domain.matching.words import Word, words_of
from schemas.base import MediaKind

_LAST_BRACKET = re.compile(r"\s*\(([^()]*)\)\s*$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MOST_SEQUELS = 20
_SUBTITLE = re.compile(r"(?<=\S): | - | – ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the title; the runtime is in minutes, the limits of a trailer's length in seconds."""

    kind: MediaKind
    title: str
    original_title: str | None = None
    alternative_titles: tuple[str, ...] = ()
    year: int | None = None
    language: str | None = None
    runtime: int | None = None
    studio: str | None = None
    season: int | None = None
    min_seconds: int = 20
    max_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write the title; `foreign`: not the title that the Arr shows, `weak`: only together with the year.

    `numbered`: it has a sequel's number, which hardly any namesake shares.
    """

    words: tuple[str, ...]
    foreign: bool = False
    weak: bool = False
    numbered: bool = False

    @property
    def joined(self) -> str:
        """The title without spaces: "Spider-Man", "Spiderman" and "Spider Man" are the same."""
        return "".join(self.words)

    @property
    def content(self) -> int:
        """How many of its words tell anything."""
        return sum(word not in FUNCTION_WORDS for word in self.words)

    @property
    def latin(self) -> bool:
        """Whether it is written in Latin letters."""
        return self.joined.isascii()


def variants_of(wanted: Wanted) -> tuple[Variant, ...]:
    """Give every way to write the title once, the full ones first."""
    found: dict[str, Variant] = {}
    for variant in sorted(_variants(wanted), key=lambda one: (one.weak, one.foreign)):
        if variant.words:
            found.setdefault(variant.joined, variant)
    return tuple(found.values())


def country_of(wanted: Wanted) -> str | None:
    """Give the country that the title names to tell it from its namesakes: "The Office (US)"."""
    for title in (wanted.title, *wanted.alternative_titles):
        bracket = _LAST_BRACKET.search(title)
        if bracket and bracket[1].casefold() in COUNTRIES:
            return bracket[1].casefold()[:2]
    return None


def country_in(beside: Sequence[Word]) -> str | None:
    """Give the country that a hit names beside the title."""
    return next((word.raw[:2] for word in beside[:3] if word.raw in COUNTRIES), None)


def _variants(wanted: Wanted) -> Iterator[Variant]:
    title = _bare(wanted.title)
    yield from _writings(title, foreign=False)
    for other in filter(None, (wanted.original_title, *wanted.alternative_titles)):
        if _texts(words_of(_bare(other))) != _texts(words_of(title)):
            yield from _writings(_bare(other), foreign=True)


def _writings(title: str, *, foreign: bool) -> Iterator[Variant]:
    words = words_of(title)
    # A title of one word is taken as it is written: "9" and "Nine" are two films.
    texts = _texts(words) if len(words) > 1 else tuple(word.raw for word in words)
    numbered = any(map(_is_sequels, words[1:]))
    # A nickname of one word says little: "M", "Nine", "Yume".
    nickname = foreign and len(texts) == 1 and len(texts[0]) < 5 and texts[0].isascii()
    yield Variant(texts, foreign, weak=nickname, numbered=numbered)
    if any(word.text != word.raw and roman_letter(word.raw) for word in words[1:]):
        # "Rocky V Trailer": in the middle of a text a single letter is not read as a number.
        letters = tuple(word.raw if roman_letter(word.raw) else word.text for word in words)
        yield Variant(letters, foreign, numbered=numbered)
    content = Variant(texts).content
    if len(texts) > 1 and texts[0] in {"the", "a", "an"} and content > 1:
        yield Variant(texts[1:], foreign, weak=content < 3)
    if len(texts) > 2 and texts[-1] == "1":
        yield Variant(texts[:-1], foreign, weak=True)
    if without_bracket := _LAST_BRACKET.sub("", title):
        yield Variant(_texts(words_of(without_bracket)), foreign)
    yield from _halves(_SUBTITLE.split(title), foreign=foreign)


def _halves(parts: list[str], *, foreign: bool) -> Iterator[Variant]:
    """Give what is left where a subtitle, or what stands before it, is not written: "Police Academy 4"."""
    for cut in range(1, len(parts)):
        before = words_of(" ".join(parts[:cut]))
        if len(before) > 1 and _is_sequels(before[-1]):
            yield Variant(_texts(before), foreign, weak=True, numbered=True)
        for after in (parts[cut], " ".join(parts[cut:])):
            subtitle = Variant(_texts(words_of(after)), foreign, weak=True)
            if subtitle.content > 1 and len(subtitle.words) > 2:
                yield subtitle


def _is_sequels(word: Word) -> bool:
    """Tell the number of a sequel from "Eleven" and "2049"."""
    if word.part:
        return True
    return word.text.isdecimal() and 1 < int(word.text) <= _MOST_SEQUELS and not is_spelled(word.raw)


def _bare(title: str) -> str:
    """Take off the year or country that tells namesakes apart in an Arr's list."""
    bracket = _LAST_BRACKET.search(title)
    if bracket and (_YEAR.fullmatch(bracket[1]) or bracket[1].casefold() in COUNTRIES):
        return title[: bracket.start()]
    return title


def _texts(words: tuple[Word, ...]) -> tuple[str, ...]:
    return tuple(word.text for word in words)
