"""Texts as comparable words: case, accents, apostrophes, stylised letters and the kind of numeral do not matter."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from app.domain.matching.numerals import number_of, roman_letter

_LONGEST = 500  # YouTube ends a title at 100; the work grows with the square
_LATIN_EXTRAS = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"})
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'"})
_ACCENTS = re.compile("[\u0300-\u036f\u200b-\u200f\ufe0e\ufe0f]")
# Marks of Indic, Thai, Arabic and kana writing belong to the word, but are no letters for \w.
_MARKS = "\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd\u1000-\u109f\u17b4-\u17d3\u3099\u309a"
_PIECE = re.compile(rf"(?P<word>(?:[^\W_]|[{_MARKS}])(?:[^\W_]|['{_MARKS}])*)|(?P<other>[^\s\w]|_)|(?P<space>\s+)")
_EAST_ASIAN = "\u3040-\u30ff\u3099\u309a\u3400-\u9fff\u1100-\u11ff\uac00-\ud7af"
_BESIDE_LATIN = re.compile(f"(?<=[{_EAST_ASIAN}])(?=[0-9a-z])|(?<=[0-9a-z])(?=[{_EAST_ASIAN}])")
# East Asian and Thai texts are written without spaces: what is known to be no part of a title is set apart.
_UNSPACED = re.compile(
    "アニメ|テレビ|メイン|デジタル|リマスター|劇場版|剧场版|映画|电影|電影|영화|ภาพยนตร์|本予告|予告編|予告片|預告片|预告片|预告|預告|予告|특별예고편|예고편|티저|特報|先导|先導|"
    "ตัวอย่าง|正式|公式|官方|공식|메인|最终|最終|終極|终极|主題歌|主题曲|本編|片段|花絮|解说|影评|完整版|修復版|修复版|全片|"
    "シーズン|시즌|リアクション|レビュー|メイキング|메이킹|리액션|리뷰|클립|비하인드|인터뷰|インタビュー"
)
_OPENING, _CLOSING = frozenset("([{【「『《〈<（［"), frozenset(")]}】」』》〉>）］")
_QUOTES = frozenset('"“”„«»')
_ALWAYS_APART = frozenset("|–—―•:;,/~#¦‖｜：、！") | _OPENING | _CLOSING | _QUOTES
_WITHIN_WORDS = frozenset("/")
_APART_WITH_SPACE = frozenset("-·・+=*►▶→")
_STYLISED = re.compile(r"(?<=[^\W\d])[013457](?=[^\W\d])")
_EPISODE = re.compile(r"s\d+e\d+")
_LETTERS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "v"}
_AND = frozenset({"and", "und", "et", "og", "och", "и", "y"})
_BEFORE_NUMBERS = frozenset(
    {"part", "chapter", "vol", "volume", "teil", "parte", "partie", "chapitre", "capitulo", "часть"}
)
_BEFORE_LETTERS = frozenset({"season", "series", "episode", "staffel", "saison", "temporada", "stagione"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a title, with numerals as digits, and raw; `apart`: a separator stands before it.

    `numbered`: it follows a #; `part`: the word "part" stood before it; `possessive`: it ends in 's.
    """

    text: str
    raw: str
    apart: bool = False
    bracketed: bool = False
    quoted: bool = False
    numbered: bool = False
    possessive: bool = False
    part: bool = False

    @property
    def owner(self) -> str:
        """The name that stands in the genitive, else the word itself."""
        return self.raw[:-1] if self.possessive and self.raw.endswith("s") else self.raw


def words_of(text: str) -> tuple[Word, ...]:
    """Split a text into words, and keep how they stood: behind a separator, in brackets, in quotes, after a #."""
    return tuple(_with_numbers(_split(fold(text))))


def fold(text: str) -> str:
    """Take case, accents and typographic variants out of a text."""
    plain = text[:_LONGEST].translate(_APOSTROPHES).replace("&", " and ")
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain).replace("\u2044", "/")).casefold()
    plain = unicodedata.normalize("NFC", plain.translate(_LATIN_EXTRAS))
    return plain if plain.isascii() else _BESIDE_LATIN.sub(" ", _UNSPACED.sub(r" \g<0> ", plain))


def _split(text: str) -> list[Word]:
    words: list[Word] = []
    depth, quoted, apart, numbered, spaced = 0, False, False, False, True
    for piece in _PIECE.finditer(text):
        if raw := piece["word"]:
            bare = raw.replace("'", "")
            possessive = raw.endswith(("'s", "s'"))
            plain = _plain_letters(bare)
            words.append(Word(plain, plain, apart, depth > 0, quoted, numbered, possessive))
            apart = numbered = spaced = False
        elif sign := piece["other"]:
            depth = max(0, depth + (sign in _OPENING) - (sign in _CLOSING))
            quoted = quoted != (sign in _QUOTES)
            apart = apart or _sets_apart(sign, text, piece.end(), spaced=spaced)
            numbered = sign == "#"
            spaced = False
        else:
            spaced = True
    return words


def _sets_apart(sign: str, text: str, end: int, *, spaced: bool) -> bool:
    if sign in _WITHIN_WORDS or sign in _APART_WITH_SPACE:
        return spaced or text[end : end + 1].isspace()
    return sign in _ALWAYS_APART


def _plain_letters(word: str) -> str:
    """Read `se7en` as "seven", but not `s1e2`."""
    return word if _EPISODE.fullmatch(word) else _STYLISED.sub(lambda digit: _LETTERS[digit[0]], word)


def _with_numbers(words: list[Word]) -> list[Word]:
    """Write numerals in digits, `part two` as a bare 2, and every "and" in the same way."""
    result: list[Word] = []
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else None
        number = number_of(word.text)
        if number is None and index and (following is None or following.apart or _before_roman(words, index - 1)):
            number = roman_letter(word.text)
        if number is not None:
            if result and _before_number(words, index - 1):
                dropped = result.pop()
                word = replace(word, apart=dropped.apart, part=True)  # noqa: PLW2901 - the word, read on
            result.append(replace(word, text=str(number)))
        elif word.text in _AND and index and following is not None:
            result.append(replace(word, text="and"))
        elif word.text in {"vs", "versus"}:
            result.append(replace(word, text="v"))
        else:
            result.append(word)
    return result


def _before_roman(words: list[Word], index: int) -> bool:
    return words[index].text in _BEFORE_LETTERS or _before_number(words, index)


def _before_number(words: list[Word], index: int) -> bool:
    return index > 0 and words[index].text in _BEFORE_NUMBERS
