"""The REST side of a simulated app: routes below /api/v3, and what every answer has in common."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.simulators import arr_shapes
from tests.simulators.arr_connect import Connect, Refused
from tests.simulators.arr_library import Library
from tests.simulators.faults import Fault

JSON = dict[str, Any]
API = "/api/v3"
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_SECTION = {400: "15.5.1", 404: "15.5.5", 415: "15.5.16"}


class Json(JSONResponse):
    media_type = "application/json; charset=utf-8"


def problem(status: int, title: str, **more: object) -> Response:
    section = f"https://tools.ietf.org/html/rfc9110#section-{_SECTION[status]}"
    body = {"type": section, "title": title, "status": status, "traceId": _TRACE, **more}
    return JSONResponse(body, status, media_type="application/problem+json; charset=utf-8")


class Rest:
    """The resources of one app."""

    def __init__(self, app_name: str, version: str, url_base: str, library: Library, connect: Connect) -> None:
        self._status = arr_shapes.system_status(app_name, version, url_base)
        self._library = library
        self._connect = connect
        self.tags: dict[str, int] = {}

    def application(self) -> Starlette:
        """Give the routes, below the URL base."""
        one, many = "/notification/{number:int}", "/notification"
        word = self._library.word
        routes = [
            Route("/ping", self._ping, methods=["GET", "HEAD"]),
            Route(f"{API}/system/status", self._system_status),
            Route(f"{API}/rootfolder", self._root_folders),
            Route(f"{API}/tag", self._tags),
            Route(f"{API}/health", self._health),
            Route(f"{API}/{word}", self._list),
            Route(f"{API}/{word}/{{item_id:int}}", self._item),
            Route(f"{API}{many}", self._entries, methods=["GET"]),
            Route(f"{API}{many}", self._create, methods=["POST"]),
            Route(f"{API}{many}/schema", self._schema),
            Route(f"{API}{many}/test", self._test, methods=["POST"]),
            Route(f"{API}{many}/testall", self._test_all, methods=["POST"]),
            Route(f"{API}{one}", self._entry, methods=["GET"]),
            Route(f"{API}{one}", self._change, methods=["PUT"]),
            Route(f"{API}{one}", self._remove, methods=["DELETE"]),
        ]
        handlers = {404: _empty, 405: _empty, Refused: _refused, json.JSONDecodeError: _not_json}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _ping(self, _request: Request) -> Response:
        return Json({"status": "OK"})

    async def _system_status(self, _request: Request) -> Response:
        return Json(self._status)

    async def _root_folders(self, _request: Request) -> Response:
        known = {self._library.on_disk(item["path"]) for item in list(self._library.items.values())}
        root = self._library.root
        folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        unmapped = [
            {"name": path.name, "path": arr_shapes.join(self._library.called, path.name)}
            for path in folders
            if path not in known
        ]
        facts = {"accessible": root.is_dir(), "freeSpace": 10**12, "unmappedFolders": unmapped}
        return Json([{"path": self._library.called, **facts, "id": 1}])

    async def _tags(self, _request: Request) -> Response:
        return Json([{"label": label, "id": number} for label, number in self.tags.items()])

    async def _health(self, _request: Request) -> Response:
        return Json(self._connect.check())

    async def _list(self, request: Request) -> Response:
        """Give all items; the filter takes one id and is not an error where it misses."""
        key = "tmdbId" if self._library.word == "movie" else "tvdbId"
        wished = request.query_params.get(key)
        return Json([item for item in list(self._library.items.values()) if wished in {None, str(item[key])}])

    async def _item(self, request: Request) -> Response:
        item = self._library.items.get(request.path_params["item_id"])
        return problem(404, "Not Found") if item is None else Json(item)

    async def _entries(self, _request: Request) -> Response:
        return Json([self._connect.shown(entry) for entry in self._connect.entries.values()])

    async def _schema(self, _request: Request) -> Response:
        return Json(self._connect.schema())

    async def _create(self, request: Request) -> Response:
        return Json(await asyncio.to_thread(self._connect.create, await _object(request)), 201)

    async def _test(self, request: Request) -> Response:
        await asyncio.to_thread(self._connect.test, await _object(request))
        return Json({})

    async def _test_all(self, _request: Request) -> Response:
        told = await asyncio.to_thread(self._connect.test_all)
        return Json(told, 200 if all(one["isValid"] for one in told) else 400)

    async def _entry(self, request: Request) -> Response:
        entry = self._connect.entries.get(request.path_params["number"])
        return problem(404, "Not Found") if entry is None else Json(self._connect.shown(entry))

    async def _change(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number not in self._connect.entries:
            return problem(404, "Not Found")
        body = await _object(request)
        forced = request.query_params.get("forceSave") == "true"
        return Json(await asyncio.to_thread(self._connect.change, number, body, forced=forced), 202)

    async def _remove(self, request: Request) -> Response:
        gone = self._connect.entries.pop(request.path_params["number"], None)
        return problem(404, "Not Found") if gone is None else Json({})


async def _object(request: Request) -> JSON:
    body = await request.json()
    if not isinstance(body, dict):
        raise Refused(400, {"message": "the body is no object", "description": "System.Text.Json.JsonException"})
    return body


async def _empty(_request: Request, fault: Exception) -> Response:
    return Response(None, getattr(fault, "status_code", 404))


async def _refused(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refused)
    return Json(fault.body, fault.status)


async def _not_json(_request: Request, fault: Exception) -> Response:
    return problem(400, "One or more validation errors occurred.", errors={"$": [str(fault)]})


@dataclass(slots=True)
class Call:
    """One call, with `time.time()` of its two ends: the end is the last byte of the answer, or the caller leaving.

    `caller` is what `name_caller` made of the caller's port; `status` stays None where the caller left first.
    """

    method: str
    resource: str
    caller: str
    began: float
    ended: float | None = None
    status: int | None = None


class Front:
    """What each call meets first: URL base, count, fault, key, content type; and the version on each answer."""

    def __init__(self, app: ASGIApp, url_base: str, api_key: str, version: str) -> None:
        self.requests: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.name_caller: Callable[[int], str] = str
        self.fault: Fault | Sequence[Fault] | None = None
        self.control: ASGIApp | None = None
        self._app, self._url_base, self._api_key, self._version = app, url_base, api_key, version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if self.control is not None and path.startswith("/_sim/"):
            return await self.control(scope, receive, send)
        if self._url_base and not f"{path}/".startswith(f"{self._url_base}/"):
            query = "?" + scope["query_string"].decode() if scope["query_string"] else ""
            moved = Response(None, 307, {"Location": f"{self._url_base}{path}{query}"})
            return await moved(scope, receive, self._versioned(send))
        below = path.removeprefix(self._url_base).rstrip("/") or "/"
        resource = below.removeprefix(API)
        self.requests[resource] += 1
        call = Call(scope["method"], resource, self.name_caller(scope["client"][1]), time.time())
        self.calls.append(call)
        answering = asyncio.create_task(self._answer(call, {**scope, "path": below}, receive, send))
        if call.method == "GET":  # its body is empty, so that all there is to receive is the caller leaving
            await _until_gone(receive, answering, call)
        return await answering

    async def _answer(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        fault, noting = self._fault_of(call.method, call.resource), _noting(call, send)
        if fault is None:
            return await self._truth(scope, receive, noting)
        return await fault.answer(self._truth, scope, receive, noting, self._still(fault))

    async def _truth(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope["method"], scope["path"], Headers(scope=scope), scope["query_string"])
        await (refused or self._app)(scope, receive, self._versioned(send))

    def _refusal(self, method: str, path: str, headers: Headers, query: bytes) -> Response | None:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        given = QueryParams(query).get("apikey", headers.get("x-api-key") or bearer)
        if given != self._api_key and path != "/ping":
            return Response(None, 401)
        accepted = headers.get("accept", "*/*")
        if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
            return Response(None, 406)
        sends_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
        if method in {"POST", "PUT"} and not sends_json and not path.endswith("/testall"):
            return problem(415, "Unsupported Media Type")
        return None

    def _faults(self) -> Sequence[Fault]:
        fault = self.fault
        if fault is None:
            return ()
        return (fault,) if isinstance(fault, Fault) else fault

    def _fault_of(self, method: str, resource: str) -> Fault | None:
        return next((fault for fault in self._faults() if fault.covers(method, resource)), None)

    def _still(self, fault: Fault) -> Callable[[], bool]:
        return lambda: any(each is fault for each in self._faults())

    def _versioned(self, send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Application-Version"] = self._version
            await send(message)

        return sending


async def _until_gone(receive: Receive, answering: asyncio.Task[None], call: Call) -> None:
    """Wait for the answer's end, and note when the caller leaves before it."""

    async def leaving() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        call.ended = call.ended or time.time()

    gone = asyncio.create_task(leaving())
    await asyncio.wait({answering})
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    call.ended = call.ended or time.time()


def _noting(call: Call, send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and call.ended is None:
            call.status = message["status"]
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            call.ended = call.ended or time.time()

    return sending
