"""What a simulator answers instead of the truth: the failures that are documented or were seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
LOGIN_PAGE = '<!doctype html><html><body><form method="post" action="/login"></form></body></html>'
_POLL = 0.02  # s


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of wrong answer, for every path that lies at or below `path` (below /api/v3) and one method or all.

    `instead` is False where the truth follows: after `seconds`, after the end of a `hang`, `cut` off after a `part`, or
    with a `stall` there until the fault is taken away; `late` seconds pass between what is read for the answer and its
    first byte.
    """

    status: int = 500
    body: str = ""
    content_type: str | None = "application/json; charset=utf-8"
    path: str = ""
    method: str = ""
    location: str | None = None
    seconds: float = 0.0
    instead: bool = True
    hang: bool = False
    cut: bool = False
    chunked: bool = False
    late: float = 0.0
    part: float = 0.5
    stall: bool = False

    def covers(self, method: str, path: str) -> bool:
        below = path == self.path or path.startswith(self.path.rstrip("/") + "/")
        return below and self.method in {"", method}

    async def answer(self, truth: ASGIApp, scope: Scope, receive: Receive, send: Send, on: Callable[[], bool]) -> None:
        """Answer wrongly; `on` says whether the fault is still set, which ends a hang."""
        await asyncio.sleep(self.seconds)
        while self.hang and on():  # noqa: ASYNC110 - the fault is taken away in another thread
            await asyncio.sleep(_POLL)
        if self.instead:
            headers = {} if self.location is None else {"Location": self.location}
            await Response(self.body, self.status, headers, self.content_type)(scope, receive, send)
        elif self.cut:
            await truth(scope, receive, _Cutter(send, self.part, chunked=self.chunked))
        elif self.stall:
            await truth(scope, receive, self._in_two(send, on))
        else:
            await truth(scope, receive, self._after_a_while(send) if self.late else send)

    def _after_a_while(self, send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self.late)
            await send(message)

        return sending

    def _in_two(self, send: Send, on: Callable[[], bool]) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            body = message.get("body", b"")
            first = int(len(body) * self.part)
            if message["type"] == "http.response.body" and body:
                await send({**message, "body": body[:first], "more_body": True})
                while on():  # noqa: ASYNC110 - the fault is taken away in another thread
                    await asyncio.sleep(_POLL)
                message = {**message, "body": body[first:]}
            await send(message)

        return sending


class _Cutter:
    """Lets the first part of the body through and never ends it: the server then closes the connection."""

    def __init__(self, send: Send, part: float, *, chunked: bool) -> None:
        self._send, self._part, self._chunked = send, part, chunked

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and self._chunked:
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
            message = {**message, "headers": kept}
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: int(len(body) * self._part)], "more_body": True}
        await self._send(message)


def starting_up(app_name: str, path: str = "") -> Fault:
    return Fault(503, json.dumps({"errorMessage": f"{app_name} is starting up, please try again later"}), path=path)


def unauthorized(path: str = "") -> Fault:
    return Fault(401, "", None, path=path)


def server_error(path: str = "") -> Fault:
    body = {"message": "database disk image is malformed", "description": "code = Corrupt (11), message = …\n   at …"}
    return Fault(500, json.dumps(body), path=path)


def proxy_page(status: int = 502, path: str = "") -> Fault:
    return Fault(status, PROXY_PAGE, "text/html", path=path)


def login_page(path: str = "") -> Fault:
    """Answer 200 with a page, as an app or a proxy that wants a person to sign in."""
    return Fault(200, LOGIN_PAGE, "text/html; charset=utf-8", path=path)


def redirect(location: str, status: int = 307, path: str = "") -> Fault:
    return Fault(status, "", None, location=location, path=path)


def not_found(body: str = "", content_type: str | None = None, path: str = "") -> Fault:
    """Answer 404 with anything but the app's own JSON: empty, a text, a page."""
    return Fault(404, body, content_type, path=path)


def empty_list(path: str = "") -> Fault:
    return Fault(200, "[]", path=path)


def other_app(app_name: str) -> Fault:
    """Answer as an app that is not the expected one, where it is asked who it is."""
    status = {"appName": app_name, "instanceName": app_name, "version": "1.2.3.4", "urlBase": "", "isDocker": True}
    return Fault(200, json.dumps(status), path="/system/status")


def slow(seconds: float, path: str = "") -> Fault:
    return Fault(seconds=seconds, instead=False, path=path)


def late(seconds: float, path: str = "") -> Fault:
    """Read the truth at once and tell it after a while, when it may no longer be true."""
    return Fault(late=seconds, instead=False, path=path)


def hang(path: str = "") -> Fault:
    """Accept and say nothing until the fault is taken away; then the truth comes."""
    return Fault(hang=True, instead=False, path=path)


def cut(path: str = "", *, chunked: bool = False, part: float = 0.5) -> Fault:
    """Close the connection after `part` of the true body, of promised length or `chunked`."""
    return Fault(cut=True, chunked=chunked, part=part, instead=False, path=path)


def stall(path: str = "", *, part: float = 0.5) -> Fault:
    """Send `part` of the true body, and the rest once the fault is taken away."""
    return Fault(stall=True, part=part, instead=False, path=path)


def only_for(method: str, fault: Fault) -> Fault:
    return replace(fault, method=method)
