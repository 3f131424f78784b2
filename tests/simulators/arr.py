"""A simulated Radarr or Sonarr: REST below /api/v3, Connect entries with their Test, and verbs that send webhooks."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators import arr_events, arr_shapes
from tests.simulators.arr_sender import Delivery, send
from tests.simulators.faults import Fault
from tests.simulators.server import ThreadedServer

JSON = dict[str, Any]
MASK = "********"
_FLAG_OF = {
    "Grab": "onGrab",
    "Download": "onDownload",
    "Rename": "onRename",
    "MovieAdded": "onMovieAdded",
    "MovieDelete": "onMovieDelete",
    "MovieFileDelete": "onMovieFileDelete",
    "SeriesAdd": "onSeriesAdd",
    "SeriesDelete": "onSeriesDelete",
    "EpisodeFileDelete": "onEpisodeFileDelete",
    "Health": "onHealthIssue",
    "HealthRestored": "onHealthRestored",
    "ApplicationUpdate": "onApplicationUpdate",
    "ManualInteractionRequired": "onManualInteractionRequired",
}
_FLAGS = {
    "Radarr": {flag for flag in _FLAG_OF.values() if "Series" not in flag and "Episode" not in flag}
    | {"onUpgrade", "onMovieFileDeleteForUpgrade", "includeHealthWarnings"},
    "Sonarr": {flag for flag in _FLAG_OF.values() if "Movie" not in flag}
    | {"onUpgrade", "onImportComplete", "onEpisodeFileDeleteForUpgrade", "includeHealthWarnings"},
}
_VERSIONS = {"Radarr": "6.0.4.10291", "Sonarr": "4.0.19.2979"}


class ArrSimulator:
    """One app; `root` is its library on this disk, `fault` what it answers instead of the truth."""

    def __init__(self, app_name: str, root: Path, *, port: int = 0, url_base: str = "", api_key: str = "") -> None:
        self.app_name = app_name
        self.version = _VERSIONS[app_name]
        self.root = root
        self.url_base = url_base
        self.api_key = api_key or secrets.token_hex(16)
        self.items: dict[int, JSON] = {}
        self.notifications: dict[int, JSON] = {}
        self.deliveries: list[Delivery] = []
        self.requests: Counter[str] = Counter()
        self.fault: Fault | None = None
        self._word = "movie" if app_name == "Radarr" else "series"
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._server = ThreadedServer(self._application(), port)
        root.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return self._server.url + self.url_base

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    def add(self, title: str, year: int, **known: Any) -> int:
        """Add an item and tell of it, as the app does: a movie before its folder exists."""
        item_id = next(self._ids)
        compose = arr_shapes.movie if self._word == "movie" else arr_shapes.series
        self.items[item_id] = compose(item_id, title, year, str(self.root), **known)
        announce = arr_events.movie_added if self._word == "movie" else arr_events.series_added
        self.send(announce(self.items[item_id]))
        return item_id

    def import_file(self, item_id: int) -> Path:
        """Put the item's file on disk and tell of the import; gives the item's folder."""
        folder = Path(self.items[item_id]["path"])
        folder.mkdir(parents=True, exist_ok=True)
        if self._word == "movie":
            item = {name: value for name, value in self.items[item_id].items() if name != "addOptions"}
            file = arr_shapes.movie_file(item, size=11)
            (folder / file["relativePath"]).write_bytes(b"a movie file")
            item |= {"hasFile": True, "movieFileId": file["id"], "movieFile": file, "sizeOnDisk": file["size"]}
            self.items[item_id] = item
            self.send(arr_events.movie_download(item))
        else:
            self.import_season(item_id, 1)
        return folder

    def import_season(self, item_id: int, files: int) -> None:
        """Import a season pack: one event per file, then import-complete."""
        for number in range(1, files + 1):
            item = self.items[item_id] = arr_shapes.with_episodes(self.items[item_id], number)
            path = Path(arr_events.episode_file(item, number)["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"episode")
            self.send(arr_events.series_download(item, number))
        self.send(arr_events.import_complete(self.items[item_id], range(1, files + 1)), flag="onImportComplete")

    def edit(self, item_id: int, **changes: Any) -> None:
        """Change an item without an event, as the apps do."""
        self.items[item_id] = {**self.items[item_id], **changes}

    def delete(self, item_id: int, *, files: bool = False) -> None:
        """Remove an item: the event comes after the row is gone and before its files are."""
        item = self.items.pop(item_id)
        announce = arr_events.movie_deleted if self._word == "movie" else arr_events.series_deleted
        self.send(announce(item, files=files))
        if files:
            shutil.rmtree(item["path"], ignore_errors=True)

    def send(self, body: JSON, flag: str | None = None) -> None:
        """Send to every entry that wants this event, one after another."""
        wanted = flag or _FLAG_OF.get(body["eventType"], "")
        for notification in list(self.notifications.values()):
            if notification.get(wanted):
                self.deliveries.append(self._deliver(notification, body))

    def _deliver(self, notification: JSON, body: JSON) -> Delivery:
        fields = {field["name"]: field.get("value") for field in notification["fields"]}
        return send(fields, body, f"{self.app_name}/{self.version} (alpine 3.22.2)")

    def _application(self) -> Starlette:
        api = f"{self.url_base}/api/v3"
        routes = [
            Route(f"{api}/system/status", self._status),
            Route(f"{api}/rootfolder", self._roots),
            Route(f"{api}/tag", self._empty),
            Route(f"{api}/health", self._empty),
            Route(f"{api}/{self._word}", self._list),
            Route(f"{api}/{self._word}/{{item_id:int}}", self._one),
            Route(f"{api}/notification", self._notifications, methods=["GET"]),
            Route(f"{api}/notification", self._create, methods=["POST"]),
            Route(f"{api}/notification/test", self._test, methods=["POST"]),
            Route(f"{api}/notification/{{number:int}}", self._change, methods=["GET", "PUT", "DELETE"]),
            Route(f"{self.url_base}/ping", self._ping),
        ]
        app = Starlette(routes=routes)
        app.add_middleware(BaseHTTPMiddleware, dispatch=self._guard)
        return app

    async def _guard(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Do what every answer has in common: URL base, key, content type, faults, version header."""
        path = request.url.path
        if self.url_base and not path.startswith(self.url_base + "/"):
            return Response(None, 307, {"Location": self.url_base + path})
        below = path.removeprefix(f"{self.url_base}/api/v3")
        self.requests[below] += 1
        if self.fault is not None and below.startswith(self.fault.path):
            wrong = await self.fault.answer()
            if wrong is not None:
                return wrong
        given = request.query_params.get("apikey") or request.headers.get("x-api-key")
        if given != self.api_key and not path.endswith("/ping"):
            return Response(None, 401)
        json_body = request.headers.get("content-type", "").startswith("application/json")
        if request.method in {"POST", "PUT"} and not json_body:
            return Response(None, 415)
        response = await call_next(request)
        response.headers["X-Application-Version"] = self.version
        return response

    async def _status(self, _request: Request) -> Response:
        return JSONResponse(arr_shapes.system_status(self.app_name, self.version, self.url_base))

    async def _ping(self, _request: Request) -> Response:
        return JSONResponse({"status": "OK"})

    async def _empty(self, _request: Request) -> Response:
        return JSONResponse([])

    async def _roots(self, _request: Request) -> Response:
        root = {"path": str(self.root), "accessible": True, "freeSpace": 10**12, "unmappedFolders": [], "id": 1}
        return JSONResponse([root])

    async def _list(self, request: Request) -> Response:
        tmdb_id = request.query_params.get("tmdbId") or request.query_params.get("tvdbId")
        key = "tmdbId" if self._word == "movie" else "tvdbId"
        return JSONResponse([item for item in self.items.values() if tmdb_id in {None, str(item[key])}])

    async def _one(self, request: Request) -> Response:
        item = self.items.get(request.path_params["item_id"])
        return _not_found() if item is None else JSONResponse(item)

    async def _notifications(self, _request: Request) -> Response:
        return JSONResponse([_shown(one) for one in self.notifications.values()])

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        with self._lock:
            taken = any(one["name"].lower() == body["name"].lower() for one in self.notifications.values())
            number = max(self.notifications, default=0) + 1
        if taken:
            return JSONResponse([_name_taken(body["name"])], 400)
        notification = self._resource(number, body)
        refused = await self._tested(notification)
        if refused is not None:
            return refused
        self.notifications[number] = notification
        return JSONResponse(_shown(notification), 201)

    async def _change(self, request: Request) -> Response:
        number = request.path_params["number"]
        present = self.notifications.get(number)
        if present is None:
            return _not_found()
        if request.method == "GET":
            return JSONResponse(_shown(present))
        if request.method == "DELETE":
            del self.notifications[number]
            return JSONResponse({})
        changed = self._resource(number, _unmasked(await request.json(), present))
        if changed != present and request.query_params.get("forceSave") != "true":
            refused = await self._tested(changed)
            if refused is not None:
                return refused
        self.notifications[number] = changed
        return JSONResponse(_shown(changed), 202)

    async def _test(self, request: Request) -> Response:
        body = await request.json()
        present = self.notifications.get(body.get("id", 0))
        notification = self._resource(0, _unmasked(body, present) if present else body)
        return await self._tested(notification, always=True) or JSONResponse({})

    def _resource(self, number: int, body: JSON) -> JSON:
        flags = {flag: bool(body.get(flag, False)) for flag in _FLAGS[self.app_name]}
        kept = {name: body[name] for name in ("name", "implementation", "configContract")}
        fields = [{"name": field["name"], "value": field.get("value")} for field in body["fields"]]
        return {**kept, **flags, "tags": body.get("tags", []), "fields": fields, "id": number}

    async def _tested(self, notification: JSON, *, always: bool = False) -> Response | None:
        """Run the Test inside the call, as the apps do; None where it went well."""
        if not always and not any(notification.get(flag) for flag in _FLAGS[self.app_name]):
            return None
        body = arr_events.movie_test() if self._word == "movie" else arr_events.series_test()
        delivery = await asyncio.to_thread(self._deliver, notification, body)
        self.deliveries.append(delivery)
        if delivery.ok:
            return None
        if delivery.status is None:
            detail = f"System.Net.Http.HttpRequestException: {delivery.error}\n   at …"
            return JSONResponse({"message": delivery.error, "description": detail}, 500)
        url = next(field["value"] for field in notification["fields"] if field["name"] == "url")
        words = f"Unable to post to webhook: HTTP request failed: [{delivery.status}] [POST] at [{url}]"
        fault = {"isWarning": False, "propertyName": "Url", "errorMessage": f"Unable to send test message: {words}"}
        return JSONResponse([{**fault, "severity": "error"}], 400)


def _shown(notification: JSON) -> JSON:
    fields = [
        {**field, "value": MASK} if field["name"] == "password" and field["value"] else field
        for field in notification["fields"]
    ]
    return {**notification, "implementationName": "Webhook", "fields": fields}


def _unmasked(body: JSON, present: JSON) -> JSON:
    known = {field["name"]: field["value"] for field in present["fields"]}
    fields = [
        {**field, "value": known.get("password")} if field.get("value") == MASK else field for field in body["fields"]
    ]
    return {**body, "fields": fields}


def _name_taken(name: str) -> JSON:
    return {
        "propertyName": "Name",
        "errorMessage": "Should be unique",
        "attemptedValue": name,
        "severity": "error",
        "errorCode": "PredicateValidator",
    }


def _not_found() -> Response:
    return JSONResponse(
        {
            "type": "https://tools.ietf.org/html/rfc9110#section-15.5.5",
            "title": "Not Found",
            "status": 404,
            "traceId": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        },
        404,
        media_type="application/problem+json",
    )
