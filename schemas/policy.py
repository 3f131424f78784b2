"""The kinds of value that a trailer policy has: whole numbers within bounds, choices, and lists of words."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

MOST_WORDS, MOST_LETTERS = 50, 100
ORIGINAL = "original"
_LANGUAGE = re.compile(r"[a-z]{2}|original")
_SUBTITLE_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})?")


class Prefer(StrEnum):
    """What comes first where a video has several formats."""

    COMPATIBILITY = "compatibility"
    QUALITY = "quality"


class TrailerName(StrEnum):
    """What a movie's trailer is called: after the movie's file, or the same in every folder."""

    BASENAME = "basename"
    MOVIE_TRAILER = "movie-trailer"


def _as_tuple(value: object) -> object:
    """Take JSON's list for a tuple, in strict models too."""
    return tuple(value) if isinstance(value, list) else value


def _distinct(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    stripped = tuple(word.strip() for word in words)
    if len(words) > MOST_WORDS or any(not word.isprintable() or not 0 < len(word) <= MOST_LETTERS for word in stripped):
        message = f"write at most {MOST_WORDS} words of at most {MOST_LETTERS} letters each"
        raise ValueError(message)
    return _distinct(stripped)


def _languages(words: tuple[str, ...]) -> tuple[str, ...]:
    codes = tuple(word.strip().lower() for word in words)
    if not 0 < len(codes) <= MOST_WORDS or any(not _LANGUAGE.fullmatch(code) for code in codes):
        message = "write two-letter language codes such as en or de, or the word original"
        raise ValueError(message)
    return _distinct(codes)


def _subtitle_languages(words: tuple[str, ...]) -> tuple[str, ...]:
    codes = tuple(word.strip().lower() for word in words)
    if len(codes) > MOST_WORDS or any(not _SUBTITLE_LANGUAGE.fullmatch(code) for code in codes):
        message = "write language codes such as en or pt-br"
        raise ValueError(message)
    return _distinct(codes)


MaxHeight = Annotated[int, Field(ge=240, le=4320)]
MinHeight = Annotated[int, Field(ge=0, le=4320)]
MinSeconds = Annotated[int, Field(ge=1, le=3600)]
MaxSeconds = Annotated[int, Field(ge=10, le=7200)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_words)]
Languages = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_languages)]
SubtitleLanguages = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_subtitle_languages)]
