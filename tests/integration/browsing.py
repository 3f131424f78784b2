"""A person with a browser without scripts: signed in, sends the forms that the pages have."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx

from app.context import Deps
from tests.integration.serving import API_KEY, serving

_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    """Follows no redirect by itself; `open` and `follow` give a page's text and check its status."""

    def __init__(self, client: httpx.AsyncClient, base: str = "") -> None:
        self.client = client
        self.base = base
        self.token = ""

    async def sign_in(self) -> None:
        await self.client.post(f"{self.base}/login", data={"api_key": API_KEY})
        found = _TOKEN.search(await self.open("/"))
        assert found is not None
        self.token = found[1]

    async def open(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(self.base + path)
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    async def send(self, path: str, fields: dict[str, str | list[str]] | None = None) -> httpx.Response:
        """Send a form as the page has it, with its token."""
        return await self.client.post(self.base + path, data={"csrf": self.token, **(fields or {})})

    async def follow(self, answer: httpx.Response) -> str:
        """Open the page that a form leads to."""
        assert answer.status_code == 303, answer.text
        page = await self.client.get(answer.headers["location"])
        assert page.status_code == 200, page.text
        return unescape(page.text)


@asynccontextmanager
async def browsing(deps: Deps) -> AsyncIterator[Browser]:
    """Give a browser that is signed in to a service on these parts."""
    async with serving(deps) as client:
        browser = Browser(client, deps.settings.url_base)
        await browser.sign_in()
        yield browser
