"""New cookies and another yt-dlp: what failed for want of them goes on at once, and nothing else does."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

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


async def test_what_any_worker_had_before_is_not_new(bench: Bench) -> None:
    """A container has another name each time it is made, and several workers may have several tools."""
    await notice_new_tools(bench.deps)
    first, bench.videos.version = bench.videos.version, "2026.11.20"
    await notice_new_tools(bench.deps)
    await failed(bench, FetchFailure.UNKNOWN)
    bench.videos.version = first
    assert not await goes_on(bench)


async def test_a_first_look_changes_nothing(bench: Bench) -> None:
    await failed(bench, FetchFailure.UNKNOWN)
    assert not await goes_on(bench)


@pytest.mark.parametrize(("failure", "helped"), [(FetchFailure.GEO, True), (FetchFailure.DEAD, False)])
async def test_another_proxy(bench: Bench, tmp_path: Path, failure: FetchFailure, helped: bool) -> None:
    await notice_new_tools(bench.deps)
    await failed(bench, failure)
    for proxy in ("http://anna:secret@10.0.0.1:8080", "http://anna:other@10.0.0.1:8080"):
        settings = Settings(data_dir=tmp_path, proxy=SecretStr(proxy))
        bench.deps = replace(bench.deps, settings=settings)
        assert await goes_on(bench) is helped
        helped = False
    assert "secret" not in str(await bench.rows("SELECT * FROM setting"))


async def test_another_tmdb_key(bench: Bench, tmp_path: Path) -> None:
    await notice_new_tools(bench.deps)
    await failed(bench, FetchFailure.TRANSIENT)
    bench.deps = replace(bench.deps, settings=Settings(data_dir=tmp_path, tmdb_api_key=SecretStr("k" * 32)))
    assert await goes_on(bench)
    assert "kkkk" not in str(await bench.rows("SELECT * FROM setting"))
