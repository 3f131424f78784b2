"""Emby 4: it takes X-Emby-Token, and filters items by ids as `tmdb.45745,imdb.tt1727587`."""

from __future__ import annotations

from typing import ClassVar

from starlette.requests import Request

from tests.simulators.media_browser import MediaBrowserSimulator
from tests.simulators.media_servers import JSON, Title


class EmbySimulator(MediaBrowserSimulator):
    info: ClassVar[JSON] = {"Version": "4.9.1.80", "OperatingSystem": "Linux"}

    def _may(self, request: Request) -> bool:
        return request.headers.get("x-emby-token") == self.token

    def _fits(self, title: Title, query: dict[str, str]) -> bool:
        wanted = query.get("anyprovideridequals")
        known = {f"{name}.{value}" for name, value in title.ids.items()}
        return (wanted is None or bool(known & set(wanted.split(",")))) and super()._fits(title, query)
