"""Webhook bodies: which are events, which item they name, and which are only acknowledged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import ArrType, EventAction
from schemas.webhooks import NotAnEvent, parse_event
from schemas.webhooks.json_text import is_object

R = ArrType.RADARR


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("arr_type", "document", "arr_id"),
    [
        (R, {"eventType": "Download", "movie": {"id": 7}}, 7),
        (R, {"eventType": "SomethingNew", "movie": {"id": 1}}, 1),
        (ArrType.SONARR, {"eventType": "Download", "series": {"id": 2**31 - 1}, "episodeFiles": []}, 2**31 - 1),
    ],
)
def test_an_event_with_an_item_asks_for_a_sync(arr_type: ArrType, document: Any, arr_id: int) -> None:
    event = parse_event(arr_type, body(document))
    assert (event.event_type, event.arr_id, event.action) == (document["eventType"], arr_id, EventAction.SYNC)


@pytest.mark.parametrize(
    "item_id",
    [b"0", b"-1", b"2147483648", b"true", b"false", b'"7"', b"7.0", b"null", b"[]", b"{}", b"1e400", b"9" * 400],
)
def test_an_unusable_item_id_is_only_acknowledged(item_id: bytes) -> None:
    event = parse_event(R, b'{"eventType": "Download", "movie": {"id": %s}}' % item_id)
    assert (event.arr_id, event.action) == (None, EventAction.IGNORED)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"eventType": None, "movie": {"id": 7}},
        {"eventType": 5, "movie": {"id": 7}},
        {"eventType": "", "movie": {"id": 7}},
        {"eventType": "a\x00b", "movie": {"id": 7}},
        {"eventType": "x" * 101, "movie": {"id": 7}},
        {"eventType": "Download", "movie": 7},
        {"eventType": "Download", "movie": [{"id": 7}]},
        {"eventType": "Download", "series": {"id": 7}},
        {"eventType": "Health", "level": "warning"},
    ],
)
def test_what_names_no_item_of_this_app_is_only_acknowledged(document: Any) -> None:
    event = parse_event(R, body(document))
    assert (event.arr_id, event.action) == (None, EventAction.IGNORED)


def test_a_test_never_names_its_item() -> None:
    event = parse_event(R, body({"eventType": "Test", "movie": {"id": 1}}))
    assert (event.arr_id, event.action) == (None, EventAction.TEST)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", id="deep"),
        pytest.param(b'{"eventType": "\\ud800", "movie": {"id": 7}}', id="lone surrogate"),
        pytest.param(b'{"movie": {"id": 7}, "n": %s}' % (b"9" * 6000), id="long number"),
    ],
)
def test_an_object_that_parsers_refuse_is_acknowledged(raw: bytes) -> None:
    assert parse_event(R, raw).action is EventAction.IGNORED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": "\x00"}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a":' + b"[" * 5000 + b"]" * 4999 + b"}",
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_anything_else_is_no_event(raw: bytes) -> None:
    with pytest.raises(NotAnEvent):
        parse_event(R, raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.integers(min_value=0, max_value=3))
def test_the_slow_check_takes_every_object(document: dict[str, Any], indent: int) -> None:
    assert is_object(
        json.dumps(document, indent=indent or None, ensure_ascii=bool(indent % 2)).encode("utf-8", "replace")
    )


@given(st.text(alphabet='{}[]",:\\ 01-.eEtruefalsn\n', max_size=40))
def test_the_slow_check_agrees_with_the_standard_library(text: str) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        expected = isinstance(json.loads(text, parse_constant=refuse), dict)
    except ValueError:
        expected = False
    assert is_object(text.encode()) is expected


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(raw: bytes) -> None:
    try:
        parse_event(R, raw)
    except NotAnEvent:
        return
    assert is_object(raw)
