"""Whatever an Arr, its events, its failures and the disk do: one clean refresh later the database says the same."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.arr.factory import ArrFactory
from app.arr.radarr import parse_movie
from app.files.library import DiskLibrary
from app.http import ArrPatience, HttpClients
from app.pipeline.connections import add_connection, get_connection
from app.pipeline.titles import stage
from schemas.base import RunOutcome
from schemas.connection import ConnectionCreate
from tests.fakes import as_raw
from tests.integration.conftest import Bench
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator

STEPS = 25
FAULTS = (
    faults.unauthorized(),
    faults.server_error("/movie"),
    faults.login_page("/movie"),
    faults.cut("/movie"),
    faults.empty_list("/movie"),
    faults.other_app("Sonarr"),
)
COMPARED = ("tmdb_id", "title", "overview", "year", "youtube_trailer_id", "folder_path", "media_exists", "monitor")


@dataclass
class World:
    """One Radarr, what is on disk, and chance."""

    bench: Bench
    radarr: ArrSimulator
    connection: int
    chance: random.Random
    added: int = 0
    done: list[str] = field(default_factory=list)

    def some(self) -> int | None:
        return self.chance.choice(sorted(self.radarr.items)) if self.radarr.items else None

    async def add(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.added += 1
            item = self.radarr.add(f"Film {self.added}", 2000 + self.added, youtube_trailer_id=f"v{self.added:010d}")
            if self.chance.random() < 0.7:
                self.radarr.import_file(item)

    async def edit(self) -> None:
        changes: list[dict[str, Any]] = [
            {"title": f"Renamed {self.chance.random()}"},
            {"overview": None},
            {"youTubeTrailerId": None},
            {"popularity": self.chance.random()},
            {"path": f"{self.bench.root}/Moved {self.chance.random()}"},
            {"tmdbId": 10**6 + self.chance.randrange(10**6)},
        ]
        if (item := self.some()) is not None:
            self.radarr.edit(item, **self.chance.choice(changes))

    async def delete(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2, 5])):
            if (item := self.some()) is not None:
                self.radarr.delete(item, files=self.chance.random() < 0.5)

    async def rebuild(self) -> None:
        numbers = list(self.radarr.items)
        self.chance.shuffle(numbers)
        shuffled = {
            number: {**item, "id": number} for number, item in zip(numbers, self.radarr.items.values(), strict=True)
        }
        self.radarr.items.clear()
        self.radarr.items.update(shuffled)

    async def tell(self) -> None:
        """Let an event come in, of an item that may be gone."""
        await self.bench.sync(self.connection, self.some() or 1)
        await self.bench.sync(self.connection, self.chance.randint(1, self.added + 1))

    async def refresh(self) -> None:
        await self.bench.refresh(self.connection)

    async def refresh_while_events_come(self) -> None:
        await asyncio.gather(self.bench.refresh(self.connection), self.tell(), return_exceptions=False)

    async def fail(self) -> None:
        self.radarr.fault = self.chance.choice(FAULTS)
        await self.bench.refresh(self.connection)
        if self.chance.random() < 0.5:
            await self.bench.sync(self.connection, self.some() or 1)
        self.radarr.fault = None
        await self.bench.rows("UPDATE connection SET probe_at = now() RETURNING 1")

    async def touch_the_disk(self) -> None:
        if (item := self.some()) is None:
            return
        folder = self.radarr.folder(item)
        if not folder.is_dir():
            return
        trailer = folder / "some-trailer.mp4"
        if trailer.exists():
            trailer.unlink()
        elif self.chance.random() < 0.8:
            trailer.write_bytes(b"trailer")
        else:
            shutil.rmtree(folder)

    async def step(self) -> None:
        verbs: list[Callable[[], Awaitable[None]]] = [
            *(self.add, self.edit, self.edit, self.delete, self.rebuild, self.tell, self.refresh),
            *(self.refresh_while_events_come, self.fail, self.touch_the_disk, self.touch_the_disk),
        ]
        verb = self.chance.choice(verbs)
        self.done.append(getattr(verb, "__name__", ""))
        await verb()

    async def expected(self) -> dict[int, tuple[object, ...]]:
        connection = await get_connection(self.bench.deps, self.connection)
        staged = [stage(parse_movie(as_raw(item)), connection) for item in self.radarr.items.values()]
        return {
            one.created.arr_id: tuple(
                getattr(one, name) if hasattr(one, name) else getattr(one.created, name) for name in COMPARED
            )
            for one in staged
        }

    async def found(self) -> dict[int, tuple[object, ...]]:
        rows = await self.bench.rows(f"SELECT arr_id, {', '.join(COMPARED)} FROM media WHERE missing_since IS NULL")
        return {row[0]: tuple(row[1:]) for row in rows}


@pytest.fixture
async def world(bench: Bench) -> AsyncIterator[World]:
    library = DiskLibrary(trust_after=0)
    with ArrSimulator("Radarr", bench.root) as radarr:
        async with HttpClients("test") as clients:
            deps = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())), library=library)
            new = {"arr_type": "radarr", "url": radarr.url, "api_key": radarr.api_key, "register_webhook": False}
            connection = (await add_connection(deps, ConnectionCreate.model_validate(new))).connection.id
            yield World(replace(bench, deps=deps), radarr, connection, random.Random())
    library.close()


@pytest.mark.parametrize("seed", range(6))
async def test_one_clean_refresh_makes_the_database_equal_to_the_arr(world: World, seed: int) -> None:
    world.chance.seed(seed)
    await world.add()
    for _ in range(STEPS):
        await world.step()
    run = await world.bench.refresh(world.connection)
    if run.outcome is RunOutcome.HELD:
        run = await world.bench.refresh(world.connection, accept=True)
    assert run.outcome is RunOutcome.COMPLETED, (run.error, world.done)
    assert await world.found() == await world.expected(), world.done
    assert await world.bench.rows("SELECT count(*) FROM media WHERE missing_since IS NOT NULL") == [(0,)]
    there = {item for item in world.radarr.items if (world.radarr.folder(item) / "some-trailer.mp4").exists()}
    rows = await world.bench.rows("SELECT arr_id, trailer_exists, disk_state FROM media")
    assert there <= {arr_id for arr_id, exists, _ in rows if exists}
    assert {arr_id for arr_id, exists, state in rows if exists and state == "ready"} == there
    again = await world.bench.refresh(world.connection)
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)
