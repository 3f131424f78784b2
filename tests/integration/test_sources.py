"""Sources in trouble: what pauses them, what waits, who probes, and that no title is charged for them."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from app.cli.tables import status_table
from app.context import CatalogueQuestion
from app.domain.catalogue import CatalogueAnswer, CatalogueVideo
from app.domain.records import Rank
from app.errors import FetchError, StorageError
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.media import download_now, update_media
from schemas.base import FetchFailure, Reason, StorageProblem
from schemas.media import MediaUpdate
from schemas.status import StatusRead
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

WATCH = "https://www.youtube.com/watch?v="
BOT = FetchError("YouTube wants to see that we are no bot.", FetchFailure.SOURCE_BLOCKED)
ODD = FetchError("The video is not available.", FetchFailure.SOURCE_BLOCKED, certain=False)


async def movies(bench: Bench, count: int) -> None:
    items = {number: movie_item(number, bench.root, f"Movie {number}") for number in range(1, count + 1)}
    connection = await bench.connect(FakeArr(items=items))
    for number, item in items.items():
        put_movie_on_disk(item)
        await bench.sync(connection, number)


async def charged(bench: Bench) -> list[int]:
    return [row[0] for row in await bench.rows("SELECT tries FROM media ORDER BY id")]


async def let_time_pass(bench: Bench) -> None:
    await bench.rows("UPDATE source SET paused_until = paused_until - interval '3 hours' RETURNING 1")


async def test_a_blocked_source_pauses_all_and_charges_none(bench: Bench) -> None:
    await movies(bench, 3)
    for number in (1, 2, 3):
        bench.videos.failures[f"{WATCH}vid0000000{number}"] = BOT
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    assert (await charged(bench), bench.videos.fetched) == ([0, 0, 0], [f"{WATCH}vid00000001"])
    assert await bench.rows("SELECT outcome, failure FROM attempt") == [("failed", "source_blocked")]
    async with serving(bench.deps) as client:
        client.headers["X-Api-Key"] = API_KEY
        titles = (await client.get("/api/v1/media")).json()["items"]
        status = (await client.get("/api/v1/status")).json()["downloads"]
    assert {one["reason"] for one in titles} == {Reason.SOURCE_PAUSED}
    assert titles[0]["reason_text"] == f"Downloads are paused. {BOT.message}"
    assert titles[0]["next_try_at"] == status["paused_until"] is not None
    assert status["paused_reason"] == BOT.message


async def test_one_probe_goes_first_and_what_it_finds_holds_for_all(bench: Bench) -> None:
    await movies(bench, 3)
    bench.videos.failures[f"{WATCH}vid00000001"] = BOT
    await acquire(bench.deps, Rank.BACKFILL)
    await let_time_pass(bench)
    bench.videos.gate = asyncio.Event()
    tries = [asyncio.create_task(acquire(bench.deps, Rank.BACKFILL)) for _ in range(3)]
    await bench.until(lambda: sum(task.done() for task in tries) == 2)
    bench.videos.gate.set()
    assert sorted(await asyncio.gather(*tries)) == [AcquireOutcome.FAILED] + [AcquireOutcome.NOTHING_DUE] * 2
    (pause,) = await bench.rows("SELECT level, paused_until - now() > interval '119 minutes' FROM source")
    assert pause == (1, True)
    del bench.videos.failures[f"{WATCH}vid00000001"]
    await let_time_pass(bench)
    for _ in range(3):
        assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert await bench.rows("SELECT name FROM source") == []
    assert await charged(bench) == [0, 0, 0]


async def test_three_suspicious_videos_in_a_row_pause_it_and_are_forgiven(bench: Bench) -> None:
    await movies(bench, 4)
    await bench.rows("UPDATE connection SET policy = '{\"search\": false}' RETURNING 1")
    for number in (1, 2, 3):
        bench.videos.failures[f"{WATCH}vid0000000{number}"] = ODD
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await charged(bench) == [1, 1, 0, 0]
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    assert await charged(bench) == [0, 0, 0, 0]


async def test_a_video_that_answers_clearly_ends_the_row(bench: Bench) -> None:
    await movies(bench, 4)
    await bench.rows("UPDATE connection SET policy = '{\"search\": false}' RETURNING 1")
    for number, error in enumerate((ODD, ODD, FetchError("It is private.", FetchFailure.DEAD), ODD), 1):
        bench.videos.failures[f"{WATCH}vid0000000{number}"] = error
    for _ in range(4):
        assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await bench.rows("SELECT is_open, jsonb_array_length(suspects) FROM source") == [(False, 1)]


async def test_a_persons_click_probes_before_the_time(bench: Bench) -> None:
    await movies(bench, 2)
    bench.videos.failures[f"{WATCH}vid00000001"] = BOT
    await acquire(bench.deps, Rank.BACKFILL)
    title = await bench.title(2)
    assert title is not None
    await update_media(bench.deps, title.id, MediaUpdate(trailer_url="chosen00001"))
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert await bench.rows("SELECT name FROM source") == []
    bench.videos.failures.clear()
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED


def shown(status: StatusRead) -> str:
    """Give what `trailhook status` prints."""
    console = Console(width=1000, file=io.StringIO())
    with console.capture() as captured:
        console.print(status_table(status))
    return captured.get()


@pytest.mark.parametrize(
    ("problem", "failures"),
    [(StorageProblem.FULL, 1), (StorageProblem.READ_ONLY, 1), (StorageProblem.NOT_WRITABLE, 3)],
)
async def test_a_root_folder_in_trouble_is_paused_alone(bench: Bench, problem: StorageProblem, failures: int) -> None:
    await movies(bench, 4)
    other = await bench.title(4)
    assert other is not None
    await bench.rows(f"UPDATE media SET root_path = '/elsewhere' WHERE id = {other.id} RETURNING 1")
    for number in (1, 2, 3):
        bench.videos.failures[f"{WATCH}vid0000000{number}"] = StorageError("There is no space left.", problem)
    for _ in range(failures):
        assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.FAILED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    assert await charged(bench) == [0, 0, 0, 0]
    assert await bench.rows("SELECT name FROM source WHERE is_open") == [(f"root:{bench.root}",)]
    async with serving(bench.deps) as client:
        client.headers["X-Api-Key"] = API_KEY
        titles = (await client.get("/api/v1/media")).json()["items"]
        answer = await client.get("/api/v1/status")
        await client.post("/login", data={"api_key": API_KEY})
        page = await client.get("/")
    status = answer.json()["downloads"]
    assert (status["paused_until"], status["paused_reason"]) == (None, None)
    (paused,) = status["paused_roots"]
    assert (paused["root_path"], paused["paused_reason"]) == (str(bench.root), "There is no space left.")
    assert paused["paused_until"] == titles[0]["next_try_at"] is not None
    assert f"Downloads into {bench.root} are paused" in page.text
    assert f"{bench.root} paused, tried again" in shown(StatusRead.model_validate_json(answer.content))
    assert [one["reason"] for one in titles] == [Reason.SOURCE_PAUSED] * 3 + [None]


async def test_a_worker_that_dies_during_its_probe_leaves_the_next_one_to_probe(bench: Bench) -> None:
    await movies(bench, 2)
    bench.videos.failures[f"{WATCH}vid00000001"] = BOT
    await acquire(bench.deps, Rank.BACKFILL)
    await let_time_pass(bench)
    bench.videos.gate = asyncio.Event()
    probe = asyncio.create_task(acquire(bench.deps, Rank.BACKFILL))
    await bench.until(lambda: len(bench.videos.fetched) == 2)
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.NOTHING_DUE
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    bench.videos.gate.set()
    bench.videos.failures.clear()
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    title = await bench.title(1)
    assert title is not None
    assert title.next_try_at is None or title.next_try_at < bench.deps.now() + timedelta(minutes=1)


class VimeoFirst:
    """A catalogue that knows one Vimeo video for every title."""

    async def videos_of(self, _question: CatalogueQuestion) -> CatalogueAnswer:
        video = CatalogueVideo("Vimeo", "123456", "Trailer", True, 1080, "en", "Official Trailer", None)
        return CatalogueAnswer("en", (video,))

    async def check(self) -> None:
        return


VIMEO = "https://vimeo.com/123456"


async def test_another_source_than_the_titles_own_holds_nobody_up(bench: Bench) -> None:
    bench.deps = replace(bench.deps, catalogue=VimeoFirst())
    await movies(bench, 3)
    bench.videos.failures[VIMEO] = BOT
    for _ in range(3):
        assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert bench.videos.fetched == [VIMEO, *(f"{WATCH}vid0000000{number}" for number in (1, 2, 3))]
    assert await bench.rows("SELECT name, is_open FROM source") == [("vimeo", True)]


async def test_what_one_source_gives_says_nothing_of_another(bench: Bench) -> None:
    await movies(bench, 2)
    bench.videos.failures[f"{WATCH}vid00000001"] = BOT
    await acquire(bench.deps, Rank.BACKFILL)
    await let_time_pass(bench)
    bench.deps = replace(bench.deps, catalogue=VimeoFirst())
    assert await acquire(bench.deps, Rank.BACKFILL) is AcquireOutcome.PLACED
    assert bench.videos.fetched[-1] == VIMEO
    assert await bench.rows("SELECT name FROM source") == [("youtube",)]


async def test_a_persons_click_is_one_try(bench: Bench) -> None:
    await movies(bench, 2)
    bench.videos.failures[f"{WATCH}vid00000001"] = BOT
    await acquire(bench.deps, Rank.BACKFILL)
    title = await bench.title(1)
    assert title is not None
    await download_now(bench.deps, title.id)
    outcomes = [await acquire(bench.deps, Rank.BACKFILL) for _ in range(4)]
    assert outcomes == [AcquireOutcome.FAILED, *[AcquireOutcome.NOTHING_DUE] * 3]
