"""Plex Media Server on a real socket: root, sections, their titles page by page, refresh of an item and of a path."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.simulators.media_servers import JSON, Endpoint, MediaServerSimulator, Title

_TYPES = {"1": "movie", "2": "show"}


class PlexSimulator(MediaServerSimulator):
    """`sections` are its libraries: key, type `movie` or `show`, folder; a title is in the one of its path."""

    def __init__(self, *sections: tuple[str, str, str]) -> None:
        self.sections = sections
        super().__init__()

    def _table(self) -> Sequence[tuple[str, list[str], Endpoint]]:
        return [
            ("/", ["GET"], self._root),
            ("/library/sections", ["GET"], self._list_sections),
            ("/library/sections/{key}/all", ["GET"], self._all),
            ("/library/sections/{key}/refresh", ["GET"], self._scan),
            ("/library/metadata/{key}/refresh", ["PUT"], self._refresh),
        ]

    def _may(self, request: Request) -> bool:
        return request.headers.get("x-plex-token") == self.token

    async def _root(self, _request: Request) -> Response:
        return _container(friendlyName="Attic", machineIdentifier="62ad4ec510d34450", version="1.42.2.10156-f737b826c")

    async def _list_sections(self, _request: Request) -> Response:
        listed = [
            {"key": key, "type": kind, "title": kind, "Location": [{"id": 1, "path": folder}]}
            for key, kind, folder in self.sections
        ]
        return _container(size=len(listed), Directory=listed)

    async def _all(self, request: Request) -> Response:
        kind = _TYPES[request.query_params["type"]]
        folder = next(folder for key, _, folder in self.sections if key == request.path_params["key"])
        years = request.query_params.get("year")
        found = [
            self._metadata(key, title, with_ids=request.query_params.get("includeGuids") == "1")
            for key, title in self.titles.items()
            if title.kind == kind
            and title.path.startswith(folder + "/")
            and (years is None or str(title.year) in years.split(","))
        ]
        start = int(request.query_params.get("X-Plex-Container-Start", 0))
        size = int(request.query_params.get("X-Plex-Container-Size", len(found)))
        shown = found[start : start + size]
        listed = {"Metadata": shown} if shown else {}
        return _container(size=len(shown), totalSize=len(found), offset=start, **listed)

    def _metadata(self, key: str, title: Title, *, with_ids: bool) -> JSON:
        item: JSON = {"ratingKey": key, "key": f"/library/metadata/{key}", "type": title.kind, "year": title.year}
        item["guid"] = title.ids.get("guid", f"plex://{title.kind}/5d776825880197001ec90e8a")
        if with_ids:
            item["Guid"] = [{"id": f"{name}://{value}"} for name, value in title.ids.items() if name != "guid"]
        if title.kind == "movie":
            item["Media"] = [{"id": 1, "Part": [{"id": 1, "file": title.path}]}]
        return item

    async def _scan(self, _request: Request) -> Response:
        return Response("", 200)

    async def _refresh(self, request: Request) -> Response:
        return Response("", 200 if request.path_params["key"] in self.titles else 404)


def _container(**content: object) -> JSONResponse:
    return JSONResponse({"MediaContainer": content})
