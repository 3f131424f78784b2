"""Numbers as words and in roman letters."""

from __future__ import annotations

_WORDS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "eins": 1,
    "zwei": 2,
    "drei": 3,
    "vier": 4,
    "deux": 2,
    "trois": 3,
    "dos": 2,
    "один": 1,
    "два": 2,
}
_ROMAN = {
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "xi": 11,
    "xii": 12,
    "xiii": 13,
    "xiv": 14,
    "xv": 15,
    "xvi": 16,
    "xvii": 17,
    "xviii": 18,
    "xix": 19,
    "xx": 20,
}
_ROMAN_LETTERS = {"i": 1, "v": 5, "x": 10}
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "erste": 1,
    "zweite": 2,
    "dritte": 3,
    "vierte": 4,
    "funfte": 5,
    "primera": 1,
    "segunda": 2,
    "tercera": 3,
    "cuarta": 4,
    "quinta": 5,
    "primeira": 1,
    "terceira": 3,
    "prima": 1,
    "seconda": 2,
    "terza": 3,
    "quarta": 4,
    "premiere": 1,
    "deuxieme": 2,
    "seconde": 2,
    "troisieme": 3,
    "quatrieme": 4,
    "cinquieme": 5,
    "первыи": 1,
    "второи": 2,
    "третии": 3,
}


def number_of(word: str) -> int | None:
    """Read digits, a number word or a roman number of several letters."""
    if word.isdecimal():
        return int(word) if len(word) < 3 else None
    return _WORDS.get(word, _ROMAN.get(word))


def is_spelled(word: str) -> bool:
    """Say whether a number is written as a word: "seven" is rather a part of the title than a sequel's number."""
    return word in _WORDS


def roman_letter(word: str) -> int | None:
    """Read a single letter as a roman number; whether it is one, its place must tell."""
    return _ROMAN_LETTERS.get(word)


def ordinal_of(word: str) -> int | None:
    """Read "second", "2nd", "2ª" as 2."""
    if word in _ORDINALS:
        return _ORDINALS[word]
    digits = word.rstrip("ndrstheao")
    return int(digits) if digits.isdecimal() and digits != word and len(digits) < 3 else None
