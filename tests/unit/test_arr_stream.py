"""The incremental decoder of JSON arrays: any cut gives the same objects, anything incomplete is an error."""

from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.arr.stream import MAX_ELEMENT_LENGTH, ArrayDecoder
from app.errors import ArrBadAnswer, ArrConnectionError, ArrNotAnArr

Objects = list[dict[str, object]]
# The machine may be busy, and the first text of a run builds hypothesis' tables.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_objects = st.lists(st.dictionaries(st.text(), _values, max_size=4), max_size=6)


def decode(pieces: list[bytes]) -> Objects:
    decoder = ArrayDecoder("Radarr at http://radarr")
    found = [item for piece in pieces for item in decoder.feed(piece)] + decoder.close()
    objects = [json.loads(item.text) for item in found]
    assert [(one.get("id"), one.get("title")) for one in objects] == [(item.id, item.title) for item in found]
    return objects


def feed_all(decoder: ArrayDecoder, pieces: Iterable[bytes]) -> int:
    return sum(len(decoder.feed(piece)) for piece in pieces)


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders)]


_movies = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.text() | st.just('},{"title":'),
            "alternateTitles": st.lists(st.fixed_dictionaries({"title": st.text()}), max_size=3),
            "id": st.integers(),
        },
        optional={"overview": st.just("\ud800") | st.floats(allow_nan=False), "title ": st.none()},
    ),
    max_size=40,
)


@patient
@given(objects=_movies, size=st.integers(1, 400))
def test_elements_that_look_alike_are_told_apart(objects: Objects, size: int) -> None:
    body = json.dumps(objects, separators=(",", ":")).encode()
    assert decode([body[start : start + size] for start in range(0, len(body), size)]) == objects


@patient
@given(_objects, st.booleans(), st.sampled_from([None, 2]), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_list_in_any_pieces_comes_out_equal(
    objects: Objects, ascii_only: bool, indent: int | None, places: list[int]
) -> None:
    data = json.dumps(objects, ensure_ascii=ascii_only, indent=indent).encode()
    assert decode(cut_at(data, places)) == objects


@patient
@given(_objects)
def test_byte_by_byte(objects: Objects) -> None:
    data = json.dumps(objects, ensure_ascii=False).encode()
    assert decode([data[at : at + 1] for at in range(len(data))]) == objects


@patient
@given(_objects, st.booleans(), st.integers(min_value=0), st.lists(st.integers(0, 10_000), max_size=6))
def test_any_truncation_raises(objects: Objects, ascii_only: bool, length: int, places: list[int]) -> None:
    data = json.dumps(objects, ensure_ascii=ascii_only).encode()
    with pytest.raises(ArrBadAnswer):
        decode(cut_at(data[: length % len(data)], places))


@patient
@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=4))
def test_arbitrary_bytes_give_objects_or_an_error_of_the_tree(data: bytes, places: list[int]) -> None:
    try:
        decode(cut_at(data, places))
    except ArrConnectionError:
        return
    assert isinstance(json.loads(data.decode("utf-8-sig")), list)


@pytest.mark.parametrize(
    "text",
    [
        '[{"id":1},]',
        "[,]",
        '[,{"id":1}]',
        '[{"id":1}{"id":2}]',
        '[{"id":1},,{"id":2}]',
        '[{"id":1}]]',
        '[{"id":1}] x',
        '[{"id":1}][]',
        '[{"id":1}',
        '[{"id":1},',
        "[",
        "",
        "   ",
        "[1]",
        "[null]",
        '["a"]',
        "[[]]",
        '[{"id":1},2]',
        '[{"id":01}]',
        "[{'id':1}]",
        '[{"id":tru}]',
        '{"message":"database is locked","description":"at NzbDrone"}',
        "{",
        '[{"a":' + "[" * 200_000 + "]" * 200_000 + "}]",
    ],
)
def test_what_is_no_whole_array_of_objects_is_a_bad_answer(text: str) -> None:
    with pytest.raises(ArrBadAnswer, match=r"^Radarr at http://radarr gave no complete list, "):
        decode([text.encode()])


@pytest.mark.parametrize("data", [b'[{"a":"\xff"}]', b'[{"a":1}]\xc3', b"[\x00]"])
def test_damaged_bytes_are_a_bad_answer(data: bytes) -> None:
    with pytest.raises(ArrBadAnswer):
        decode([data])


@pytest.mark.parametrize("text", ["<html></html>", "  <!doctype html>", "Bad Gateway", "null", '"text"'])
def test_text_that_is_no_json_is_another_application(text: str) -> None:
    with pytest.raises(ArrNotAnArr, match="sends no JSON"):
        decode([text.encode()])


@pytest.mark.parametrize("text", ["[]", " [ ] \r\n\t", "\ufeff[]"])
def test_an_empty_array_is_complete(text: str) -> None:
    assert decode([text.encode()]) == []


@pytest.mark.parametrize("text", ["{" * 400_000, "}" * 400_000, "{}" * 200_000, '{\\"id\\":' * 50_000])
def test_braces_in_a_text_take_linear_time(text: str) -> None:
    data = f'[{{"id":1}},{{"id":2,"overview":"{text}"}},{{"id":3}}]'.encode()
    started = time.process_time()
    assert len(decode([data[at : at + 65536] for at in range(0, len(data), 65536)])) == 3
    assert time.process_time() - started < 2


def test_what_nobody_reads_does_not_matter() -> None:
    (item,) = ArrayDecoder("Radarr at http://radarr").feed(b'[{"a":' + b"9" * 5000 + b',"id":1}]')
    assert item.id == 1


def test_objects_come_before_the_array_is_closed() -> None:
    decoder = ArrayDecoder("Radarr at http://radarr")
    assert [item.text for item in decoder.feed(b'[{"id":1},{"id":2},{"i')] == [b'{"id":1}', b'{"id":2}']
    assert [item.text for item in decoder.feed(b'd":3}')] == [b'{"id":3}']


def test_an_element_may_be_as_long_as_the_limit_and_no_longer() -> None:
    shell = len('{"a":""}')
    fits = '{"a":"' + "x" * (MAX_ELEMENT_LENGTH - shell) + '"}'
    assert len(decode([b"[", fits.encode(), b"]"])) == 1
    too_long = fits.replace("x", "xx", 1)
    with pytest.raises(ArrBadAnswer, match="too large"):
        decode([b"[", too_long.encode(), b"]"])


def test_an_endless_element_is_given_up_in_bounded_memory() -> None:
    decoder = ArrayDecoder("Radarr at http://radarr")
    tracemalloc.start()
    try:
        with pytest.raises(ArrBadAnswer, match="too large"):
            feed_all(decoder, itertools.chain([b'[{"a":"'], itertools.repeat(b"x" * 65536, 1000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * MAX_ELEMENT_LENGTH


def test_a_big_element_in_small_pieces_takes_linear_time() -> None:
    data = json.dumps([{"a": ["tag"] * 400_000}]).encode()
    pieces = [data[at : at + 512] for at in range(0, len(data), 512)]
    started = time.process_time()
    assert len(decode(pieces)) == 1
    # Decoding anew at each of the 6,000 pieces takes minutes.
    assert time.process_time() - started < 2


def test_a_long_list_keeps_memory_small() -> None:
    element = json.dumps({"title": "x" * 5000}).encode()
    decoder = ArrayDecoder("Radarr at http://radarr")
    tracemalloc.start()
    try:
        seen = feed_all(decoder, itertools.chain([b"[" + element], itertools.repeat(b"," + element, 2000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen >= 1990
    assert peak < 1_000_000
