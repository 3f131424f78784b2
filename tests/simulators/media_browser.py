"""Jellyfin and Emby on a real socket: who they are, their items, refresh of one, and word of changed paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.simulators.media_servers import JSON, Endpoint, MediaServerSimulator, Title

_PROVIDERS = {"tmdb": "Tmdb", "tvdb": "Tvdb", "imdb": "Imdb"}


class MediaBrowserSimulator(MediaServerSimulator):
    """What both have; titles are of the kind `Movie` or `Series`."""

    info: ClassVar[JSON]

    def _table(self) -> Sequence[tuple[str, list[str], Endpoint]]:
        return [
            ("/System/Info", ["GET"], self._info),
            ("/Items", ["GET"], self._items),
            ("/Items/{key}/Refresh", ["POST"], self._refresh),
            ("/Library/Media/Updated", ["POST"], self._updated),
        ]

    async def _info(self, _request: Request) -> Response:
        return JSONResponse({"ServerName": "attic", "Id": "b5c5", **self.info})

    async def _items(self, request: Request) -> Response:
        query = {name.lower(): value for name, value in request.query_params.items()}
        found = [
            self._item(key, title, query.get("fields", ""))
            for key, title in self.titles.items()
            if title.kind in query["includeitemtypes"].split(",") and self._fits(title, query)
        ]
        start, limit = int(query.get("startindex", 0)), int(query.get("limit", len(found)))
        return JSONResponse(
            {"Items": found[start : start + limit], "TotalRecordCount": len(found), "StartIndex": start}
        )

    def _fits(self, title: Title, query: dict[str, str]) -> bool:
        return "years" not in query or str(title.year) in query["years"].split(",")

    def _item(self, key: str, title: Title, fields: str) -> JSON:
        item: JSON = {"Id": key, "Name": "A title", "Type": title.kind, "ProductionYear": title.year}
        if "Path" in fields:
            item["Path"] = title.path
        if "ProviderIds" in fields:
            item["ProviderIds"] = {_PROVIDERS[name]: value for name, value in title.ids.items()}
        return item

    async def _refresh(self, request: Request) -> Response:
        return Response("", 204 if request.path_params["key"] in self.titles else 404)

    async def _updated(self, _request: Request) -> Response:
        return Response("", 204)
