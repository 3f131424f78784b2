"""Jellyfin 12: it takes its own Authorization header alone, and filters no items by ids."""

from __future__ import annotations

from typing import ClassVar

from starlette.requests import Request

from tests.simulators.media_browser import MediaBrowserSimulator
from tests.simulators.media_servers import JSON


class JellyfinSimulator(MediaBrowserSimulator):
    info: ClassVar[JSON] = {"ProductName": "Jellyfin Server", "Version": "12.0.1"}

    def _may(self, request: Request) -> bool:
        return request.headers.get("authorization") == f'MediaBrowser Token="{self.token}"'
