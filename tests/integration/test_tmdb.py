"""TMDB over a real socket: what is asked, what is made of the answers, and what of every refusal."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from app.context import CatalogueQuestion
from app.domain.records import Rank
from app.errors import CatalogueError
from app.http import HttpClients
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.media import update_media
from app.tmdb.client import TmdbClient
from schemas.base import FetchFailure, MediaKind, Reason
from schemas.media import MediaUpdate
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.simulators.tmdb import V3_KEY, V4_TOKEN, Tmdb, video

WATCH = "https://www.youtube.com/watch?v="
MOVIE = CatalogueQuestion(MediaKind.MOVIE, 45, None, None, ("de", "en"))
SERIES = CatalogueQuestion(MediaKind.SERIES, None, 81189, "tt0903747", ("en",))


@pytest.fixture
def tmdb() -> Iterator[Tmdb]:
    with Tmdb() as started:
        yield started


@pytest.fixture
async def clients() -> AsyncIterator[HttpClients]:
    async with HttpClients("0") as opened:
        yield opened


@pytest.mark.parametrize("key", [V3_KEY, V4_TOKEN])
async def test_one_call_brings_all_languages(tmdb: Tmdb, clients: HttpClients, key: str) -> None:
    tmdb.add(
        *("movie", 45),
        *(
            video("german00001", iso_639_1="de"),
            video("silent00001", iso_639_1=None),
            video("french00001", iso_639_1="fr"),
        ),
        original_language="de",
    )
    client = TmdbClient(clients, SecretStr(key), tmdb.url)
    await client.check()
    answer = await client.videos_of(MOVIE)
    assert (answer.original_language, [one.key for one in answer.videos]) == ("de", ["german00001", "silent00001"])
    assert len(tmdb.asked) == 2
    assert (key in tmdb.asked[1]) is (key == V3_KEY)


async def test_one_malformed_video_is_one_video(tmdb: Tmdb, clients: HttpClients) -> None:
    tmdb.add("movie", 45, video("broken00001", size=None), video("trailer0001"))
    answer = await TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url).videos_of(MOVIE)
    assert [one.key for one in answer.videos] == ["trailer0001"]


async def test_an_original_language_that_nobody_expected_is_asked_for_too(tmdb: Tmdb, clients: HttpClients) -> None:
    tmdb.add("movie", 45, video("korean00001", iso_639_1="ko"), original_language="ko")
    answer = await TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url).videos_of(MOVIE)
    assert [one.key for one in answer.videos] == ["korean00001"]


async def test_a_series_is_found_by_other_ids(tmdb: Tmdb, clients: HttpClients) -> None:
    client = TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url)
    assert (await client.videos_of(SERIES)).videos == ()
    tmdb.add("tv", 1396, video("trailer0001"))
    tmdb.external["imdb_id", "tt0903747"] = ("tv", 1396)
    assert [one.key for one in (await client.videos_of(SERIES)).videos] == ["trailer0001"]
    tmdb.external["tvdb_id", "81189"] = ("tv", 1396)
    assert len((await client.videos_of(SERIES)).videos) == 1


async def test_a_title_that_it_does_not_have(tmdb: Tmdb, clients: HttpClients) -> None:
    answer = await TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url).videos_of(MOVIE)
    assert (answer.original_language, answer.videos) == (None, ())


@pytest.mark.parametrize("key", ["f" * 32, "not.a.token"])
async def test_a_wrong_key_is_told_and_not_sent_again_and_again(tmdb: Tmdb, clients: HttpClients, key: str) -> None:
    client = TmdbClient(clients, SecretStr(key), tmdb.url)
    for _ in range(3):
        with pytest.raises(CatalogueError, match="does not take the key") as caught:
            await client.videos_of(MOVIE)
        told = "".join(traceback.format_exception(caught.value, chain=True))
        assert key not in told
        assert caught.value.__cause__ is caught.value.__context__ is None
    assert len(tmdb.asked) == 1


async def test_a_short_pause_is_kept_and_a_long_one_comes_back_later(tmdb: Tmdb, clients: HttpClients) -> None:
    tmdb.add("movie", 45, video("trailer0001"))
    client = TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url)
    tmdb.refusals = [(429, "0")]
    assert len((await client.videos_of(MOVIE)).videos) == 1
    tmdb.refusals = [(429, "60")]
    for _ in range(2):
        with pytest.raises(CatalogueError, match="asks for a pause"):
            await client.videos_of(MOVIE)
    assert len(tmdb.asked) == 3


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"videos": {"results": 5}}', b'{"overview": "' + b"x" * (5 << 20)]
)
async def test_an_answer_that_is_none(tmdb: Tmdb, clients: HttpClients, body: bytes) -> None:
    tmdb.body = body
    with pytest.raises(CatalogueError, match="cannot be read"):
        await TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url).videos_of(MOVIE)


async def test_nobody_there(clients: HttpClients) -> None:
    with pytest.raises(CatalogueError, match="does not answer"):
        await TmdbClient(clients, SecretStr(V3_KEY), "http://127.0.0.1:9/3").videos_of(MOVIE)


async def wanted(bench: Bench, tmdb: Tmdb, clients: HttpClients) -> int:
    bench.deps = replace(bench.deps, catalogue=TmdbClient(clients, SecretStr(V4_TOKEN), tmdb.url))
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    connection = await bench.connect(FakeArr(items={7: item}))
    await bench.sync(connection, 7)
    title = await bench.title(7)
    assert title is not None
    return title.id


async def test_a_catalogue_that_cannot_be_asked_does_not_mean_that_there_is_nothing(
    bench: Bench, tmdb: Tmdb, clients: HttpClients
) -> None:
    await wanted(bench, tmdb, clients)
    await bench.rows("UPDATE media SET youtube_trailer_id = NULL RETURNING 1")
    tmdb.refusals += [(401, None)] * 3
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    title = await bench.title(7)
    assert title is not None
    assert (title.last_failure, title.reason) == (FetchFailure.TRANSIENT, Reason.BACKING_OFF)
    assert "TMDB" in (title.failure_text or "")


async def test_its_videos_come_before_the_arrs(bench: Bench, tmdb: Tmdb, clients: HttpClients) -> None:
    tmdb.add(
        "movie", 45007, video("teaser00001", type="Teaser"), video("clip0000001", type="Clip"), video("trailer0001")
    )
    media_id = await wanted(bench, tmdb, clients)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert bench.videos.fetched == [f"{WATCH}trailer0001"]
    (row,) = await bench.rows(
        f"SELECT trailer.source, candidates FROM trailer, attempt WHERE attempt.media_id = {media_id}"
    )
    assert row[0] == "tmdb"
    assert [(one["video_id"], one["fate"]) for one in row[1]] == [
        ("clip0000001", "refused"),
        ("trailer0001", "taken"),
        ("teaser00001", "untried"),
        ("vid00000007", "untried"),
    ]
    assert [one["score"] is None for one in row[1]] == [False, False, False, True]  # nothing is known of the Arr's
    assert row[1][0]["why"] == "It is no trailer but a Clip."


async def test_a_persons_choice_asks_nobody(bench: Bench, tmdb: Tmdb, clients: HttpClients) -> None:
    media_id = await wanted(bench, tmdb, clients)
    await update_media(bench.deps, media_id, MediaUpdate(trailer_url="chosen00001"))
    assert await acquire(bench.deps, Rank.PERSON) is AcquireOutcome.PLACED
    assert (bench.videos.fetched, tmdb.asked) == ([f"{WATCH}chosen00001"], [])


async def test_a_wrong_key_keeps_no_trailer_away(bench: Bench, tmdb: Tmdb, clients: HttpClients) -> None:
    media_id = await wanted(bench, tmdb, clients)
    bench.deps = replace(bench.deps, catalogue=TmdbClient(clients, SecretStr("f" * 32), tmdb.url))
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert bench.videos.fetched == [f"{WATCH}vid00000007"]
    (row,) = await bench.rows(f"SELECT candidates FROM attempt WHERE media_id = {media_id}")
    assert row[0][0] == {
        "source": "tmdb",
        "video_id": None,
        "fate": "failed",
        "title": None,
        "score": None,
        "why": "TMDB does not take the key: copy it again from your account's API settings into TMDB_API_KEY.",
    }
