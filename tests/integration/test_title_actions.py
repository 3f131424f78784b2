"""What a person does with one title: fetch now, look again, "not this one"; by the API and on its page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.domain.records import Rank
from app.domain.videos import SearchHit
from app.errors import FetchError
from app.pipeline.acquire import AcquireOutcome, acquire
from schemas.base import FetchFailure, Reason
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.browsing import browsing
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

WATCH = "https://www.youtube.com/watch?v="
OURS = "Sintel (2010) Bluray-1080p-trailer.mp4"
HIT = SearchHit("right000000", "Sintel - Official Trailer (2010)", None, 100, is_live=False)


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def imported(bench: Bench) -> tuple[int, Path]:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    return title.id, folder


async def post(client: httpx.AsyncClient, media_id: int, action: str) -> tuple[int, str]:
    answer = await client.post(f"/api/v1/media/{media_id}/{action}")
    body = answer.json()
    return answer.status_code, body["error"]["code"] if "error" in body else body["status"]


async def test_a_trailer_that_is_not_the_right_one_goes_and_never_comes_again(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    media_id, folder = await imported(bench)
    bench.videos.hits = [HIT]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert await post(client, media_id, "reject-trailer") == (202, "monitored")
    assert not (folder / OURS).exists()
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    assert bench.videos.fetched == [WATCH + "vid00000007", WATCH + "right000000"]
    detail = (await client.get(f"/api/v1/media/{media_id}")).json()
    assert detail["trailer"]["video_id"] == "right000000"
    told = [(one["video_id"], one["fate"]) for one in detail["attempts"][0]["candidates"]]
    assert told == [("vid00000007", "rejected"), ("right000000", "taken")]
    assert await post(client, media_id, "reject-trailer") == (202, "monitored")
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.FAILED
    title = await bench.title(7)
    assert title is not None
    assert (title.reason, len(bench.videos.fetched)) == (Reason.NO_CANDIDATE, 2)


async def test_a_rejected_choice_of_a_person_is_taken_back(bench: Bench, client: httpx.AsyncClient) -> None:
    media_id, _ = await imported(bench)
    await client.patch(f"/api/v1/media/{media_id}", json={"trailer_url": "vid00000007"})
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    await post(client, media_id, "reject-trailer")
    assert (await client.get(f"/api/v1/media/{media_id}")).json()["trailer_url"] is None


async def test_a_trailer_that_is_not_ours_is_left_alone(bench: Bench, client: httpx.AsyncClient) -> None:
    media_id, folder = await imported(bench)
    assert await post(client, media_id, "reject-trailer") == (409, "conflict")
    (folder / "a person's-trailer.mkv").write_bytes(b"theirs")
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FOUND
    assert await post(client, media_id, "reject-trailer") == (409, "not_ours")
    assert (folder / "a person's-trailer.mkv").exists()


async def test_a_trailer_that_somebody_changed_is_left_alone(bench: Bench, client: httpx.AsyncClient) -> None:
    media_id, folder = await imported(bench)
    await acquire(bench.deps, Rank.BACKFILL)
    (folder / OURS).write_bytes(b"cut by hand")
    assert await post(client, media_id, "reject-trailer") == (409, "not_ours")
    assert (folder / OURS).read_bytes() == b"cut by hand"


async def test_fetching_now_forgives_what_failed(bench: Bench, client: httpx.AsyncClient) -> None:
    media_id, _ = await imported(bench)
    bench.videos.failures[WATCH + "vid00000007"] = FetchError("It is private.", FetchFailure.DEAD)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    bench.videos.failures.clear()
    assert await post(client, media_id, "download") == (202, "monitored")
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    assert await post(client, media_id, "download") == (409, "has_trailer")
    assert await post(client, 999, "download") == (404, "not_found")


async def test_fetching_now_says_why_it_cannot(bench: Bench, client: httpx.AsyncClient) -> None:
    item = movie_item(7, bench.root, hasFile=False, movieFile=None)
    put_movie_on_disk(movie_item(8, bench.root, "Other"))
    await asyncio.to_thread(Path(item["path"]).mkdir)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    answer = await client.post("/api/v1/media/1/download")
    assert answer.status_code == 409
    assert "Nothing has been imported yet" in answer.json()["error"]["message"]


async def test_looking_again_asks_the_arr_without_an_event(bench: Bench, client: httpx.AsyncClient) -> None:
    media_id, folder = await imported(bench)
    (folder / "Sintel-trailer.mp4").write_bytes(b"theirs")
    await bench.rows("UPDATE item_sync SET next_at = now() RETURNING 1")
    assert await post(client, media_id, "sync") == (202, "monitored")
    assert await bench.rows("SELECT requested_seq - synced_seq FROM item_sync") == [(1,)]
    (connection,) = await bench.rows("SELECT id FROM connection")
    assert await (await bench.manager(connection[0])).sync(7) == "synced"
    title = await bench.title(7)
    assert title is not None
    assert title.trailer_exists


async def test_the_page_of_a_title_does_the_same(bench: Bench) -> None:
    media_id, folder = await imported(bench)
    await acquire(bench.deps, Rank.BACKFILL)
    at = f"/titles/{media_id}"
    async with browsing(bench.deps) as browser:
        page = await browser.open(at)
        assert OURS in page
        assert "Named by the app" in page
        shown = await browser.follow(await browser.send(f"{at}/reject", {}))
        assert "will not come again" in shown
        assert not (folder / OURS).exists()
        shown = await browser.follow(await browser.send(f"{at}/reject", {}))
        assert "has no trailer to reject" in shown
        shown = await browser.follow(await browser.send(f"{at}/monitor", {"monitor": "no"}))
        assert "The title is not monitored." in shown
        wrong = await browser.send(f"{at}/choose", {"trailer_url": "https://evil.example/x"})
        assert wrong.status_code == 422
        assert "give an 11-character YouTube id" in wrong.text
        assert "https://evil.example/x" in wrong.text
        saved = await browser.follow(await browser.send(f"{at}/choose", {"trailer_url": "chosen00001"}))
        assert "Your choice is saved." in saved
        assert "watch?v=chosen00001" in saved
        assert (await browser.send(f"{at}/explode", {})).status_code == 404
