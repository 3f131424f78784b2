"""Decodes a JSON array of objects piece by piece, in bounded memory and linear time."""

from __future__ import annotations

import codecs
import json
import re
from enum import Enum, auto

import msgspec

from app.arr.faults import JsonFault
from app.arr.items import raw_item
from app.context import RawItem
from app.errors import ArrBadAnswer, ArrNotAnArr

# In characters; a movie or series has a few thousand.
MAX_ELEMENT_LENGTH = 4 * 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")


class _Expect(Enum):
    ARRAY = auto()
    FIRST_ELEMENT = auto()
    ELEMENT = auto()
    SEPARATOR = auto()
    NOTHING = auto()


_AFTER = {
    (_Expect.ARRAY, "["): _Expect.FIRST_ELEMENT,
    (_Expect.FIRST_ELEMENT, "]"): _Expect.NOTHING,
    (_Expect.SEPARATOR, ","): _Expect.ELEMENT,
    (_Expect.SEPARATOR, "]"): _Expect.NOTHING,
}


class ArrayDecoder:
    """Takes the bytes of one answer and gives its objects; whoever got past `close()` has seen the whole array.

    `source` names in errors who sends. Raises ArrNotAnArr where the text is no JSON from its first character on and
    ArrBadAnswer for all else that is not one array of objects, each at most MAX_ELEMENT_LENGTH characters long.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._many = msgspec.json.Decoder(list[msgspec.Raw])
        self._expect = _Expect.ARRAY
        self._pieces: list[str] = []
        self._length = 0
        self._needed_length = 1

    def feed(self, chunk: bytes) -> list[RawItem]:
        """Give the objects that are complete; some may come with a later chunk or with `close()` only."""
        self._receive(chunk, final=False)
        return self._drain() if self._length >= self._needed_length else []

    def close(self) -> list[RawItem]:
        """Give the rest. Raises ArrBadAnswer unless the array was closed and only white space followed."""
        self._receive(b"", final=True)
        rest = self._drain()
        if self._expect is not _Expect.NOTHING:
            raise self._bad("it broke off or is damaged")
        return rest

    def _receive(self, chunk: bytes, *, final: bool) -> None:
        try:
            text = self._utf8.decode(chunk, final)
        except UnicodeDecodeError:
            # Not chained: it carries the bytes, whatever they are.
            raise self._bad("it is not UTF-8") from None
        self._pieces.append(text)
        self._length += len(text)

    def _drain(self) -> list[RawItem]:
        text, at = "".join(self._pieces), 0
        self._needed_length = 1
        objects: list[RawItem] = []
        tried_many = False
        while (at := self._next_mark(text, at)) < len(text):
            if self._expect is _Expect.ELEMENT or (self._expect is _Expect.FIRST_ELEMENT and text[at] != "]"):
                end = None if tried_many else self._take_many(text, at, objects)
                tried_many = True
                end = end or self._take_one(text, at, objects)
                if end is None:
                    break
                at = end
            else:
                self._take_mark(text[at])
                at += 1
        self._pieces, self._length = [text[at:]], len(text) - at
        return objects

    def _next_mark(self, text: str, at: int) -> int:
        """Skip white space, and at once the comma between two elements where there is none."""
        if self._expect is _Expect.SEPARATOR and text.startswith(",{", at):
            self._expect = _Expect.ELEMENT
            return at + 1
        return _skip_space(text, at)

    def _take_mark(self, mark: str) -> None:
        following = _AFTER.get((self._expect, mark))
        if following is not None:
            self._expect = following
        elif self._expect is _Expect.ARRAY and mark == "{":
            raise self._bad("it is a single object")
        elif self._expect is _Expect.ARRAY:
            message = f"What answers as {self._source} sends no JSON: check the address, its port and path."
            raise ArrNotAnArr(message)
        else:
            raise self._bad("something else stands between or after its elements")

    def _take_many(self, text: str, start: int, objects: list[RawItem]) -> int | None:
        """Append all objects up to the last that seems to be complete and give its end; None where that is not clear.

        What a closing bracket makes an array is whole elements, so a wrong guess shows; then they are taken one by one.
        """
        end = _last_end(text, start)
        if end is None:
            return None
        try:
            elements = [bytes(element) for element in self._many.decode(f"[{text[start:end]}]")]
            if not all(element.startswith(b"{") and len(element) <= MAX_ELEMENT_LENGTH for element in elements):
                return None
            objects.extend([raw_item(element) for element in elements])
        except (msgspec.DecodeError, *JsonFault):
            return None
        self._expect = _Expect.SEPARATOR
        return end

    def _take_one(self, text: str, start: int, objects: list[RawItem]) -> int | None:
        """Append one object and give its end; None where it is not complete yet."""
        if text[start] != "{":
            raise self._bad("one of its elements is no object")
        try:
            _, end = self._json.raw_decode(text, start)
        except json.JSONDecodeError as fault:
            self._wait_for_more(len(text) - start, fault)
            return None
        except (ValueError, RecursionError) as fault:
            raise self._bad("one of its elements cannot be read") from fault
        if end - start > MAX_ELEMENT_LENGTH:
            raise self._bad("one of its elements is too large")
        objects.append(raw_item(text[start:end].encode()))
        self._expect = _Expect.SEPARATOR
        return end

    def _wait_for_more(self, length: int, fault: json.JSONDecodeError) -> None:
        """Try again only once the element has doubled: decoding anew at each chunk would take quadratic time."""
        if length > MAX_ELEMENT_LENGTH:
            raise self._bad("one of its elements is too large or damaged") from fault
        self._needed_length = min(2 * length, MAX_ELEMENT_LENGTH + 1)

    def _bad(self, why: str) -> ArrBadAnswer:
        return ArrBadAnswer(f"{self._source} gave no complete list, {why}: try again, or look into its log.")


def _last_end(text: str, start: int) -> int | None:
    """Guess where the last complete object ends, by the braces alone, which may stand in texts too."""
    depth = text.count("{", start) - text.count("}", start)
    at = len(text)
    while depth:
        opening, closing = text.rfind("{", start, at), text.rfind("}", start, at)
        at = max(opening, closing)
        if at < 0:
            return None
        depth += 1 if at == closing else -1
    end = text.rfind("}", start, at) + 1
    return end if end > start else None


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
