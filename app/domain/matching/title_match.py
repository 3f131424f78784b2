"""Where a hit's title carries the wanted title, and what the words around it make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.matching.numerals import ordinal_of
from app.domain.matching.signs import TITLE
from app.domain.matching.vocabulary import (
    CLOSE_FILLERS,
    COMPANY_WORDS,
    FILLERS,
    FUNCTION_WORDS,
    LANGUAGES,
    MARKS,
    OFFICIAL,
    SEASON_WORDS,
    STUDIO_BRANDS,
)
from app.domain.matching.wanted import Variant, country_in
from app.domain.matching.words import Word

_CLOSE = MARKS | OFFICIAL | CLOSE_FILLERS | SEASON_WORDS | LANGUAGES.keys()
_EXPLAINED = _CLOSE | FILLERS | STUDIO_BRANDS | COMPANY_WORDS | FUNCTION_WORDS
_BY = frozenset({"by", "directed", "starring"})
_CLOSING = SEASON_WORDS | _BY
_SEASONS_WITH_NUMBER = frozenset({"year", "book", "installment"})
_LONGEST_NAME = 4


@dataclass(frozen=True, slots=True)
class Carried:
    """One place where the title stands, and how much speaks against its being the whole title.

    `beside` are the words outside the title, `text` the same for the signs. `number` stands straight after it. `stray`
    counts the unexplained words that may belong to a longer title, `bracketed` those set aside; `longer`: some of
    them follow before any year or season. `by_name`: a genitive stands before it. `country`: the one
    that is named straight after it.
    """

    variant: Variant
    beside: tuple[Word, ...]
    text: str
    number: int | None
    glued: bool
    stray: int
    longer: bool
    bracketed: int
    by_name: bool
    country: str | None

    @property
    def doubt(self) -> tuple[bool, bool, int, int, bool, bool]:
        """Order places by how little speaks against them."""
        numbered = self.number is not None
        return (self.glued, numbered, self.stray, self.bracketed, self.by_name, self.variant.weak)


def is_year(text: str) -> bool:
    """Tell a year of film history from another number."""
    return len(text) == 4 and text.isdecimal() and 1890 <= int(text) <= 2039


def best_place(words: Sequence[Word], variants: Sequence[Variant], known: frozenset[str]) -> Carried | None:
    """Find the place where the title stands most alone; `known` are words of the studio's and the channel's names."""
    places = [
        _look_around(words, span, variant, variants, known) for variant in variants for span in _spans(words, variant)
    ]
    return min(places, key=lambda place: (place.doubt, -len(place.variant.joined)), default=None)


def _spans(words: Sequence[Word], variant: Variant) -> Iterator[tuple[int, int]]:
    joined = variant.joined
    single = len(variant.words) == 1
    for start in range(len(words)):
        run = ""
        for end in range(start, len(words)):
            word = words[end]
            run += word.raw if single else word.text
            if not joined.startswith(run):
                break
            if len(run) == len(joined):
                yield start, end + 1
                break


def _look_around(
    words: Sequence[Word], span: tuple[int, int], variant: Variant, variants: Sequence[Variant], known: frozenset[str]
) -> Carried:
    start, end = span
    left, right = list(words[:start]), list(words[end:])
    title_again = {
        index for other in variants if not other.weak for again in _spans(right, other) for index in range(*again)
    }
    number = _number_after(right)
    glued_left, stray_left, by_name = _before(left, words[start], known)
    between = [
        word
        for index, word in enumerate(_before_the_mark(left, right))
        if not (index in title_again or (index == 0 and number is not None) or _explained(right, index, known))
    ]
    glued = bool(right) and not (right[0].apart or 0 in title_again or number is not None or _opens_a_remark(right))
    return Carried(
        variant=variant,
        beside=(*left, *right),
        text=_text(left, [None if index in title_again else word for index, word in enumerate(right)]),
        number=number,
        glued=glued or glued_left,
        stray=stray_left + sum(not _aside(word) for word in between),
        longer=not all(map(_aside, between)) and not _closed(right),
        bracketed=sum(map(_aside, between)),
        by_name=by_name,
        country=country_in(right[:1]),
    )


def _opens_a_remark(right: Sequence[Word]) -> bool:
    """Tell "The Series" and "by" somebody from a longer title."""
    if right[0].text == "the" and len(right) > 1:
        return _close(right[1]) or right[1].text == "series"
    return _ordinal_remark(right) or _numbered_season(right, 0) or _close(right[0]) or right[0].text in _BY


def _ordinal_remark(right: Sequence[Word]) -> bool:
    """Tell "2nd Season" and "First Trailer" from a longer title; "Split Second Trailer" is one."""
    if ordinal_of(right[0].raw) is None or len(right) < 2:
        return False
    if right[0].raw[0].isdecimal():
        return _close(right[1])
    of_trailers = right[0].raw != "second" and (right[1].text in MARKS or right[1].text in OFFICIAL)
    return not right[1].apart and (of_trailers or right[1].text in SEASON_WORDS)


def _numbered_season(words: Sequence[Word], index: int) -> bool:
    """Read "Year 2" and "Book Two" as a season; "Year One" is rather the title of a story of beginnings."""
    if words[index].text not in _SEASONS_WITH_NUMBER or index + 1 == len(words):
        return False
    number = words[index + 1]
    return number.text.isdecimal() and not is_year(number.text) and not (number.text == "1" and not number.part)


def _aside(word: Word) -> bool:
    """Say whether a word stands in brackets or quotes, as the names of actors and of single trailers do."""
    return word.bracketed or word.quoted


def _closed(right: Sequence[Word]) -> bool:
    """Say whether a year, a season or a name closes the title before anything else follows."""
    if not right:
        return False
    first = right[0].text
    return is_year(first) or first in _CLOSING or _season_code(first) or _numbered_season(right, 0)


def _number_after(right: Sequence[Word]) -> int | None:
    """Give the number straight after the title, "Cars 3"; a year, "#2" and the one of "Rogue One" are none."""
    if not right or right[0].numbered or (right[0].raw == "one" and not right[0].part):
        return None
    return int(right[0].text) if right[0].text.isdecimal() and not is_year(right[0].text) else None


def _before(left: Sequence[Word], title: Word, known: frozenset[str]) -> tuple[bool, int, bool]:
    """Judge the words before the title: glued to it, how many stray ones, and whether they are a name's genitive."""
    if not left:
        return False, 0, False
    last = left[-1]
    segment = _last_segment(left)
    strays = [
        word
        for index, word in enumerate(left)
        if not (_explained(left, index, known) or {word.raw, word.owner} & (known | STUDIO_BRANDS))
    ]
    brand = any(word.text in STUDIO_BRANDS or word.owner in STUDIO_BRANDS for word in segment)
    if last.possessive and not title.apart and (brand or _is_name(segment)):
        outside = [word for word in strays if word not in segment]
        return False, len(outside), not brand
    own = last.text in STUDIO_BRANDS or last.text in COMPANY_WORDS
    glued = not (title.apart or _close(last) or own)
    return glued, len(strays), False


def _is_name(segment: Sequence[Word]) -> bool:
    """Tell "Akira Kurosawa's" from "A Dog's"."""
    first = segment[-1]
    return 2 <= len(segment) <= _LONGEST_NAME and first.text not in FUNCTION_WORDS


def _last_segment(left: Sequence[Word]) -> list[Word]:
    """Give the words back to the last separator, the last word first."""
    segment: list[Word] = []
    for word in reversed(left):
        segment.append(word)
        if word.apart:
            break
    return segment


def _before_the_mark(left: Sequence[Word], right: Sequence[Word]) -> Sequence[Word]:
    """Give the words that a longer title may have: up to the word for trailer, or all where that came before."""
    for index, word in enumerate(right):
        if word.text in MARKS:
            return right[:index]
    marked = any(word.text in MARKS for word in left)
    return right if marked else right[: next((i for i, word in enumerate(right) if is_year(word.text)), len(right))]


def _close(word: Word) -> bool:
    return word.text in _CLOSE or is_year(word.text) or _season_code(word.text)


def _season_code(text: str) -> bool:
    return len(text) < 7 and text[0] == "s" and text[1:2].isdecimal()


def _explained(words: Sequence[Word], index: int, known: frozenset[str]) -> bool:
    word = words[index]
    if word.text in _EXPLAINED or is_year(word.text) or _season_code(word.text) or word.numbered or word.part:
        return True
    if _numbered_season(words, index) or (index and _numbered_season(words, index - 1)):
        return True
    if word.text.isdecimal() or ordinal_of(word.raw) is not None:
        near = words[max(0, index - 1) : index + 2]
        return any(each.text in _EXPLAINED for each in near) or is_year(word.text)
    return word.apart and word.text in known


def _text(left: Sequence[Word], right: Sequence[Word | None]) -> str:
    """Write the words beside the title for the signs; a slogan in quotes after the word for trailer says nothing.

    None stands for a word of the title when it comes again.
    """
    marked = False
    parts: list[str] = []
    for word in (*left, None, *right):
        if word is None:
            parts.extend([TITLE] if parts[-1:] != [TITLE] else [])
            continue
        marked = marked or word.text in MARKS
        if not (marked and word.quoted):
            parts.extend(_written(word))
    return " ".join(parts)


def _written(word: Word) -> tuple[str, ...]:
    """Keep apart for the signs what the words make equal: "#2", "part 2" and "2", "vs" and the letter v."""
    if word.numbered:
        return "hash", word.text
    if word.part:
        return "part", word.text
    return ("versus",) if word.text == "v" != word.raw else (word.text,)
