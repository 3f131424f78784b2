"""The pages in a real Chromium: a first minute by hand, live without a reload, at phone width, no complaints."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Page, async_playwright, expect

from app.domain.records import Rank
from app.pipeline.acquire import AcquireOutcome, acquire
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

ARR = "http://radarr.example:7878"
LONG = "The Incredibly Strange Creatures Who Stopped Living and Became Mixed-Up Zombies!!?"
PAGES = (
    "/",
    "/activity",
    "/connections",
    "/connections/new",
    "/servers",
    "/settings",
    "/health",
    "/titles/1",
    "/nowhere",
)


@dataclass
class Opened:
    """A page, and what the browser complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.base + path)


@asynccontextmanager
async def chromium(base: str, **context: object) -> AsyncIterator[Opened]:
    program = shutil.which("chromium")
    assert program is not None, "Install Chromium: apt-get install chromium."
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=sandbox)
        page = await (await browser.new_context(**context)).new_page()  # type: ignore[arg-type] # its options
        opened = Opened(page, base)
        page.on("console", lambda told: opened.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        yield opened
        await browser.close()


@pytest.fixture
async def base(bench: Bench) -> AsyncIterator[str]:
    async with serving(bench.deps) as client:
        yield str(client.base_url)


async def sign_in(opened: Opened) -> None:
    await opened.go("/")
    await opened.page.get_by_label("API key").fill(API_KEY)
    await opened.page.get_by_role("button", name="Sign in").click()
    await expect(opened.page.get_by_role("navigation", name="Pages")).to_be_visible()


async def test_a_first_minute_by_hand_and_then_live(bench: Bench, base: str) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    bench.arrs.arrs[ARR] = FakeArr(items={7: item})
    async with chromium(base) as opened:
        await sign_in(opened)
        await opened.go("/connections/new")
        await opened.page.get_by_label("Address").fill(ARR)
        await opened.page.get_by_label("API key").fill("the key of the arr")
        await opened.page.get_by_role("button", name="Test and connect").click()
        await expect(opened.page.get_by_role("heading", name="Radarr")).to_be_visible()
        ((connection,),) = await bench.rows("SELECT id FROM connection")
        await opened.go("/")
        await opened.page.evaluate("window.neverReloaded = true")
        await bench.sync(connection, 7)
        row = opened.page.get_by_role("row", name="Sintel")
        await expect(row).to_contain_text("monitored", timeout=15_000)
        bench.videos.gate = asyncio.Event()
        download = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
        await expect(row).to_contain_text("downloading 50 %", timeout=15_000)
        bench.videos.gate.set()
        assert await download is AcquireOutcome.PLACED
        await expect(row).to_contain_text("downloaded", timeout=15_000)
        assert await opened.page.evaluate("window.neverReloaded") is True
        await row.get_by_role("link", name="Sintel").click()
        await opened.page.get_by_role("button", name="Not this one").click()
        await expect(opened.page.get_by_role("status")).to_contain_text("will not come again")
        await opened.page.get_by_role("button", name="Sign out").click()
        await expect(opened.page.get_by_label("API key")).to_be_visible()
        assert opened.complaints == []


async def test_no_page_is_wider_than_a_phone(bench: Bench, base: str) -> None:
    item = movie_item(7, bench.root, LONG)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}), "Radarr with a name that is rather long")
    await bench.sync(connection, 7)
    await acquire(bench.deps, Rank.BACKFILL)
    async with chromium(base, viewport={"width": 375, "height": 740}, color_scheme="dark") as opened:
        await sign_in(opened)
        for path in PAGES:
            await opened.go(path)
            width = await opened.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 375, path
            nav = opened.page.get_by_role("navigation", name="Pages")
            if await nav.count():
                assert await nav.evaluate("bar => bar.scrollWidth - bar.clientWidth") <= 0, path
        refused = [told for told in opened.complaints if "404" not in told]
        assert refused == []
