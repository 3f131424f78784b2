"""Clients that are slow, endless, rude or wrong: each ends soon, and none of them delays a right webhook."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Statements, Transactions
from app.errors import NotFound, Unauthorized, Unavailable
from app.pipeline.doors import Doors
from tests.integration.conftest import Bench
from tests.integration.lines import EVENT, PATIENCE, Line, door, line, request, status_of
from tests.integration.serving import serving

SOON = 0.4  # s, the limits of most of these tests


@pytest.fixture(autouse=True)
def _no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A client's fault is no error of ours."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


HEAD = b"POST /webhooks/radarr HTTP/1.1\r\nHost: trailhook\r\n"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(HEAD[:9], b"", id="part of the line"),
        pytest.param(HEAD, b"", id="part of the head"),
        pytest.param(HEAD + b"Content-Length: 50\r\n\r\n", b"401", id="no body and no password"),
        pytest.param(HEAD + b"X-Webhook-Token: %s\r\nContent-Length: 50\r\n\r\n", b"408", id="no body"),
        pytest.param(HEAD + b"X-Webhook-Token: %s\r\nContent-Length: 50\r\n\r\n{", b"408", id="half a body"),
        pytest.param(
            HEAD + b"X-Webhook-Token: %s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"408", id="a chunk"
        ),
    ],
)
async def test_who_stops_sending_is_let_go(bench: Bench, sent: bytes, answered: bytes) -> None:
    password = (await door(bench)).encode()
    async with serving(bench.deps, request_timeout=SOON, linger=SOON) as client, line(client) as raw:
        await raw.send(sent.replace(b"%s", password))
        received = await raw.rest()
    assert received[9:12] == answered
    assert (b'{"error":{"code":"timeout"' in received) == (answered == b"408")
    assert await bench.rows("SELECT 1 FROM event") == []


@pytest.mark.parametrize("start", [b"GET /", HEAD + b"X-Webhook-Token: %s\r\nContent-Length: 5000\r\n\r\n"])
async def test_who_sends_byte_by_byte_is_let_go(bench: Bench, start: bytes) -> None:
    password = (await door(bench)).encode()
    async with serving(bench.deps, request_timeout=SOON) as client, line(client) as raw:
        await raw.send(start.replace(b"%s", password))
        received = asyncio.create_task(raw.rest())
        async with asyncio.timeout(PATIENCE):
            while not received.done():
                raw.writer.write(b"X")
                await asyncio.sleep(0.02)
    assert received.result()[9:12] == (b"408" if b"Length" in start else b"")


async def test_a_second_request_has_its_time_too(bench: Bench) -> None:
    password = await door(bench)
    async with serving(bench.deps, request_timeout=SOON) as client, line(client) as raw:
        for _ in range(2):
            await raw.send(request(password))
            assert (await raw.answer())[0] == 202
        await raw.send(request(password)[:-1])
        status, headers = await raw.answer()
        assert (status, headers["connection"]) == (408, "close")
        assert await raw.rest() == b""


async def test_two_hundred_slow_clients_delay_no_webhook(bench: Bench) -> None:
    password = await door(bench)
    slow = [b"", HEAD, request("wrong")[:-1], request(password)[:-1]]
    async with serving(bench.deps, request_timeout=4) as client:
        opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", client.base_url.port) for _ in range(200)))
        try:
            for number, (_, writer) in enumerate(opened):
                writer.write(slow[number % len(slow)])
            began = time.monotonic()
            answers = [
                await client.post("/webhooks/radarr", content=EVENT, headers={"X-Webhook-Token": password})
                for _ in range(10)
            ]
            assert [answer.status_code for answer in answers] == [202] * 10
            assert time.monotonic() - began < 3
            for reader, _ in opened:
                await Line(reader, opened[0][1]).rest()
        finally:
            for _, writer in opened:
                writer.transport.abort()


@pytest.mark.parametrize("header", ["Content-Length: 999999999", "Transfer-Encoding: chunked"])
async def test_an_endless_body_is_refused_and_not_read_for_ever(bench: Bench, header: str) -> None:
    password = await door(bench)
    deps = replace(bench.deps, settings=bench.deps.settings.model_copy(update={"max_body_bytes": 100_000}))
    async with serving(deps, linger=SOON) as client, line(client) as raw:
        await raw.send(HEAD + f"X-Webhook-Token: {password}\r\n{header}\r\n\r\n".encode())
        received = asyncio.create_task(raw.rest())
        async with asyncio.timeout(10):
            while not received.done():
                raw.writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
                await asyncio.sleep(0.001)
    assert received.result()[9:12] == b"413"


async def test_an_early_answer_reaches_a_client_that_still_sends(bench: Bench) -> None:
    password = await door(bench)
    async with serving(bench.deps) as client, line(client) as raw:
        wrong, body = request("wrong", body=b""), EVENT + b" " * 300_000
        await raw.send(wrong.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body[:10])
        assert (await raw.answer())[0] == 401
        await raw.send(body[10:])
        await raw.send(request(password))
        assert (await raw.answer())[0] == 202


async def test_who_expects_a_word_before_the_body_gets_it(bench: Bench) -> None:
    password = await door(bench)
    async with serving(bench.deps) as client:
        async with line(client) as raw:
            await raw.send(request(password, "Expect: 100-continue")[: -len(EVENT)])
            assert (await raw.answer())[0] == 100
            await raw.send(EVENT)
            assert (await raw.answer())[0] == 202
        async with line(client) as raw:
            await raw.send(request("wrong", "Expect: 100-continue")[: -len(EVENT)])
            status, headers = await raw.answer()
            assert (status, headers["connection"]) == (401, "close")
            assert await raw.rest() == b""


WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + "A" * 24]
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVENT), EVENT)
GET = "GET /webhooks/radarr HTTP/1.1"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(request("PW", line="POST http://elsewhere/webhooks/radarr HTTP/1.1"), 202, id="absolute form"),
        pytest.param(request("PW", line="POST /webhooks/radarr HTTP/1.0"), 202, id="HTTP/1.0"),
        pytest.param(request("PW", "Transfer-Encoding: chunked", body=CHUNKED), 202, id="chunked"),
        pytest.param(request("PW", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), 400, id="h2c"),
        pytest.param(request("PW", *WEBSOCKET), 400, id="websocket with a body"),
        pytest.param(request("PW", *WEBSOCKET, body=b"", line=GET), 405, id="websocket"),
        pytest.param(request("PW", "X: " + "\xe9" * 99, "Content-Type: \xff/\xfe"), 202, id="bytes in headers"),
        pytest.param(request("bad", "Authorization: Basic \xff", "Authorization: x"), 401, id="odd credentials"),
        pytest.param(request("PW", line="POST /webhooks/radarr?a=%zz&%00 HTTP/1.1"), 202, id="odd query"),
        pytest.param(request("PW", line="POST /webhooks/" + "a" * 60_000 + " HTTP/1.1"), 404, id="long slug"),
        pytest.param(request("PW", line="POST /webhooks/%ff%00%2f HTTP/1.1"), 404, id="odd slug"),
        pytest.param(request("PW", line="POST /webhooks/radarr// HTTP/1.1"), 404, id="two slashes"),
        pytest.param(request("PW", line="BREW /webhooks/radarr HTTP/1.1"), 400, id="no method"),
        pytest.param(request("PW", line="TRACE /webhooks/radarr HTTP/1.1"), 405, id="TRACE"),
        pytest.param(request("PW", line="OPTIONS /webhooks/radarr HTTP/1.1"), 405, id="OPTIONS"),
        pytest.param(request("PW", line="OPTIONS * HTTP/1.1"), 404, id="OPTIONS *"),
        pytest.param(request("PW", body=b"", line="CONNECT trailhook:80 HTTP/1.1"), 400, id="CONNECT"),
        pytest.param(request("PW", line="POST /webhooks/radarr HTTP/9.9"), 400, id="HTTP/9.9"),
        pytest.param(request("PW", "Content-Length: 3"), 400, id="two lengths"),
        pytest.param(request("PW", "content-length: 45", "Transfer-Encoding : chunked"), 400, id="space in a name"),
        pytest.param(request("PW", "Transfer-Encoding: gzip, x", body=b""), 400, id="unknown coding"),
        pytest.param(request("PW", "Transfer-Encoding: chunked", body=b"zz\r\n"), 400, id="broken chunk"),
        pytest.param(HEAD + b"Content-Length: -5\r\n\r\n", 400, id="negative length"),
        pytest.param(HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400, id="long length"),
        pytest.param(b"POST /\xc3\xa4 HTTP/1.1\r\n\r\n", 400, id="bytes in the path"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00" + b"\x00" * 200, 400, id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET /" + b"a" * 1_000_000, 431, id="endless address"),
        pytest.param(HEAD + b"X: " + b"a" * 1_000_000, 431, id="endless header"),
        pytest.param(HEAD + b"X: a\r\n" * 200_000, 431, id="endless headers"),
    ],
)
async def test_odd_requests_get_their_answer(bench: Bench, sent: bytes, expected: int) -> None:
    password = await door(bench)
    async with serving(bench.deps, request_timeout=3) as client:
        assert await status_of(client, sent.replace(b"PW", password.encode())) == expected
    stored = [(EVENT,)] if expected == 202 else []
    assert await bench.rows("SELECT payload FROM event") == stored


async def test_endless_trailers_are_refused(bench: Bench) -> None:
    password = await door(bench)
    sent = request(password, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n" + b"X: a\r\n" * 200_000)
    async with serving(bench.deps, request_timeout=3) as client:
        assert await status_of(client, sent) == 431


async def test_many_small_chunks_are_one_body(bench: Bench) -> None:
    password = await door(bench)
    body = b'{"eventType": "Download", "movie": {"id": 7}, "text": "' + b"a" * 50_000 + b'"}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    async with serving(bench.deps) as client, line(client) as raw:
        await raw.send(request(password, "Transfer-Encoding: chunked", body=chunks))
        assert (await raw.answer())[0] == 202
    assert await bench.rows("SELECT payload FROM event") == [(body,)]


async def test_pipelined_requests_are_answered_in_order(bench: Bench) -> None:
    password = await door(bench)
    async with serving(bench.deps) as client, line(client) as raw:
        await raw.send(request(password) + request("wrong") + request(password, line="POST /webhooks/x HTTP/1.1"))
        assert [(await raw.answer())[0] for _ in range(3)] == [202, 401, 404]
        await raw.send(request(password))
        assert (await raw.answer())[0] == 202


async def test_thousands_of_pipelined_requests_are_refused(bench: Bench) -> None:
    await door(bench)
    async with serving(bench.deps) as client, line(client) as raw:
        with suppress(ConnectionError):
            await raw.send(b"GET /healthz HTTP/1.1\r\n\r\n" * 5000)
        received = await raw.rest()
    assert b"HTTP/1.1 400" in received
    assert received.count(b"HTTP/1.1") < 100


async def test_who_reads_no_answers_is_let_go(bench: Bench) -> None:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    deaf.setblocking(False)
    async with serving(bench.deps, request_timeout=SOON) as client:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", client.base_url.port))
        with deaf, pytest.raises(ConnectionError):  # noqa: PT012 - which of the calls learns of it is chance
            async with asyncio.timeout(PATIENCE):
                while True:
                    await loop.sock_sendall(deaf, b"GET /static/trailhook.css HTTP/1.1\r\n\r\n")
                    await asyncio.sleep(0.001)


async def test_a_stop_does_not_wait_for_slow_clients(bench: Bench) -> None:
    password = await door(bench)
    async with AsyncExitStack() as lines:
        async with serving(bench.deps) as client:
            idle, slow = [await lines.enter_async_context(line(client)) for _ in range(2)]
            await idle.send(HEAD)
            await slow.send(request(password)[:-1])
            await client.get("/healthz")
            began = time.monotonic()
        assert time.monotonic() - began < 4
        assert (await slow.answer())[0] == 503


@dataclass
class WatchedDatabase:
    """The real database, with a count of how often it was asked; `hangs` keeps each who asks waiting for ever."""

    real: Transactions
    asked: int = 0
    hangs: bool = False
    error: Exception | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        async with self.real.transaction() as tx:
            yield tx

    def standing(self) -> Statements:
        return self.real.standing()


async def knock(doors: Doors, slug: str, password: str) -> str:
    """Try a password and say how it went."""
    try:
        await doors.authenticate(slug, password)
    except (NotFound, Unauthorized, Unavailable) as error:
        return error.code
    return "open"


@asynccontextmanager
async def watched_doors(bench: Bench) -> AsyncIterator[tuple[Doors, WatchedDatabase]]:
    database = WatchedDatabase(bench.deps.db)
    doors = Doors(replace(bench.deps, db=database))
    yield doors, database
    await doors.close()


async def test_an_unknown_slug_costs_what_a_wrong_password_costs(bench: Bench) -> None:
    await door(bench)
    costs = {}
    for slug, outcome in (("radarr", "unauthorized"), ("unknown", "not_found")):
        async with watched_doors(bench) as (doors, database):
            for _ in range(3):
                assert await knock(doors, slug, "wrong") == outcome
            costs[slug] = database.asked
    assert costs["radarr"] == costs["unknown"]


async def test_wrong_passwords_share_reads_and_right_ones_cause_none(bench: Bench) -> None:
    password = await door(bench)
    async with watched_doors(bench) as (doors, database):
        assert await knock(doors, "radarr", password) == "open"
        assert database.asked == 1
        began = time.monotonic()
        knocks = [("radarr", password), ("radarr", "wrong"), ("unknown", "wrong")] * 100
        outcomes = await asyncio.gather(*(knock(doors, *each) for each in knocks))
        assert outcomes == ["open", "unauthorized", "not_found"] * 100
        while time.monotonic() - began < 0.5:
            await knock(doors, "radarr", "wrong")
        assert database.asked <= 2 + (time.monotonic() - began) / 0.2


async def test_right_passwords_do_not_wait_for_the_reads_of_wrong_ones(bench: Bench) -> None:
    password = await door(bench)
    async with watched_doors(bench) as (doors, database):
        assert await knock(doors, "radarr", password) == "open"
        database.hangs = True
        wrong = [asyncio.create_task(knock(doors, slug, "wrong")) for slug in ("radarr", "unknown") * 10]
        began = time.monotonic()
        assert await asyncio.gather(*(knock(doors, "radarr", password) for _ in range(50))) == ["open"] * 50
        assert time.monotonic() - began < 0.5
        assert set(await asyncio.gather(*wrong)) == {"unavailable"}
        assert time.monotonic() - began < 3


async def test_a_postgres_that_hangs_keeps_nobody_waiting_and_is_asked_again(bench: Bench) -> None:
    password = await door(bench)
    async with watched_doors(bench) as (doors, database):
        database.hangs = True
        began = time.monotonic()
        knocks = [("radarr", password), ("radarr", "wrong"), ("unknown", "wrong")] * 20
        assert set(await asyncio.gather(*(knock(doors, *each) for each in knocks))) == {"unavailable"}
        assert time.monotonic() - began < 3
        assert database.asked == 1
        database.hangs = False
        async with asyncio.timeout(PATIENCE):
            while await knock(doors, "radarr", password) != "open":
                pass


async def test_a_failed_read_is_everybodys_failure_and_not_repeated_for_each(bench: Bench) -> None:
    async with watched_doors(bench) as (doors, database):
        database.error = Unavailable("Postgres is away.")
        assert set(await asyncio.gather(*(knock(doors, "radarr", "any") for _ in range(50)))) == {"unavailable"}
        assert database.asked == 1


async def test_a_new_connection_is_known_at_once_while_others_guess(bench: Bench) -> None:
    async with watched_doors(bench) as (doors, _):
        for number in range(3):
            assert await knock(doors, f"radarr-{number}", "wrong") == "not_found"
            assert await knock(doors, f"radarr-{number}", await door(bench, f"Radarr {number}")) == "open"


async def test_four_hundred_wrong_passwords_delay_no_right_one(bench: Bench) -> None:
    password = await door(bench)
    wrong, right = {"X-Webhook-Token": "wrong"}, {"X-Webhook-Token": password}

    async def guess(crowd: httpx.AsyncClient, slug: str) -> int:
        return (await crowd.post(f"/webhooks/{slug}", content=EVENT, headers=wrong)).status_code

    async with (
        serving(bench.deps) as client,
        httpx.AsyncClient(
            base_url=client.base_url, trust_env=False, timeout=PATIENCE, limits=httpx.Limits(max_connections=40)
        ) as crowd,
    ):
        guesses = [asyncio.create_task(guess(crowd, slug)) for slug in ("radarr", "unknown") * 200]
        seconds = []
        for _ in range(50):
            began = time.monotonic()
            assert (await client.post("/webhooks/radarr", content=EVENT, headers=right)).status_code == 202
            seconds.append(time.monotonic() - began)
        assert await asyncio.gather(*guesses) == [401, 404] * 200
    assert sorted(seconds)[25] < 0.5


async def test_an_event_for_a_connection_that_has_just_gone_is_refused(bench: Bench) -> None:
    password = await door(bench)
    async with serving(bench.deps) as client:
        headers = {"X-Webhook-Token": password}
        assert (await client.post("/webhooks/radarr", content=EVENT, headers=headers)).status_code == 202
        for table in ("event", "item_sync", "run", "connection"):
            await bench.rows(f"DELETE FROM {table} RETURNING 1")
        answers = [await client.post("/webhooks/radarr", content=EVENT, headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} <= {404, 503}
    assert await bench.rows("SELECT 1 FROM event") == []
