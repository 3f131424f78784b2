"""One trailer through the real pipeline, and by yt-dlp alone: the processor time and memory of each."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path

from pydantic import SecretStr

from app.bootstrap import open_deps
from app.context import Deps
from app.crypto import new_secret_key
from app.db import runs
from app.db.schema import migrate
from app.domain.records import Rank
from app.embedded.ffmpeg import find_ffmpeg
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.pipeline.acquire import AcquireOutcome, acquire
from app.pipeline.connection_manager import manager_of
from app.pipeline.connections import add_connection, get_connection
from app.settings import Settings
from app.ytdlp.job import Job
from schemas.base import RunTrigger
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr, FakeArrs, movie_item, put_movie_on_disk
from tests.studio import processes_in, read_proc

VIDEO = "benchmark01"
SECONDS = 140
MOVIES = 20
_BARE = """
import json, os, resource, sys
import yt_dlp
from app.ytdlp.job import Job
from app.ytdlp.options import ytdlp_options

def used():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

with yt_dlp.YoutubeDL(ytdlp_options(Job(**json.loads(sys.argv[1])))) as ydl:
    before = used()
    ydl.extract_info(sys.argv[2])
    print(used() - before)
"""
"""Its start is not counted: that a child is started at all is our doing."""


@dataclass
class Acquiring:
    """Movies that want the same trailer, one after the other."""

    deps: Deps
    servers: list[int]
    place: Path
    _numbers: count[int]

    async def bare(self) -> float:
        """Give the seconds of processor time that yt-dlp takes in a process that has it loaded, ffmpeg included."""
        job = json.dumps(asdict(Job(op="fetch", target="", ffmpeg=str(find_ffmpeg(None)))))
        directory = self.place / f"bare-{next(self._numbers)}"
        directory.mkdir()
        command = [sys.executable, "-P", "-c", _BARE, job, f"https://www.youtube.com/watch?v={VIDEO}"]
        process = await asyncio.create_subprocess_exec(*command, cwd=directory, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        return float(said)

    async def acquire(self) -> float:
        """Give the seconds that a trailer takes from the claim to the record, of all processes that work on it."""
        before = self._used()
        outcome = await acquire(self.deps, Rank.BACKFILL)
        used = self._used() - before
        if outcome is not AcquireOutcome.PLACED:
            message = f"the trailer was not placed: {outcome}"
            raise RuntimeError(message)
        return used

    def megabytes(self) -> float:
        """Give the size of the largest trailer that was placed."""
        return max(path.stat().st_size for path in self.place.glob("library/*/*-trailer.mp4")) / 1e6

    async def peak_rss(self) -> float:
        """Give the most megabytes that the child had at once."""
        acquiring = asyncio.create_task(self.acquire())
        most = 0
        while not acquiring.done():
            for work_dir in self.place.glob("library/*/.trailhook-*"):
                most = max([most, *map(_peak_of, processes_in(work_dir))])
            await asyncio.sleep(0.02)
        await acquiring
        return most / 1024

    def _used(self) -> float:
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own + sum(map(_used_by_tree, self.servers))


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[Acquiring]:
    """Start a video host, Postgres and Valkey, and know the movies."""
    with ExitStack() as stack:
        plugin = _start_host(place, stack)
        os.environ["PYTHONPATH"] = str(plugin)
        stack.callback(os.environ.pop, "PYTHONPATH")
        stores = EmbeddedPostgres(place), EmbeddedValkey(place)
        for store in stores:
            await asyncio.to_thread(store.start)
            stack.callback(store.stop)
        postgres, valkey = (SecretStr(store.url) for store in stores)
        await migrate(postgres)
        settings = Settings(data_dir=place / "data", database_url=postgres, redis_url=valkey)
        async with open_deps(settings, SecretStr(new_secret_key())) as both:
            deps = replace(both.deps, arr=FakeArrs())
            await _know_movies(deps, place / "library")
            yield Acquiring(deps, [store.pid for store in stores if store.pid], place, count())


def _start_host(place: Path, stack: ExitStack) -> Path:
    """Start the video host in a process of its own; gives what leads yt-dlp to it."""
    catalogue, plugin = place / "catalogue.json", place / "plugin"
    catalogue.write_text(json.dumps([{"video_id": VIDEO, "title": "Sintel - Trailer (2010)", "seconds": SECONDS}]))
    options = ["--full-hd", "--cache", place / "clips", "--plugin-dir", plugin, "--catalogue", catalogue]
    host = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.video_host", *map(str, options)], stdout=subprocess.PIPE, text=True
    )
    stack.callback(host.wait, 30)
    stack.callback(host.terminate)
    assert host.stdout is not None
    stack.callback(host.stdout.close)
    host.stdout.readline()  # its clips are made by then
    return plugin


async def _know_movies(deps: Deps, root: Path) -> None:
    items = {
        number: movie_item(number, root, f"Sintel {number}", youTubeTrailerId=VIDEO) for number in range(1, MOVIES)
    }
    for item in items.values():
        put_movie_on_disk(item)
    url = "http://radarr.example:7878"
    assert isinstance(deps.arr, FakeArrs)
    deps.arr.arrs[url] = FakeArr(items=dict(items))
    body = {"arr_type": "radarr", "url": url, "api_key": "key", "register_webhook": False}
    connection_id = (await add_connection(deps, ConnectionCreate.model_validate(body))).connection.id
    async with deps.db.transaction() as tx:
        held = await runs.claim(tx, await runs.request(tx, connection_id, RunTrigger.MANUAL))
    assert held is not None
    await manager_of(await get_connection(deps, connection_id), deps).refresh(held)


def _peak_of(process: int) -> int:
    """Give the kilobytes that a child had at most; helpers such as ffmpeg are not it."""
    if "app.ytdlp.fetch" not in read_proc(process, "cmdline"):
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", read_proc(process, "status"), re.MULTILINE)
    return int(found[1]) if found else 0


def _used_by_tree(root: int) -> float:
    """Give the seconds of processor time of a process, its descendants, and those that ended."""
    statuses = {int(path.name): _status_of(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    tree = {root}
    while more := {process for process, (parent, _) in statuses.items() if parent in tree} - tree:
        tree |= more
    return sum(statuses[process][1] for process in tree if process in statuses)


def _status_of(process: int) -> tuple[int, float]:
    """Give its parent and its seconds, with those of the children that it has waited for."""
    fields = read_proc(process, "stat").rpartition(")")[2].split()
    return (int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")) if fields else (0, 0.0)
