"""Plex: finds a title's item in its libraries and has that item refreshed; a scan alone shows no new trailer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.context import ServerTarget
from app.domain.servers import ServerItem, ServerTitle, is_below, pick_items
from app.errors import ServerBadAnswer
from app.http import HttpClients
from app.servers.http import ServerHttp
from schemas.base import MediaKind
from schemas.server import RefreshOutcome

_PAGE, _MOST_PAGES = 500, 100
_TYPES = {MediaKind.MOVIE: ("movie", "1"), MediaKind.SERIES: ("show", "2")}
# What the agents of today write, and those of before 2020.
_GUID = re.compile(r"(?:com\.plexapp\.agents\.)?(tmdb|tvdb|imdb|themoviedb|thetvdb)://(\w+)")
_CATALOGUES = {"themoviedb": "tmdb", "thetvdb": "tvdb"}


@dataclass(frozen=True, slots=True)
class _Section:
    key: str
    type: str
    folders: tuple[str, ...]


class PlexServer:
    """A `MediaServer` over Plex's HTTP API."""

    def __init__(self, clients: HttpClients, target: ServerTarget) -> None:
        token = target.token.get_secret_value()
        headers = {"X-Plex-Token": token, "X-Plex-Client-Identifier": "trailhook", "X-Plex-Product": "Trailhook"}
        self._http = ServerHttp(clients, target, headers)

    async def describe(self) -> str:
        """Say who answers; see MediaServer."""
        root = await self._container("/")
        if not isinstance(root.get("machineIdentifier"), str):
            message = f"What answers as {self._http.name} is not Plex: check the address and port."
            raise ServerBadAnswer(message)
        return f"Plex {root.get('version', '')}".strip()

    async def refresh(self, title: ServerTitle) -> RefreshOutcome:
        """Have a title looked at again; see MediaServer."""
        wanted, _ = _TYPES[title.kind]
        sections = [one for one in await self._sections() if one.type == wanted]
        holding = [one for one in sections if any(is_below(title.folder, folder) for folder in one.folders)]
        keys = [key for section in holding or sections for key in await self._find(section, title)]
        for key in keys:
            await self._http.send("PUT", f"/library/metadata/{key}/refresh")
        for section in () if keys else holding:
            await self._http.send("GET", f"/library/sections/{section.key}/refresh", {"path": title.folder})
        if keys:
            return RefreshOutcome.REFRESHED
        return RefreshOutcome.SCANNING if holding else RefreshOutcome.NOT_FOUND

    async def _sections(self) -> list[_Section]:
        container = await self._container("/library/sections")
        found = []
        for raw in _objects(container.get("Directory")):
            folders = [one["path"] for one in _objects(raw.get("Location")) if isinstance(one.get("path"), str)]
            if _is_number(raw.get("key")):
                found.append(_Section(str(raw["key"]), str(raw.get("type")), tuple(map(str, folders))))
        return found

    async def _find(self, section: _Section, title: ServerTitle) -> list[str]:
        """Look among the titles of the years around, then, where it is not there, among all."""
        years = [] if title.year is None else [{"year": ",".join(str(title.year + step) for step in (-1, 0, 1))}]
        for filters in (*years, {}):
            if keys := pick_items(title, await self._items(section, title.kind, filters)):
                return keys
        return []

    async def _items(self, section: _Section, kind: MediaKind, filters: Mapping[str, str]) -> list[ServerItem]:
        items: list[ServerItem] = []
        for page in range(_MOST_PAGES):
            asked = {
                "type": _TYPES[kind][1],
                "includeGuids": "1",
                "excludeFields": "summary,tagline",
                "X-Plex-Container-Start": str(page * _PAGE),
                "X-Plex-Container-Size": str(_PAGE),
                **filters,
            }
            found = _objects((await self._container(f"/library/sections/{section.key}/all", asked)).get("Metadata"))
            items += [_item(raw) for raw in found if _is_number(raw.get("ratingKey"))]
            if len(found) != _PAGE:  # an old server gives all of them at once
                break
        return items

    async def _container(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, object]:
        container = (await self._http.get(path, params)).get("MediaContainer")
        if not isinstance(container, dict):
            message = f"What answers as {self._http.name} is not Plex: check the address and port."
            raise ServerBadAnswer(message)
        return container


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    """Tell a key that may go into a path."""
    return isinstance(value, (str, int)) and re.fullmatch(r"[0-9]{1,18}", str(value)) is not None


def _item(raw: Mapping[str, object]) -> ServerItem:
    parts = [part for media in _objects(raw.get("Media")) for part in _objects(media.get("Part"))]
    paths = [one.get(name) for one, name in (*((part, "file") for part in parts), *_locations(raw))]
    guids = [raw.get("guid"), *(one.get("id") for one in _objects(raw.get("Guid")))]
    ids = [found for guid in guids if isinstance(guid, str) and (found := _GUID.match(guid))]
    return ServerItem(
        key=str(raw["ratingKey"]),
        paths=tuple(path for path in paths if isinstance(path, str)),
        ids=frozenset(f"{_CATALOGUES.get(found[1], found[1])}:{found[2]}" for found in ids),
    )


def _locations(raw: Mapping[str, object]) -> Iterator[tuple[dict[str, object], str]]:
    for one in _objects(raw.get("Location")):
        yield one, "path"
