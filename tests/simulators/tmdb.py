"""TMDB's API v3 on a socket, in its documented shapes: titles with videos, look-ups by other ids, keys and refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators.server import ThreadedServer

V3_KEY = "0123456789abcdef0123456789abcdef"
V4_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ0ZXN0In0.c2lnbmF0dXJl"


def video(key: str, **changes: Any) -> dict[str, Any]:
    """Compose one entry of `videos.results`."""
    entry = {
        "id": f"id of {key}",
        "key": key,
        "site": "YouTube",
        "type": "Trailer",
        "official": True,
        "size": 1080,
        "iso_639_1": "en",
        "iso_3166_1": "US",
        "name": "Official Trailer",
        "published_at": "2010-05-01T12:00:00.000Z",
    }
    return {**entry, **changes}


@dataclass
class Tmdb:
    """Titles by kind and id; `refusals` are statuses (with Retry-After) that the next calls get instead of answers."""

    titles: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    external: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    refusals: list[tuple[int, str | None]] = field(default_factory=list)
    body: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        routes = [
            Route("/3/configuration", self._configuration),
            Route("/3/find/{external}", self._find),
            Route("/3/{kind}/{number:int}", self._title),
        ]
        self._server = ThreadedServer(Starlette(routes=routes)).start()
        self.url = f"{self._server.url}/3"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    def add(self, kind: str, number: int, *videos: dict[str, Any], original_language: str = "en") -> None:
        """Add a title of the kind `movie` or `tv`."""
        self.titles[kind, number] = {"original_language": original_language, "videos": list(videos)}

    def _configuration(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"images": {}, "change_keys": []})

    def _find(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        key = (request.query_params["external_source"], request.path_params["external"])
        found = self.external.get(key)
        lists: dict[str, list[Any]] = {"movie_results": [], "person_results": [], "tv_results": []}
        if found is not None:
            lists = {**lists, f"{found[0]}_results": [{"id": found[1], "media_type": found[0]}]}
        return JSONResponse(lists)

    def _title(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if self.body is not None:
            return Response(self.body, media_type="application/json")
        title = self.titles.get((request.path_params["kind"], request.path_params["number"]))
        if title is None:
            return _problem(404, 34, "The resource you requested could not be found.")
        wanted = request.query_params.get("include_video_language")
        languages = {"en"} if wanted is None else set(wanted.split(","))
        shown = [one for one in title["videos"] if (one["iso_639_1"] or "null") in languages]
        document = {"id": request.path_params["number"], "original_language": title["original_language"]}
        if "videos" in request.query_params.get("append_to_response", ""):
            document["videos"] = {"results": shown}
        return JSONResponse(document)

    def _refusal(self, request: Request) -> Response | None:
        self.asked.append(f"{request.url.path}?{request.url.query}")
        right = request.query_params.get("api_key") == V3_KEY
        if not right and request.headers.get("authorization") != f"Bearer {V4_TOKEN}":
            return _problem(401, 7, "Invalid API key: You must be granted a valid key.")
        if not self.refusals:
            return None
        status, retry_after = self.refusals.pop(0)
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return JSONResponse({"success": False, "status_code": 25}, status, headers)


def _problem(status: int, code: int, message: str) -> Response:
    return JSONResponse({"success": False, "status_code": code, "status_message": message}, status)
