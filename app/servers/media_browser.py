"""Jellyfin and Emby, which come from one program and still share most of its API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from app.context import ServerTarget
from app.domain.servers import ServerItem, ServerTitle, pick_items
from app.errors import ServerBadAnswer
from app.http import HttpClients
from app.servers.http import ServerHttp
from schemas.base import MediaKind
from schemas.server import RefreshOutcome, ServerKind

_PAGE, _MOST_PAGES = 1000, 50
_TYPES = {MediaKind.MOVIE: "Movie", MediaKind.SERIES: "Series"}
# The least that looks for new files beside the title; nothing that is there is replaced.
_REFRESH = {
    "Recursive": "false",
    "MetadataRefreshMode": "Default",
    "ImageRefreshMode": "Default",
    "ReplaceAllMetadata": "false",
    "ReplaceAllImages": "false",
}


class MediaBrowserServer:
    """A `MediaServer` over Jellyfin's or Emby's HTTP API.

    Jellyfin takes the token in its Authorization header alone from 12.0 on; Emby documents X-Emby-Token.
    """

    def __init__(self, clients: HttpClients, target: ServerTarget) -> None:
        token = target.token.get_secret_value()
        self._is_emby = target.kind is ServerKind.EMBY
        headers = {"X-Emby-Token": token} if self._is_emby else {"Authorization": f'MediaBrowser Token="{token}"'}
        self._http = ServerHttp(clients, target, headers)
        self._kind = target.kind

    async def describe(self) -> str:
        """Say who answers; see MediaServer."""
        info = await self._http.get("/System/Info")
        is_jellyfin = str(info.get("ProductName", "")).startswith("Jellyfin")
        if not isinstance(info.get("Version"), str) or is_jellyfin is self._is_emby:
            message = f"What answers as {self._http.name} is not {self._kind.app_name}: check the address and the kind."
            raise ServerBadAnswer(message)
        return f"{self._kind.app_name} {info['Version']}"

    async def refresh(self, title: ServerTitle) -> RefreshOutcome:
        """Have a title looked at again; see MediaServer."""
        keys = await self._find(title)
        for key in keys:
            await self._http.send("POST", f"/Items/{quote(key, safe='')}/Refresh", _REFRESH)
        if keys:
            return RefreshOutcome.REFRESHED
        update = {"Path": title.folder, "UpdateType": "Modified"}
        await self._http.send("POST", "/Library/Media/Updated", body={"Updates": [update]})
        return RefreshOutcome.SCANNING

    async def _find(self, title: ServerTitle) -> list[str]:
        for filters in self._filters(title):
            if keys := pick_items(title, await self._items(title.kind, filters)):
                return keys
        return []

    def _filters(self, title: ServerTitle) -> list[dict[str, str]]:
        """Narrow the list down, from what gives least: Emby knows ids, Jellyfin only years; all of it at last."""
        ids = ",".join(sorted(one.replace(":", ".", 1) for one in title.ids))
        by_id = [{"AnyProviderIdEquals": ids}] if self._is_emby and ids else []
        by_year = [] if title.year is None else [{"Years": ",".join(str(title.year + step) for step in (-1, 0, 1))}]
        return [*by_id, *by_year, {}]

    async def _items(self, kind: MediaKind, filters: Mapping[str, str]) -> list[ServerItem]:
        items: list[ServerItem] = []
        for page in range(_MOST_PAGES):
            asked = {
                "Recursive": "true",
                "IncludeItemTypes": _TYPES[kind],
                "Fields": "Path,ProviderIds",
                "EnableImages": "false",
                "StartIndex": str(page * _PAGE),
                "Limit": str(_PAGE),
                **filters,
            }
            found = (await self._http.get("/Items", asked)).get("Items")
            if not isinstance(found, list):
                message = f"{self._http.name} gave a list that cannot be used: update it."
                raise ServerBadAnswer(message)
            items += [_item(raw) for raw in found if isinstance(raw, dict) and _is_key(raw.get("Id"))]
            if len(found) < _PAGE:
                break
        return items


def _is_key(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z-]{1,64}", value) is not None


def _item(raw: Mapping[str, object]) -> ServerItem:
    path, ids = raw.get("Path"), raw.get("ProviderIds")
    known = ids.items() if isinstance(ids, dict) else ()
    return ServerItem(
        key=str(raw["Id"]),
        paths=(path,) if isinstance(path, str) else (),
        ids=frozenset(f"{str(name).lower()}:{value}" for name, value in known if value),
    )
