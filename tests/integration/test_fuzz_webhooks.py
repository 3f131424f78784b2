"""Whatever bytes come to the door: never a 5xx, and every JSON object with the right password is kept as it came."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import Bench
from tests.integration.lines import EVENT, door, request, status_of
from tests.integration.serving import serving

PAYLOADS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "payloads" / "radarr").glob("*.json"))]
fuzz = settings(
    max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
at_once = settings(fuzz, max_examples=15)


@dataclass(frozen=True)
class Door:
    """The service, the right password, and what was stored."""

    bench: Bench
    client: httpx.AsyncClient
    password: str

    async def knock(self, body: bytes, **headers: str) -> int:
        """Bring a body with the right password; give the status, and check that the answer is well formed."""
        all_headers = {"X-Webhook-Token": self.password, **headers}
        answer = await self.client.post("/webhooks/radarr", content=body, headers=all_headers)
        assert "event_id" in answer.json() or answer.json()["error"]["code"] == "validation"
        return answer.status_code

    async def send(self, sent: bytes) -> int:
        """Send a whole request as bytes and give the answer's status."""
        return await status_of(self.client, sent)

    async def stored(self) -> list[Any]:
        """Take out what was stored since the last call."""
        rows = await self.bench.rows("WITH gone AS (DELETE FROM event RETURNING payload) SELECT payload FROM gone")
        return [row[0] for row in rows]


@pytest.fixture
async def at_door(bench: Bench) -> AsyncIterator[Door]:
    password = await door(bench)
    async with serving(bench.deps) as client:
        yield Door(bench, client, password)


@pytest.fixture(autouse=True)
def _no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


def _object(members: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{key} : {value}" for key, value in members) + "}"


def _nested(depth: int, inner: str) -> str:
    return '[{"a":' * depth + inner + "}]" * depth


blank = st.text(" \t\r\n", max_size=3)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,6})?", fullmatch=True)
escapes = st.sampled_from(['"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\/"', '""'])
texts = st.one_of(st.text().map(json.dumps), st.text().map(lambda text: json.dumps(text, ensure_ascii=False)), escapes)
scalars = st.one_of(numbers, texts, st.sampled_from(["true", "false", "null", "{}", "[]", "1e999", "-0"]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(texts, inner), max_size=4).map(_object),
        st.tuples(st.integers(1, 2000), inner).map(lambda pair: _nested(*pair)),
    ),
    max_leaves=12,
)
ids = st.one_of(st.integers(-(2**70), 2**70).map(str), st.integers(2**31 - 2, 2**31 + 1).map(str), numbers, values)
movies = st.one_of(values, ids.map(lambda number: _object([('"id"', number)])))
types = st.one_of(values, texts, st.sampled_from(['"Download"', '"Test"', '"a\\u0000"']))
members = st.one_of(
    st.tuples(st.just('"eventType"'), types), st.tuples(st.just('"movie"'), movies), st.tuples(texts, values)
)
event_like = st.tuples(st.tuples(st.just('"eventType"'), types), st.tuples(st.just('"movie"'), movies))
objects = st.tuples(blank, event_like, st.lists(members, max_size=6), blank).map(
    lambda parts: (parts[0] + _object([*parts[1], *parts[2]]) + parts[3]).encode("utf-8", "surrogatepass")
)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


@fuzz
@given(body=objects.filter(_is_utf8))
@example(body=b'{"eventType": "Test", "eventType": "Download", "movie": {"id": 1}, "movie": {"id": 2147483647}}')
@example(body=b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
@example(body=b'{"eventType": "Download", "movie": {"id": ' + b"9" * 5000 + b"}}")
@example(body=b'{"eventType": "\\ud800", "movie": {"id": 7}}')
@example(body=b" {\n} ")
async def test_every_object_is_taken_and_kept_byte_for_byte(at_door: Door, body: bytes) -> None:
    assert await at_door.knock(body) in {200, 202}
    assert await at_door.stored() == [body]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real payload with pieces cut out, doubled, or replaced."""
    body = draw(st.sampled_from(PAYLOADS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        body = body[:start] + draw(st.binary(max_size=6)) + body[end:]
    return body


awkward = st.one_of(
    damaged(),
    st.binary(max_size=300),
    values.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(PAYLOADS).map(lambda body: b"\xef\xbb\xbf" + body),
    st.sampled_from(PAYLOADS).map(lambda body: body.decode().encode("utf-16")),
    st.integers(1, 100_000).map(lambda depth: b"[" * depth),
    st.integers(1, 100_000).map(lambda depth: b'{"a":' * depth),
    st.integers(1, 50_000).map(lambda length: b'{"a": "' + b"\\" * length),
)


@fuzz
@given(body=awkward)
async def test_any_bytes_are_stored_as_they_are_or_refused_as_a_whole(at_door: Door, body: bytes) -> None:
    status = await at_door.knock(body)
    assert status in {200, 202, 422}
    assert await at_door.stored() == ([] if status == 422 else [body])
    if status == 422:
        with pytest.raises((ValueError, RecursionError)):
            assert isinstance(_strict(body), dict) or _raise()


def _strict(body: bytes) -> object:
    """Read JSON as the standard library does, without its extensions."""

    def refuse(name: str) -> object:
        raise ValueError(name)

    parsed: object = json.loads(body.decode("utf-8"), parse_constant=refuse)
    return parsed


def _raise() -> bool:
    message = "no object"
    raise ValueError(message)


@fuzz
@given(content_type=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
async def test_the_content_type_says_nothing(at_door: Door, content_type: str) -> None:
    assert await at_door.knock(EVENT, **{"Content-Type": content_type}) == 202


names = st.sampled_from(
    [
        *(
            "Authorization",
            "X-Webhook-Token",
            "Content-Type",
            "Content-Encoding",
            "Accept",
            "Accept-Encoding",
            "Cookie",
        ),
        *("Host", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Proto", "Range", "Origin", "TE", "Expect", "Prefer"),
    ]
)
header_bytes = st.one_of(
    st.binary(max_size=60).map(lambda value: b"Basic " + value),
    st.binary(max_size=200),
    st.just(b"Basic " + b"A" * 9999),
).map(lambda value: value.translate(None, bytes({*range(9), *range(10, 32), 127})).decode("latin-1"))
header_lists = st.lists(st.tuples(names, header_bytes).map(": ".join), max_size=8)


@at_once
@given(requests=st.lists(header_lists, min_size=20, max_size=20))
async def test_no_header_breaks_the_door(at_door: Door, requests: list[list[str]]) -> None:
    statuses = await asyncio.gather(*(at_door.send(request("wrong", *headers)) for headers in requests))
    assert set(statuses) == {401}
    assert await at_door.stored() == []


methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
slugs = st.one_of(
    st.binary(max_size=60).map(quote_from_bytes),
    st.binary(max_size=60).map(lambda slug: slug.translate(None, b" \r\n\t\0?#").decode("latin-1")),
    st.sampled_from(["radarr", "radarr/", "..", ".", "%2e%2e/healthz", "a" * 9000]),
)


@at_once
@given(addresses=st.lists(st.tuples(methods, slugs), min_size=20, max_size=20))
async def test_no_address_breaks_the_door(at_door: Door, addresses: list[tuple[str, str]]) -> None:
    lines = [f"{method} /webhooks/{slug} HTTP/1.1" for method, slug in addresses]
    statuses = await asyncio.gather(*(at_door.send(request("wrong", line=line)) for line in lines))
    assert set(statuses) <= {400, 401, 404, 405}
    assert await at_door.stored() == []


@fuzz
@given(body=st.sampled_from(PAYLOADS), cuts=st.lists(st.integers(0, 3000), max_size=20))
async def test_chunks_make_one_body(at_door: Door, body: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})
    pieces = [body[start:end] for start, end in itertools.pairwise(places)]
    chunks = b"".join(b"%X;name=value\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\n"
    assert await at_door.send(request(at_door.password, "Transfer-Encoding: chunked", body=chunks)) in {200, 202}
    assert await at_door.stored() == [body]
