"""Hand-written stand-ins at the Protocols, for tests that need an outside thing to do exactly this."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.arr.items import raw_item
from app.arr.radarr import parse_movie
from app.arr.sonarr import parse_series
from app.context import ArrTarget, FetchRequest, RawItem, WebhookEntry
from app.domain.videos import FetchedTrailer, SearchHit
from app.domain.ytdlp_release import YtDlpVersions
from app.errors import ArrItemGone, FetchError
from schemas.arr.common import HealthIssue, Notification, RootFolder, SystemStatus
from schemas.media import MediaCreate

_PASSWORD = {"name": "password", "value": "********"}


@dataclass
class FakeArr:
    """A Radarr or Sonarr in memory: set `items`, `error` (raised by every call) or `item_errors` (by id)."""

    app_name: str = "Radarr"
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    error: Exception | None = None
    item_errors: dict[int, Exception] = field(default_factory=dict)
    unlisted: set[int] = field(default_factory=set)
    roots: list[str] = field(default_factory=list)
    tags: dict[int, str] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    webhooks: dict[int, WebhookEntry] = field(default_factory=dict)
    webhook_error: Exception | None = None
    gate: asyncio.Event | None = None
    list_error: Exception | None = None

    async def get_system_status(self) -> SystemStatus:
        self._fail()
        return SystemStatus(app_name=self.app_name, version="6.0.4.10291")

    async def get_all_media(self) -> AsyncGenerator[RawItem, None]:
        self._fail()
        for arr_id, item in self.items.items():
            if arr_id not in self.unlisted:
                yield as_raw(item)
        if self.list_error is not None:
            raise self.list_error

    async def get_media(self, arr_id: int) -> RawItem:
        self.asked.append(arr_id)
        answer = self.items.get(arr_id)
        item = None if answer is None else dict(answer)
        if self.gate is not None:
            await self.gate.wait()
        self._fail()
        if arr_id in self.item_errors:
            raise self.item_errors[arr_id]
        if item is None:
            raise ArrItemGone(f"{self.app_name} has no item {arr_id}.")
        return as_raw(item)

    async def get_root_folders(self) -> list[RootFolder]:
        self._fail()
        return [RootFolder(id=number, path=path) for number, path in enumerate(self.roots, 1)]

    async def get_tags(self) -> dict[int, str]:
        self._fail()
        return dict(self.tags)

    async def get_webhooks(self) -> list[Notification]:
        self._fail()
        return [
            Notification.model_validate(
                {"id": number, "name": entry.name, "fields": [{"name": "url", "value": entry.url}, _PASSWORD]}
            )
            for number, entry in self.webhooks.items()
        ]

    async def test_webhook(self, notification_id: int) -> None:
        self._fail()
        if self.webhook_error is not None:
            raise self.webhook_error

    async def get_health(self) -> list[HealthIssue]:
        self._fail()
        return []

    async def save_webhook(self, entry: WebhookEntry, notification_id: int | None) -> int:
        self._fail()
        if self.webhook_error is not None:
            raise self.webhook_error
        number = notification_id or len(self.webhooks) + 1
        self.webhooks[number] = entry
        return number

    async def delete_webhook(self, notification_id: int) -> None:
        self._fail()
        self.webhooks.pop(notification_id, None)

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class FakeArrs:
    """Leads every connection to the fake of its address."""

    arrs: dict[str, FakeArr] = field(default_factory=dict)

    def radarr(self, target: ArrTarget) -> FakeArr:
        return self.arrs[target.url]

    def sonarr(self, target: ArrTarget) -> FakeArr:
        return self.arrs[target.url]

    def parse_movie(self, raw: RawItem) -> MediaCreate:
        return parse_movie(raw)

    def parse_series(self, raw: RawItem) -> MediaCreate:
        return parse_series(raw)


@dataclass
class FakeVideos:
    """Videos that are a few bytes; `failures` by address, `hits` for every search, `gate` holds fetches back."""

    failures: dict[str, Exception] = field(default_factory=dict)
    hits: list[SearchHit] = field(default_factory=list)
    gate: asyncio.Event | None = None
    fetched: list[str] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    version: str = "2026.8.19"
    under_way: int = 0
    most_at_once: int = 0
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def fetch(self, request: FetchRequest, progress: Callable[[float | None], None]) -> FetchedTrailer:
        self.fetched.append(request.url)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            progress(50.0)
            if self.gate is not None:
                await self.gate.wait()
            if request.url in self.failures:
                raise self.failures[request.url]
            return self._file(request.work_dir)
        finally:
            self.under_way -= 1

    async def search(self, query: str, limit: int) -> list[SearchHit]:
        self.searched.append(query)
        return self.hits[:limit]

    def versions(self) -> YtDlpVersions:
        return YtDlpVersions(self.version, "0.8.0")

    def _file(self, work_dir: Path) -> FetchedTrailer:
        path = work_dir / "video.mp4"
        path.write_bytes(b"trailer %d" % next(self._numbers))
        return FetchedTrailer(path, "x" * 11, "A trailer", 120.0, 1280, 720, "h264", "aac", path.stat().st_size)


def fails(failure: Any, text: str = "The video is gone.") -> FetchError:
    return FetchError(text, failure)


def as_raw(item: Mapping[str, Any]) -> RawItem:
    """Give an item as its Arr sends it."""
    return raw_item(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def movie_item(arr_id: int, root: Path, title: str = "Sintel", **changes: Any) -> dict[str, Any]:
    """Compose Radarr's movie with its file imported; the folder is `<root>/<title> (2010)`."""
    name = f"{title} (2010)"
    item: dict[str, Any] = {
        "id": arr_id,
        "title": title,
        "originalTitle": title,
        "originalLanguage": {"id": 1, "name": "English"},
        "cleanTitle": title.lower().replace(" ", ""),
        "year": 2010,
        "path": f"{root}/{name}",
        "rootFolderPath": str(root),
        "hasFile": True,
        "movieFile": {"id": arr_id, "movieId": arr_id, "relativePath": f"{name} Bluray-1080p.mkv", "size": 5},
        "monitored": True,
        "runtime": 15,
        "tmdbId": 45000 + arr_id,
        "imdbId": f"tt{1727000 + arr_id}",
        "titleSlug": str(45000 + arr_id),
        "youTubeTrailerId": f"vid{arr_id:08d}",
        "genres": ["Animation"],
        "tags": [],
        "images": [],
        "added": "2026-11-20T08:00:00Z",
    }
    return {key: value for key, value in {**item, **changes}.items() if value is not None}


def series_item(arr_id: int, root: Path, title: str = "Pioneer One", **changes: Any) -> dict[str, Any]:
    """Compose Sonarr's series with files imported; the folder is `<root>/<title>`."""
    item: dict[str, Any] = {
        "id": arr_id,
        "title": title,
        "originalLanguage": {"id": 1, "name": "English"},
        "cleanTitle": title.lower().replace(" ", ""),
        "year": 2010,
        "path": f"{root}/{title}",
        "rootFolderPath": f"{root}/",
        "monitored": True,
        "runtime": 33,
        "network": "VODO",
        "tvdbId": 170000 + arr_id,
        "tmdbId": 0,
        "titleSlug": title.lower().replace(" ", "-"),
        "genres": ["Drama"],
        "tags": [],
        "images": [],
        "added": "2026-11-20T08:00:00Z",
        "statistics": {"seasonCount": 1, "episodeFileCount": 6},
    }
    return {key: value for key, value in {**item, **changes}.items() if value is not None}


def put_movie_on_disk(item: dict[str, Any]) -> Path:
    """Make the folder and the file that a movie item names."""
    folder = Path(item["path"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / item["movieFile"]["relativePath"]).write_bytes(b"movie")
    return folder


def put_series_on_disk(item: dict[str, Any]) -> Path:
    """Make the folder of a series with one episode."""
    folder = Path(item["path"])
    (folder / "Season 01").mkdir(parents=True, exist_ok=True)
    (folder / "Season 01" / "S01E01.mkv").write_bytes(b"episode")
    return folder
