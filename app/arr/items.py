"""Reads the JSON of an Arr's items, fast enough for a list of tens of thousands."""

from __future__ import annotations

import json
import re
from typing import Any, Generic, TypeVar

import msgspec

from app.arr.faults import JsonFault, unreadable_item
from app.context import RawItem
from schemas.arr.item import ItemStruct
from schemas.base import ArrType
from schemas.text import clean

ItemT = TypeVar("ItemT", bound=ItemStruct)
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class _Labels(msgspec.Struct):
    """What names an item, of whatever kind the values are."""

    id: Any = None
    title: Any = None


_labels = msgspec.json.Decoder(_Labels)


def raw_item(text: bytes) -> RawItem:
    """Take the JSON of an object as an item. Raises ValueError and RecursionError for what no JSON reader takes."""
    try:
        labels = _labels.decode(text)
    except msgspec.DecodeError:
        found = json.loads(text)
        return RawItem(text, found.get("id"), found.get("title"))
    return RawItem(text, labels.id, labels.title)


class ItemReader(Generic[ItemT]):
    """Reads items of one app."""

    def __init__(self, arr_type: ArrType, item_type: type[ItemT]) -> None:
        self._arr_type = arr_type
        self._item_type = item_type
        self._decoder = msgspec.json.Decoder(item_type)

    def read(self, raw: RawItem) -> ItemT:
        """Read an item, its texts fit for Postgres. Raises ArrItemError that names the item and the field at fault."""
        try:
            # A text may hold NUL and lone surrogates only where it is escaped, which the Arrs hardly ever do.
            if b"\\" not in raw.text or b"\\u" not in raw.text:  # one byte is found faster than two
                return self._decoder.decode(raw.text)
            return msgspec.convert(_cleaned(json.loads(raw.text)), self._item_type)
        except (msgspec.DecodeError, *JsonFault) as fault:
            raise unreadable_item(self._arr_type, raw, _said(fault)) from fault


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {name: _cleaned(one) for name, one in value.items()}
    return value


def _said(fault: Exception) -> str:
    """Give the words, which quote no value, with the field first."""
    said = str(fault)
    place = _PLACE.search(said)
    return f"{place[1]} ({said[: place.start()]})" if place else said
