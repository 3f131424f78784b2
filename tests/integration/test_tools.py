"""New cookies and another yt-dlp: what failed for want of them goes on at once, and nothing else does."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.records import Rank
from app.errors import FetchError
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.tools import notice_new_tools
from app.settings import Settings
from schemas.base import FetchFailure
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench

WATCH = "https://www.youtube.com/watch?v="


async def failed(bench: Bench, failure: FetchFailure) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    bench.videos.failures[WATCH + "vid00000007"] = FetchError("Why.", failure)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    bench.videos.failures.clear()


async def goes_on(bench: Bench) -> bool:
    await notice_new_tools(bench.deps)
    return await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED


@pytest.mark.parametrize(
    ("failure", "helped"),
    [(FetchFailure.NEEDS_COOKIES, True), (FetchFailure.SOURCE_BLOCKED, True), (FetchFailure.DEAD, False)],
)
async def test_new_cookies(bench: Bench, tmp_path: Path, failure: FetchFailure, helped: bool) -> None:
    cookies = tmp_path / "cookies.txt"
    await asyncio.to_thread(cookies.write_text, "# Netscape HTTP Cookie File\n")
    bench.deps = replace(bench.deps, settings=Settings(data_dir=tmp_path, cookies_file=cookies))
    await notice_new_tools(bench.deps)
    await failed(bench, failure)
    assert not await goes_on(bench)
    await asyncio.to_thread(os.utime, cookies, (1, 1))
    assert await goes_on(bench) is helped


@pytest.mark.parametrize(("failure", "helped"), [(FetchFailure.UNKNOWN, True), (FetchFailure.GEO, False)])
async def test_another_ytdlp(bench: Bench, failure: FetchFailure, helped: bool) -> None:
    await notice_new_tools(bench.deps)
    await failed(bench, failure)
    assert not await goes_on(bench)
    bench.videos.version = "2026.11.20"
    assert await goes_on(bench) is helped


async def test_another_machines_tools_are_its_own(bench: Bench) -> None:
    await notice_new_tools(bench.deps)
    await bench.rows("UPDATE setting SET key = 'tools:other' WHERE key LIKE 'tools:%' RETURNING 1")
    await failed(bench, FetchFailure.UNKNOWN)
    bench.videos.version = "2026.11.20"
    assert not await goes_on(bench)
