"""RadarrManager and SonarrManager over real sockets: what they ask, and what each way to fail becomes."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import json
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from app import errors
from app.arr.factory import ArrFactory
from app.context import ArrManagerProtocol, ArrTarget, WebhookEntry
from app.http import ArrPatience, HttpClients, Patience
from schemas.base import ArrType

KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "pa/ss+word-of-the-hook"
ENTRY = WebhookEntry("Trailhook", "http://trailhook:7979/webhooks/films", "trailhook", SecretStr(PASSWORD))
QUICK = Patience(connect=2, read=0.15, total=0.6)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: object = b"", *, kind: str = "application/json", **headers: str) -> Answer:
    """A whole answer; anything but bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in named.items()), "", ""])
    return raw(head.encode() + content)


def raw(data: bytes, *, hang: bool = False) -> Answer:
    """Exactly these bytes, then the end of the connection, or nothing more for ever."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if hang:
            await asyncio.Event().wait()

    return send


async def trickle(writer: asyncio.StreamWriter) -> None:
    """An answer of which a byte comes often enough, and that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


class Server:
    """Takes one request for each connection and gives the next answer, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        self.answers = list(answers)
        self._handlers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for handler in self._handlers:
                handler.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            for writer in self._handlers.values():  # of a handler that never began too
                await _close(writer)
            await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._handlers[asyncio.create_task(self._handle(reader, writer))] = writer

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            method, target, _ = line.decode().split(" ")
            headers = {name.lower(): value for name, value in BytesHeaderParser().parsebytes(rest).items()}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append(Request(method, target, headers, body))
            self.asked.set()
            await (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    # Python 3.11 forgets a TLS transport that is not waited for.
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@pytest.fixture(scope="module")
def system_store() -> ssl.SSLContext:
    return ssl.create_default_context()


@pytest.fixture
async def http(system_store: ssl.SSLContext) -> AsyncIterator[HttpClients]:
    async with HttpClients("1.2.3", system_store) as clients:
        yield clients


@asynccontextmanager
async def arr(
    http: HttpClients, arr_type: ArrType, *answers: Answer, patience: ArrPatience | None = None
) -> AsyncIterator[tuple[ArrManagerProtocol, Server, str]]:
    server = Server(*answers)
    async with server.running() as url:
        yield make_manager(http, url, arr_type, patience), server, url


def make_manager(
    http: HttpClients,
    url: str,
    arr_type: ArrType = ArrType.RADARR,
    patience: ArrPatience | None = None,
    key: str = KEY,
    ca_file: str | None = None,
    verify_tls: bool = True,
) -> ArrManagerProtocol:
    patience = patience or ArrPatience(retry_after=())
    factory, target = ArrFactory(http, patience), ArrTarget(arr_type, url, SecretStr(key), ca_file, verify_tls)
    return factory.radarr(target) if arr_type is ArrType.RADARR else factory.sonarr(target)


async def items(manager: ArrManagerProtocol) -> list[Any]:
    return [json.loads(item.text) async for item in manager.get_all_media()]


async def save(manager: ArrManagerProtocol) -> int:
    return await manager.save_webhook(ENTRY, None)


Ask = Callable[[ArrManagerProtocol], Awaitable[object]]


def ask_item(manager: ArrManagerProtocol) -> Awaitable[object]:
    return manager.get_media(7)


def ask_status(manager: ArrManagerProtocol) -> Awaitable[object]:
    return manager.get_system_status()


STATUS = {"appName": "Radarr", "version": "6.0.3.10276", "instanceName": "Films", "urlBase": ""}
PROBLEM = {"type": "https://example/404", "title": "Not Found", "status": 404, "traceId": "00-1-2-00"}
HTML = b"<!doctype html><title>Sign in</title>"


async def fault_of(asked: Awaitable[object], *secrets: str) -> errors.ArrError:
    """The error, after a look that nothing in it or below it holds a secret and that a person can use it."""
    with pytest.raises(errors.ArrError) as caught:
        await asked
    for each in chain(caught.value):
        for secret in (KEY, *secrets):
            assert secret not in str(each)
            assert secret not in repr(each)
    message = caught.value.message
    assert "Radarr" in message or "Sonarr" in message
    assert "http" in message
    assert "\n" not in message
    assert len(message) < 700
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """What a traceback would print."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


# What is asked


@pytest.mark.parametrize(
    ("arr_type", "target"),
    [(ArrType.RADARR, "/api/v3/movie?excludeLocalCovers=true"), (ArrType.SONARR, "/api/v3/series")],
)
async def test_the_whole_list_is_streamed(http: HttpClients, arr_type: ArrType, target: str) -> None:
    films = [{"id": number, "title": "Ø" * 300} for number in range(1, 800)]
    async with arr(http, arr_type, answer(200, films)) as (manager, server, _):
        assert await items(manager) == films
    assert (server.requests[0].method, server.requests[0].target) == ("GET", target)


async def test_items_come_before_the_list_is_complete(http: HttpClients) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    first = json.dumps([{"id": number, "title": "x" * 1000} for number in range(1, 200)]).encode()[:-500]
    piece = f"{len(first):x}\r\n".encode() + first + b"\r\n"
    async with arr(http, ArrType.RADARR, raw(head + piece, hang=True)) as (manager, _, _):
        stream = manager.get_all_media()
        assert isinstance(stream, AsyncGenerator)
        async with aclosing(stream):
            assert (await anext(stream)).id == 1


@pytest.mark.parametrize(
    ("arr_type", "target"), [(ArrType.RADARR, "/api/v3/movie/7"), (ArrType.SONARR, "/api/v3/series/7")]
)
async def test_one_item(http: HttpClients, arr_type: ArrType, target: str) -> None:
    async with arr(http, arr_type, answer(200, {"id": 7, "title": "Night Ferry"})) as (manager, server, _):
        assert json.loads((await manager.get_media(7)).text) == {"id": 7, "title": "Night Ferry"}
    request = server.requests[0]
    assert (request.method, request.target, request.body) == ("GET", target, b"")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"] == "Trailhook/1.2.3"
    assert KEY not in str(http.get(None, verify_tls=True).headers)


async def test_the_url_base_is_kept(http: HttpClients) -> None:
    server = Server(answer(200, STATUS))
    async with server.running() as url:
        status = await make_manager(http, f"{url}/films/radarr").get_system_status()
    assert (status.app_name, status.version) == ("Radarr", "6.0.3.10276")
    assert server.requests[0].target == "/films/radarr/api/v3/system/status"


async def test_gzip_is_understood(http: HttpClients) -> None:
    packed = answer(200, gzip.compress(b'{"id": 7}'), Content_Encoding="gzip")
    async with arr(http, ArrType.RADARR, packed) as (manager, _, _):
        assert json.loads((await manager.get_media(7)).text) == {"id": 7}


async def test_root_folders(http: HttpClients) -> None:
    folders = [{"id": 1, "path": "/films/", "accessible": False, "unmappedFolders": [{"name": "x"}]}]
    async with arr(http, ArrType.RADARR, answer(200, folders), answer(200, [{"id": 1}])) as (manager, server, _):
        found = await manager.get_root_folders()
        assert [(folder.path, folder.accessible) for folder in found] == [("/films/", False)]
        assert server.requests[0].target == "/api/v3/rootfolder"
        assert isinstance(await fault_of(manager.get_root_folders()), errors.ArrBadAnswer)


async def test_cookies_are_not_kept(http: HttpClients) -> None:
    setting = answer(200, {"id": 7}, Set_Cookie="session=abc; Path=/")
    async with arr(http, ArrType.RADARR, setting) as (manager, server, _):
        await manager.get_media(7)
        await manager.get_media(7)
    assert "cookie" not in server.requests[1].headers


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with HttpClients("1") as http, arr(http, ArrType.RADARR, answer(200, {"id": 7})) as (manager, _, _):
        assert json.loads((await manager.get_media(7)).text) == {"id": 7}


async def test_the_log_holds_no_key(http: HttpClients, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with arr(http, ArrType.RADARR, answer(200, STATUS), answer(201, {"id": 4})) as (manager, _, _):
        await save(manager)
    assert caplog.records
    assert KEY not in caplog.text
    assert PASSWORD not in caplog.text


# The Connect entry


async def test_a_webhook_is_created(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS), answer(201, {"id": 4})) as (manager, server, _):
        assert await manager.save_webhook(ENTRY, None) == 4
    request = server.requests[1]
    assert (request.method, request.target) == ("POST", "/api/v3/notification")
    assert request.headers["content-type"] == "application/json"
    body = json.loads(request.body)
    assert body["onMovieAdded"] is True
    assert {field["name"]: field["value"] for field in body["fields"]} == {
        "url": ENTRY.url,
        "method": 1,
        "username": "trailhook",
        "password": PASSWORD,
    }


async def test_a_webhook_is_overwritten(http: HttpClients) -> None:
    old = STATUS | {"appName": "Sonarr", "version": "3.0.10.1567"}
    fields = [
        {"name": "url", "value": "http://old/webhooks/films", "label": "Webhook URL"},
        {"name": "password", "value": "********"},
        {"name": "headers", "value": [{"key": "X-Proxy", "value": "in"}]},
        {"name": "other"},
    ]
    present = {"id": 4, "name": "Mine", "tags": [3], "onGrab": True, "fields": fields}
    replies = [answer(200, old), answer(200, present), answer(202, {"id": 4})]
    async with arr(http, ArrType.SONARR, *replies) as (manager, server, _):
        assert await manager.save_webhook(ENTRY, 4) == 4
    request = server.requests[2]
    assert (request.method, request.target) == ("PUT", "/api/v3/notification/4")
    body = json.loads(request.body)
    assert (body["id"], body["name"], body["tags"], body["onGrab"]) == (4, "Mine", [3], False)
    assert "onSeriesAdd" not in body
    assert {field["name"]: field["value"] for field in body["fields"]} == {
        "url": ENTRY.url,
        "method": 1,
        "username": "trailhook",
        "password": PASSWORD,
        "headers": [{"key": "X-Proxy", "value": "in"}],
    }


async def test_a_stored_webhook_is_tested_as_it_is(http: HttpClients) -> None:
    present = {"id": 4, "name": "Mine", "fields": [{"name": "password", "value": "********"}]}
    refusal = answer(400, [{"propertyName": "Url", "errorMessage": "Unable to send test message"}])
    replies = [answer(200, present), answer(200, {}), answer(200, present), refusal]
    async with arr(http, ArrType.RADARR, *replies) as (manager, server, _):
        await manager.test_webhook(4)
        error = await fault_of(manager.test_webhook(4))
    assert isinstance(error, errors.ArrRejected)
    assert "Unable to send test message" in error.message
    assert [(each.method, each.target) for each in server.requests[:2]] == [
        ("GET", "/api/v3/notification/4"),
        ("POST", "/api/v3/notification/test"),
    ]
    assert json.loads(server.requests[1].body) == present


async def test_health_is_listed(http: HttpClients) -> None:
    issues = [{"source": "NotificationStatusCheck", "type": "warning", "message": "Trailhook", "wikiUrl": "x"}]
    async with arr(http, ArrType.RADARR, answer(200, issues), answer(200, {}), answer(200, [1])) as (manager, _, _):
        assert [issue.source for issue in await manager.get_health()] == ["NotificationStatusCheck"]
        for _ in range(2):
            assert isinstance(await fault_of(manager.get_health()), errors.ArrBadAnswer)


# Once more

_SILENT = raw(b"", hang=True)
_STARTING = answer(503, {"errorMessage": "Radarr is starting up, please try again later"})
_AGAIN = ArrPatience(retry_after=(0.01, 0.02))


@pytest.mark.parametrize("passing", [_STARTING, answer(502, HTML, kind="text/html"), raw(b"")])
async def test_a_read_is_sent_again(http: HttpClients, passing: Answer) -> None:
    replies = [passing, passing, answer(200, {"id": 7}), passing, passing, answer(200, [{"id": 7}])]
    async with arr(http, ArrType.RADARR, *replies, patience=_AGAIN) as (manager, server, _):
        assert json.loads((await manager.get_media(7)).text) == {"id": 7}
        assert await items(manager) == [{"id": 7}]
    assert len(server.requests) == 6


@pytest.mark.parametrize("ask", [ask_item, ask_status, items], ids=lambda ask: ask.__name__)
async def test_a_read_is_sent_three_times_at_most(http: HttpClients, ask: Ask) -> None:
    async with arr(http, ArrType.RADARR, _STARTING, patience=_AGAIN) as (manager, server, _):
        assert type(await fault_of(ask(manager))) is errors.ArrStartingUp
    assert len(server.requests) == 3


@pytest.mark.parametrize("reply", [answer(401), answer(404, PROBLEM), answer(500), answer(307, Location="/x")])
async def test_a_clear_answer_is_not_asked_for_again(http: HttpClients, reply: Answer) -> None:
    async with arr(http, ArrType.RADARR, reply, patience=_AGAIN) as (manager, server, _):
        await fault_of(manager.get_media(7))
    assert len(server.requests) == 1


async def test_a_write_is_sent_once(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS), _STARTING, patience=_AGAIN) as (manager, server, _):
        await fault_of(save(manager), PASSWORD)
    assert [each.method for each in server.requests] == ["GET", "POST"]


async def test_all_tries_share_the_time_of_one_call(http: HttpClients) -> None:
    patience = ArrPatience(item=Patience(connect=2, read=2, total=0.3), retry_after=(0.01,) * 1000)
    began = asyncio.get_running_loop().time()
    async with arr(http, ArrType.RADARR, _STARTING, patience=patience) as (manager, _, _):
        assert type(await fault_of(manager.get_media(7))) is errors.ArrTimeout
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_hanging_arr_is_asked_once(http: HttpClients) -> None:
    patience = ArrPatience(item=QUICK, retry_after=(0.01,))
    async with arr(http, ArrType.RADARR, _SILENT, patience=patience) as (manager, server, _):
        assert type(await fault_of(manager.get_media(7))) is errors.ArrTimeout
    assert len(server.requests) == 1


async def test_only_webhooks_are_listed(http: HttpClients) -> None:
    fields = [{"name": "url", "value": "http://other/hook"}, {"name": "password", "value": "********"}]
    entries = [
        {"id": 1, "name": "Mail", "implementation": "Email", "fields": "whatever"},
        {"id": 2, "name": "Other", "implementation": "Webhook", "fields": fields},
    ]
    async with arr(http, ArrType.RADARR, answer(200, entries)) as (manager, _, _):
        found = await manager.get_webhooks()
    assert [(entry.id, entry.field("url")) for entry in found] == [(2, "http://other/hook")]


async def test_a_webhook_is_removed_also_when_it_is_gone(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, {}), answer(404, PROBLEM), answer(404)) as (manager, server, _):
        await manager.delete_webhook(4)
        await manager.delete_webhook(4)
        assert isinstance(await fault_of(manager.delete_webhook(4)), errors.ArrNotAnArr)
    assert {(each.method, each.target) for each in server.requests} == {("DELETE", "/api/v3/notification/4")}


_TEST_FAILED = (
    f"Unable to send test message: HTTP request failed: [401:Unauthorized] [POST] at [{ENTRY.url}] with {PASSWORD}"
)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            answer(400, [{"propertyName": "Url", "errorMessage": _TEST_FAILED, "attemptedValue": PASSWORD}]),
            f"Url: {_TEST_FAILED.replace(PASSWORD, '***')}",
        ),
        (
            answer(400, [{"propertyName": "Name", "errorMessage": "Should be unique"}, {"errorMessage": "Second"}]),
            "Name: Should be unique; Second",
        ),
        (answer(400, {"title": "Invalid", "errors": {"name": ["is required"]}}), "Invalid; name: is required"),
        (
            answer(500, {"message": "Connection refused (trailhook:7979)", "description": "at Nzb"}),
            "Connection refused",
        ),
        (answer(405), "it answered 405 without a word"),
        (answer(404, PROBLEM), "Not Found"),
    ],
)
async def test_a_refused_webhook_carries_the_arrs_words(http: HttpClients, refusal: Answer, words: str) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS), refusal) as (manager, _, _):
        error = await fault_of(save(manager), PASSWORD)
    assert isinstance(error, errors.ArrRejected)
    assert words in error.message
    assert ENTRY.url in error.message
    assert "at Nzb" not in error.message


@pytest.mark.parametrize("body", [{"name": "Trailhook"}, [], "yes"])
async def test_a_webhook_saved_without_an_id_is_a_bad_answer(http: HttpClients, body: object) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS), answer(201, body)) as (manager, _, _):
        assert isinstance(await fault_of(save(manager), PASSWORD), errors.ArrBadAnswer)


async def test_a_webhook_is_not_sent_to_another_app(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS | {"appName": "Sonarr"})) as (manager, server, _):
        assert isinstance(await fault_of(save(manager)), errors.ArrNotAnArr)
    assert [each.method for each in server.requests] == ["GET"]


# Who answers


async def test_another_arr_is_named(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, STATUS | {"appName": "Sonarr"})) as (manager, _, url):
        error = await fault_of(manager.get_system_status())
    assert isinstance(error, errors.ArrNotAnArr)
    assert error.message.startswith("This is Sonarr, not Radarr: ")
    assert url in error.message


@pytest.mark.parametrize("body", [{}, [], {"appName": None, "version": "1"}, {"appName": ["x"], "version": KEY}])
async def test_json_that_is_no_status_is_not_an_arr(http: HttpClients, body: object) -> None:
    async with arr(http, ArrType.SONARR, answer(200, body)) as (manager, _, _):
        assert isinstance(await fault_of(manager.get_system_status()), errors.ArrNotAnArr)


# Statuses


@pytest.mark.parametrize("ask", [ask_item, ask_status, items, save], ids=lambda ask: ask.__name__)
@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (answer(401), errors.ArrUnauthorized, "refused the API key (401)"),
        (answer(403, {"message": "no"}), errors.ArrUnauthorized, "refused the API key (403)"),
        (answer(401, HTML, kind="text/html"), errors.ArrUnauthorized, "A login in front"),
        (answer(401, WWW_Authenticate="Basic"), errors.ArrUnauthorized, "A login in front"),
        (answer(404), errors.ArrNotAnArr, "(404)"),
        (answer(404, b"404 page not found", kind="text/plain"), errors.ArrNotAnArr, "(404)"),
        (answer(404, HTML, kind="text/html"), errors.ArrNotAnArr, "(404)"),
        (answer(404, []), errors.ArrNotAnArr, "(404)"),
        (answer(429), errors.ArrUnreachable, "(429)"),
        (answer(500, HTML, kind="text/html"), errors.ArrNotAnArr, "(500)"),
        (answer(502, HTML, kind="text/html"), errors.ArrUnreachable, "is not available (502)"),
        (answer(503), errors.ArrUnreachable, "is not available (503)"),
        (answer(503, {"errorMessage": "Radarr is starting up, please try again later"}), errors.ArrStartingUp, "wait"),
        (answer(503, {"errorMessage": "no"}), errors.ArrUnreachable, "is not available (503)"),
        (answer(504), errors.ArrUnreachable, "is not available (504)"),
        (answer(522), errors.ArrUnreachable, "is not available (522)"),
        (answer(200, HTML, kind="text/html"), errors.ArrNotAnArr, "JSON"),
        (answer(200, b"OK", kind="text/plain"), errors.ArrNotAnArr, "JSON"),
    ],
)
async def test_what_is_of_the_connection(
    http: HttpClients, ask: Ask, reply: Answer, kind: type[errors.ArrError], words: str
) -> None:
    async with arr(http, ArrType.RADARR, reply) as (manager, _, _):
        error = await fault_of(ask(manager))
    assert type(error) is kind
    assert isinstance(error, errors.ArrConnectionError)
    assert words in error.message


async def test_404_with_an_object_is_the_clear_word_that_an_item_is_gone(http: HttpClients) -> None:
    gone = {"message": "Movie with ID 7 does not exist", "description": "at Nzb"}
    async with arr(http, ArrType.RADARR, answer(404, PROBLEM), answer(404, gone)) as (manager, _, _):
        for _ in range(2):
            error = await fault_of(manager.get_media(7))
            assert type(error) is errors.ArrItemGone
            assert "movie 7" in error.message


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(500, {"message": "Sequence contains no elements\nmore", "description": "at Nzb"}), "no elements)"),
        (answer(500, {"message": "m" * 5000}), "mmm…"),
        (answer(500), "with 500:"),
        (answer(500, {"message": 5}), "with 500:"),
        (answer(400, [{"propertyName": "Id", "errorMessage": "no"}]), "(Id: no)"),
        (answer(409, {"message": "busy"}), "(busy)"),
        (answer(405), "with 405:"),
    ],
)
@pytest.mark.parametrize(("ask", "kind"), [(ask_item, "item"), (ask_status, "status"), (items, "list")])
async def test_other_refusals_are_of_the_item_alone_where_one_was_asked_for(
    http: HttpClients, ask: Ask, kind: str, reply: Answer, words: str
) -> None:
    async with arr(http, ArrType.RADARR, reply) as (manager, _, _):
        error = await fault_of(ask(manager))
    assert type(error) is (errors.ArrItemError if kind == "item" else errors.ArrBadAnswer)
    assert words in error.message
    assert "at Nzb" not in error.message


@pytest.mark.parametrize("status", [201, 204, 206])
@pytest.mark.parametrize("ask", [ask_item, ask_status, items], ids=lambda ask: ask.__name__)
async def test_only_200_is_a_whole_answer(http: HttpClients, ask: Ask, status: int) -> None:
    async with arr(http, ArrType.RADARR, answer(status, b"" if status == 204 else [{"id": 7}])) as (manager, _, _):
        assert type(await fault_of(ask(manager))) is errors.ArrBadAnswer


# Redirects


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/radarr/api/v3/movie/7", "Radarr answers under /radarr: use {url}/radarr."),
        ("{url}/radarr/api/v3/movie/7", "Radarr answers under /radarr: use {url}/radarr."),
        ("/radarr/", "Radarr answers under /radarr: use {url}/radarr."),
        ("/a/b/api/v3/movie/7?x=1", "Radarr answers under /a/b: use {url}/a/b."),
        (
            "https://user:pw@films.example/api/v3/movie/7",
            "has moved to https://films.example: use https://films.example.",
        ),
        ("/login?returnUrl=/api/v3/movie/7", "redirects to {url}/login: give the address"),
        ("/api/v3/movie/7/", "redirects to {url}/api/v3/movie/7/: give the address"),
        ("https://auth.example/?rd=" + KEY, "redirects to https://auth.example/: give the address"),
        ("/" + KEY + "/login", "redirects to {url}/***/login"),
    ],
)
@pytest.mark.parametrize("ask", [ask_item, items], ids=lambda ask: ask.__name__)
async def test_a_redirect_is_told_and_not_followed(http: HttpClients, ask: Ask, location: str, words: str) -> None:
    server = Server()
    async with server.running() as url:
        server.answers = [answer(307, Location=location.replace("{url}", url))]
        error = await fault_of(ask(make_manager(http, url)), "user:pw")
    assert type(error) is errors.ArrRedirected
    assert words.replace("{url}", url) in error.message
    assert len(server.requests) == 1


async def test_a_redirect_to_nowhere_is_told(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(302)) as (manager, _, _):
        assert type(await fault_of(manager.get_media(7))) is errors.ArrRedirected


# Broken answers

_LIST = json.dumps([{"id": number, "title": "x" * 500} for number in range(400)]).encode()
_CUT = _LIST[: len(_LIST) * 9 // 10]


@pytest.mark.parametrize(
    "reply",
    [
        raw(f"HTTP/1.1 200 OK\r\nContent-Length: {len(_LIST)}\r\n\r\n".encode() + _CUT),
        raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(_LIST):x}\r\n".encode() + _CUT),
        raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + _CUT),
        answer(200, _CUT),
        answer(200, gzip.compress(_LIST)[:-40], Content_Encoding="gzip"),
        answer(200, _CUT, Content_Encoding="gzip"),
        answer(200, {"message": "database is locked"}),
        answer(200, [*json.loads(_LIST), "text"]),
    ],
    ids=["length", "chunked", "no-length", "clean", "gzip", "no-gzip", "object", "text"],
)
async def test_a_list_that_is_not_whole_is_a_bad_answer(http: HttpClients, reply: Answer) -> None:
    async with arr(http, ArrType.RADARR, reply) as (manager, _, _):
        assert type(await fault_of(items(manager))) is errors.ArrBadAnswer


@pytest.mark.parametrize(
    "reply",
    [
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": 7'),
        raw(b'HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{"title": "Not Found"}'),
        answer(200, b'{"id": 7'),
        answer(200, b'{"id": 7, "title": "\xff"}'),
        answer(200, b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        answer(200, b'{"a":' + b"9" * 5000 + b"}"),
        answer(200, b'{"id": 7, "overview": "' + b"x" * 4 * 1024 * 1024 + b'"}'),
        answer(200, []),
        answer(200, b"null\n"),
    ],
    ids=["cut", "cut-404", "unclosed", "no-utf8", "deep", "digits", "large", "list", "null"],
)
async def test_an_item_that_is_not_whole_is_a_bad_answer(http: HttpClients, reply: Answer) -> None:
    async with arr(http, ArrType.RADARR, reply) as (manager, _, _):
        assert type(await fault_of(manager.get_media(7))) is errors.ArrBadAnswer


async def test_another_item_than_asked_for_is_not_taken(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, {"id": 8})) as (manager, _, _):
        assert type(await fault_of(manager.get_media(7))) is errors.ArrItemError


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"])
@pytest.mark.parametrize("ask", [ask_item, items], ids=lambda ask: ask.__name__)
async def test_no_answer_at_all_is_unreachable(http: HttpClients, ask: Ask, data: bytes) -> None:
    async with arr(http, ArrType.RADARR, raw(data)) as (manager, _, _):
        error = await fault_of(ask(manager))
    assert type(error) is errors.ArrUnreachable
    assert "closed the connection without an answer" in error.message


# Time


_STOPS = raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"id": 7', hang=True)


@pytest.mark.parametrize(
    ("ask", "reply"),
    [
        (ask_item, _SILENT),
        (ask_item, _STOPS),
        (ask_item, trickle),
        (ask_status, _SILENT),
        (items, _SILENT),
        (items, _STOPS),
        (save, _SILENT),
    ],
)
async def test_a_hanging_arr_is_a_timeout(http: HttpClients, ask: Ask, reply: Answer) -> None:
    patience = ArrPatience(item=QUICK, listing=QUICK, folders=QUICK, save=QUICK)
    async with arr(http, ArrType.RADARR, reply, patience=patience) as (manager, _, _):
        error = await fault_of(ask(manager))
    assert type(error) is errors.ArrTimeout
    assert "did not answer within 0." in error.message


def slow(reply: Answer) -> Answer:
    async def send(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        await reply(writer)

    return send


async def test_a_list_and_a_save_may_take_longer_than_an_item(http: HttpClients) -> None:
    patience = ArrPatience(item=QUICK, folders=QUICK)
    replies = [slow(answer(200, [{"id": 7}])), answer(200, STATUS), slow(answer(201, {"id": 4}))]
    async with arr(http, ArrType.RADARR, *replies, patience=patience) as (manager, _, _):
        assert await items(manager) == [{"id": 7}]
        assert await save(manager) == 4


async def test_an_item_that_is_too_large_is_told(http: HttpClients) -> None:
    large = answer(200, {"id": 7, "overview": "x" * 4 * 1024 * 1024})
    async with arr(http, ArrType.RADARR, large) as (manager, _, _):
        error = await fault_of(manager.get_media(7))
    assert type(error) is errors.ArrBadAnswer
    assert "larger than 4 MiB" in error.message


async def test_a_cancelled_call_ends_at_once(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, raw(b"", hang=True)) as (manager, server, _):
        task = asyncio.ensure_future(items(manager))
        async with asyncio.timeout(5):
            await server.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


# The way there


async def test_nothing_listens(http: HttpClients) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for asked in (make_manager(http, url).get_media(7), items(make_manager(http, url))):
            error = await fault_of(asked)
            assert type(error) is errors.ArrUnreachable
            assert error.message.startswith(f"Nothing listens where Radarr at {url} should be: ")


@pytest.mark.parametrize("host", ["radarr..lan", "x" * 64 + ".lan"])
async def test_a_host_that_nobody_knows(http: HttpClients, host: str) -> None:
    error = await fault_of(make_manager(http, f"http://{host}:7878").get_media(7))
    assert type(error) is errors.ArrUnreachable
    assert f"no host is called '{host}' here" in error.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:70000", "http://[::1", "http://127.0.0.1:x"])
async def test_an_address_that_is_none(http: HttpClients, url: str) -> None:
    assert type(await fault_of(make_manager(http, url).get_media(7))) is errors.ArrUnreachable


async def test_credentials_in_the_address_are_not_told(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(502)) as (_, _, url):
        manager = make_manager(http, url.replace("//", "//someone:hidden@"))
        error = await fault_of(manager.get_media(7), "hidden", "someone")
    assert url in error.message


async def test_https_where_only_http_is_spoken(http: HttpClients) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await _close(writer)

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await fault_of(make_manager(http, f"https://127.0.0.1:{port}").get_media(7))
    assert type(error) is errors.ArrUnreachable
    assert "does not speak TLS: use http://" in error.message


async def test_http_where_only_https_is_spoken(http: HttpClients, tmp_path: Path) -> None:
    async with Server(answer(200, {"id": 7})).running(self_signed(tmp_path)) as url:
        error = await fault_of(make_manager(http, url.replace("https:", "http:")).get_media(7))
    assert type(error) is errors.ArrUnreachable
    assert "whether it wants https://" in error.message


@pytest.mark.parametrize(
    "said",
    [
        b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
)
async def test_http_where_a_proxy_wants_https(http: HttpClients, said: bytes) -> None:
    async with arr(http, ArrType.RADARR, answer(400, said, kind="text/html")) as (manager, _, _):
        error = await fault_of(manager.get_media(7))
    assert type(error) is errors.ArrNotAnArr
    assert "write https:// at the beginning" in error.message


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    server = Server(answer(200, {"id": 7}))
    async with HttpClients("1") as http, server.running(self_signed(tmp_path)) as url:
        error = await fault_of(make_manager(http, url).get_media(7))
    assert type(error) is errors.ArrUnreachable
    assert "is not trusted here (self-signed certificate)" in error.message
    assert not server.requests


async def test_a_certificate_that_the_connection_trusts(http: HttpClients, tmp_path: Path) -> None:
    server = Server(answer(200, {"id": 7}))
    tls = self_signed(tmp_path)
    async with server.running(tls) as url:
        trusting = make_manager(http, url, ca_file=str(tmp_path / "server.pem"))
        assert (await trusting.get_media(7)).id == 7
        assert (await make_manager(http, url, verify_tls=False).get_media(7)).id == 7
        assert type(await fault_of(make_manager(http, url).get_media(7))) is errors.ArrUnreachable
        elsewhere = make_manager(http, url.replace("127.0.0.1", "localhost"), ca_file=str(tmp_path / "server.pem"))
        assert "is not trusted here" in (await fault_of(elsewhere.get_media(7))).message
    assert len(server.requests) == 2


async def test_a_ca_file_that_changes_is_read_again(http: HttpClients, tmp_path: Path) -> None:
    ca_file = tmp_path / "server.pem"
    ca_file.write_text("no certificate")
    nowhere = make_manager(http, "https://127.0.0.1:9", ca_file=str(ca_file))
    assert "holds no certificate" in (await fault_of(nowhere.get_media(7))).message
    async with Server(answer(200, {"id": 7})).running(self_signed(tmp_path)) as url:
        right = ca_file.read_bytes()
        self_signed(tmp_path)
        manager = make_manager(http, url, ca_file=str(ca_file))
        assert "is not trusted here" in (await fault_of(manager.get_media(7))).message
        ca_file.write_bytes(right)
        assert json.loads((await manager.get_media(7)).text) == {"id": 7}


async def test_a_ca_file_that_is_not_there(http: HttpClients, tmp_path: Path) -> None:
    manager = make_manager(http, "https://127.0.0.1:9", ca_file=str(tmp_path / "none.pem"))
    error = await fault_of(manager.get_media(7))
    assert "none.pem for Radarr at https://127.0.0.1:9 cannot be used (No such file or directory)" in error.message


_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(_LOOPBACK)]), critical=False)
    certificate = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


# The key


@pytest.mark.parametrize("key", ["with space", "line\nbreak", "ümlaut", "tab\t", "nul\x00"])
async def test_a_key_that_no_header_can_carry_is_told_without_showing_it(http: HttpClients, key: str) -> None:
    async with arr(http, ArrType.RADARR, answer(200, {"id": 7})) as (_, server, url):
        manager = make_manager(http, url, key=key)
        for asked in (manager.get_media(7), items(manager)):
            assert type(await fault_of(asked, key)) is errors.ArrUnauthorized
    assert not server.requests


@pytest.mark.parametrize(
    "reply",
    [
        answer(500, {"message": f"no access with {KEY}"}),
        answer(500, {"message": "m" * 190 + KEY}),
        answer(400, [{"propertyName": KEY, "errorMessage": f"{KEY} is wrong"}]),
        answer(401, {"message": KEY}, WWW_Authenticate=KEY),
        answer(404, {"message": KEY, "title": KEY}),
        answer(503, {"errorMessage": f"starting {KEY}"}),
        answer(307, Location=f"http://{KEY}.example/api/v3?apikey={KEY}"),
        answer(307, Location=f"http://[{KEY}"),
        answer(200, b'{"' + KEY.encode() + b"\xff"),
        answer(200, f"<html>{KEY}".encode()),
        answer(200, [KEY]),
        answer(201, {"appName": KEY, "version": KEY}),
        raw(f"HTTP/1.1 200 OK\r\nX-Echo {KEY}\r\n\r\n".encode()),
        raw(f"HTTP/1.1 {KEY}\r\n\r\n".encode()),
    ],
)
@pytest.mark.parametrize("ask", [ask_item, ask_status, items, save], ids=lambda ask: ask.__name__)
async def test_a_key_that_comes_back_is_in_no_error(http: HttpClients, ask: Ask, reply: Answer) -> None:
    async with arr(http, ArrType.RADARR, reply) as (manager, _, _):
        error = await fault_of(ask(manager))
        assert KEY not in repr(manager)
    assert all(KEY[:8] not in str(each) for each in chain(error))


async def test_a_key_that_comes_back_as_the_name_of_the_app_is_not_told(http: HttpClients) -> None:
    async with arr(http, ArrType.RADARR, answer(200, {"appName": KEY, "version": KEY})) as (manager, _, _):
        assert type(await fault_of(manager.get_system_status())) is errors.ArrNotAnArr
