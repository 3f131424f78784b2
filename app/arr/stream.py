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

# In bytes; a movie or series has a few thousand.
MAX_ELEMENT_LENGTH = 4 * 1024 * 1024
_USUAL_LENGTH = 16 * 1024
_MOST_LOOKED_BACK, _MOST_BRACES = 256 * 1024, 500
_SPACE = re.compile(rb"[ \t\n\r]*")


class _Expect(Enum):
    ARRAY = auto()
    FIRST_ELEMENT = auto()
    ELEMENT = auto()
    SEPARATOR = auto()
    NOTHING = auto()


_AFTER = {
    (_Expect.ARRAY, b"["): _Expect.FIRST_ELEMENT,
    (_Expect.FIRST_ELEMENT, b"]"): _Expect.NOTHING,
    (_Expect.SEPARATOR, b","): _Expect.ELEMENT,
    (_Expect.SEPARATOR, b"]"): _Expect.NOTHING,
}


class ArrayDecoder:
    """Takes the bytes of one answer and gives its objects; whoever got past `close()` has seen the whole array.

    `source` names in errors who sends. Raises ArrNotAnArr where the text is no JSON from its first character on and
    ArrBadAnswer for all else that is not one array of objects, each at most MAX_ELEMENT_LENGTH bytes long.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._many = msgspec.json.Decoder(list[msgspec.Raw])
        self._expect = _Expect.ARRAY
        self._border = b""
        self._pieces: list[bytes] = []
        self._length = 0
        self._needed_length = len(codecs.BOM_UTF8)

    def feed(self, chunk: bytes) -> list[RawItem]:
        """Give the objects that are complete; some may come with a later chunk or with `close()` only."""
        self._receive(chunk, final=False)
        return self._drain(final=False) if self._length >= self._needed_length else []

    def close(self) -> list[RawItem]:
        """Give the rest. Raises ArrBadAnswer unless the array was closed and only white space followed."""
        self._receive(b"", final=True)
        rest = self._drain(final=True)
        if self._expect is not _Expect.NOTHING:
            raise self._bad("it broke off or is damaged")
        return rest

    def _receive(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._utf8.decode(chunk, final)
        except UnicodeDecodeError:
            # Not chained: it carries the bytes, whatever they are.
            raise self._bad("it is not UTF-8") from None
        self._pieces.append(chunk)
        self._length += len(chunk)

    def _drain(self, *, final: bool) -> list[RawItem]:
        text, at = b"".join(self._pieces), 0
        if self._expect is _Expect.ARRAY:
            text = text.removeprefix(codecs.BOM_UTF8)
        self._needed_length = 1
        objects: list[RawItem] = []
        one_by_one = False
        while (at := self._next_mark(text, at)) < len(text):
            if self._is_at_element(text, at):
                end = None if one_by_one else self._take_many(text, at, objects)
                if end is None:
                    if objects and not (one_by_one or final):
                        break  # the rest was not complete a moment ago
                    one_by_one = True
                    end = self._take_one(text, at, objects)
                if end is None:
                    break
                at = end
            else:
                self._take_mark(text[at : at + 1])
                at += 1
        self._pieces, self._length = [text[at:]], len(text) - at
        return objects

    def _is_at_element(self, text: bytes, at: int) -> bool:
        if self._expect is _Expect.FIRST_ELEMENT:
            return not text.startswith(b"]", at)
        return self._expect is _Expect.ELEMENT

    def _next_mark(self, text: bytes, at: int) -> int:
        """Skip white space, and at once the comma between two elements where there is none."""
        if self._expect is _Expect.SEPARATOR and text.startswith(b",{", at):
            self._expect = _Expect.ELEMENT
            return at + 1
        return _skip_space(text, at)

    def _take_mark(self, mark: bytes) -> None:
        following = _AFTER.get((self._expect, mark))
        if following is not None:
            self._expect = following
        elif self._expect is _Expect.ARRAY and mark == b"{":
            raise self._bad("it is a single object")
        elif self._expect is _Expect.ARRAY:
            message = f"What answers as {self._source} sends no JSON: check the address, its port and path."
            raise ArrNotAnArr(message)
        else:
            raise self._bad("something else stands between or after its elements")

    def _take_many(self, text: bytes, start: int, objects: list[RawItem]) -> int | None:
        """Append all objects up to the last that seems to be complete and give its end; None where that is not clear.

        What a closing bracket makes an array is whole elements, so a wrong guess shows; then they are taken one by one.
        """
        for end in (self._end_by_border(text, start), _end_by_braces(text, start)):
            elements = self._elements(text[start:end]) if end > start else None
            if elements is not None:
                objects += elements
                self._border = self._border or _border(text, start, len(elements[0].text))
                self._expect = _Expect.SEPARATOR
                return end
        return None

    def _elements(self, text: bytes) -> list[RawItem] | None:
        try:
            elements = [bytes(element) for element in self._many.decode(b"[%b]" % text)]
            if not all(element.startswith(b"{") and len(element) <= MAX_ELEMENT_LENGTH for element in elements):
                return None
            return [raw_item(element) for element in elements]
        except (msgspec.DecodeError, *JsonFault):
            return None

    def _end_by_border(self, text: bytes, start: int) -> int:
        """Guess where the last complete object ends, by what stood between the first two; 0: nothing like it here."""
        return text.rfind(self._border, start) + 1 if self._border else 0

    def _take_one(self, text: bytes, start: int, objects: list[RawItem]) -> int | None:
        """Append one object and give its end; None where it is not complete yet."""
        if not text.startswith(b"{", start):
            raise self._bad("one of its elements is no object")
        try:
            element = self._one(text, start)
            item = raw_item(element)
        except json.JSONDecodeError as fault:
            self._wait_for_more(len(text) - start, fault)
            return None
        except JsonFault as fault:
            raise self._bad("one of its elements cannot be read") from fault
        if len(element) > MAX_ELEMENT_LENGTH:
            raise self._bad("one of its elements is too large")
        objects.append(item)
        self._expect = _Expect.SEPARATOR
        return start + len(element)

    def _one(self, text: bytes, start: int) -> bytes:
        """Give the object that begins here. Raises JSONDecodeError where it is damaged or not complete."""
        try:
            return self._beginning(text[start : start + _USUAL_LENGTH])
        except json.JSONDecodeError:
            return self._beginning(text[start:])

    def _beginning(self, text: bytes) -> bytes:
        readable, _ = codecs.utf_8_decode(text, "strict", False)  # noqa: FBT003 - it may end within a character
        _, length = self._json.raw_decode(readable)
        return readable[:length].encode()

    def _wait_for_more(self, length: int, fault: json.JSONDecodeError) -> None:
        """Try again only once the element has doubled: decoding anew at each chunk would take quadratic time."""
        if length > MAX_ELEMENT_LENGTH:
            raise self._bad("one of its elements is too large or damaged") from fault
        self._needed_length = min(2 * length, MAX_ELEMENT_LENGTH + 1)

    def _bad(self, why: str) -> ArrBadAnswer:
        return ArrBadAnswer(f"{self._source} gave no complete list, {why}: try again, or look into its log.")


def _border(text: bytes, start: int, length: int) -> bytes:
    """Give what stands between an object and the next, up to the first key, by which lists within them differ."""
    return text[start + length - 1 : text.find(b":", start + length) + 1]


def _end_by_braces(text: bytes, start: int) -> int:
    """Guess where the last complete object ends, by the braces alone; 0: none does.

    Many braces in a text mislead it; it gives up soon, so that an element of braces takes linear time.
    """
    depth = text.count(b"{", start) - text.count(b"}", start)
    at, start = len(text), max(start, len(text) - _MOST_LOOKED_BACK)
    for _ in range(_MOST_BRACES):
        if not depth:
            return text.rfind(b"}", start, at) + 1
        opening, closing = text.rfind(b"{", start, at), text.rfind(b"}", start, at)
        at = max(opening, closing)
        if at < 0:
            break
        depth += 1 if at == closing else -1
    return 0


def _skip_space(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
