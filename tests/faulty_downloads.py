"""Downloads that are placed while something breaks, and a watcher that looks at the final names all the time."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.context import FetchRequest
from app.domain.policy import Policy
from app.errors import FetchError, StorageError
from app.files.library import DiskLibrary
from app.ytdlp.client import Tools, YtDlpVideos
from tests.studio import SECONDS, Studio, processes_in, until

FINAL_NAME = "Sintel (2010)-trailer.mp4"
WORK_DIR = ".trailhook-1"
KINDS = ("mp4", "hls", "dash")
LONGEST = 2.0  # s, about what an undisturbed run takes
AT_ONCE = 3
CANCELLED = "cancelled"
_PAUSE = 0.001
_SLOW = 30_000  # bytes a second


class Fault(StrEnum):
    """What breaks: the worker or its child is killed, the disk is full, or the host serves something broken."""

    WORKER_KILLED = "worker killed"
    CHILD_KILLED = "child killed"
    DISK_FULL = "disk full"
    CUT = "cut body"
    MISSING = "missing segment"
    LYING = "lying length"


@dataclass
class Tally:
    """What became of the runs; `wrong` and `orphans` say where it went wrong."""

    runs: Counter[str] = field(default_factory=Counter)
    placed: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


class Watcher:
    """Reads every file as soon as it has a name that a media server would see, and once more at the end."""

    def __init__(self, right: frozenset[str]) -> None:
        self.wrong: list[str] = []
        self._right = right
        self._folders: set[Path] = set()
        self._seen: set[Path] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def add(self, folder: Path) -> None:
        """Watch a folder from now on."""
        self._folders = {*self._folders, folder}

    def remove(self, folder: Path) -> None:
        """Look for the last time."""
        self._folders = self._folders - {folder}
        for path in visible_in(folder):
            self._judge(path)

    def _watch(self) -> None:
        while not self._stop.wait(_PAUSE):
            for folder in self._folders:
                for path in visible_in(folder):
                    if path not in self._seen:
                        self._seen.add(path)
                        self._judge(path)

    def _judge(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            body = path.read_bytes()
            if hashlib.sha256(body).hexdigest() not in self._right:
                self.wrong.append(f"{path.parent.name}/{path.name}: {len(body)} bytes")


def visible_in(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return [Path(entry) for entry in entries if not entry.name.startswith(".")]
    return []


async def download(videos: YtDlpVideos, library: DiskLibrary, url: str, folder: Path) -> None:
    """Fetch and place as a worker does."""
    work_dir = await library.make_work_dir(folder, WORK_DIR)
    try:
        fetched = await videos.fetch(FetchRequest(url, work_dir, Policy()), lambda _: None)
        await library.place(fetched.path, folder, FINAL_NAME)
    finally:
        await library.remove_work_dir(folder, WORK_DIR)


class FaultyDownloads:
    """Runs downloads from a studio into folders of their own below `place`."""

    def __init__(self, studio: Studio, place: Path, seed: int) -> None:
        self.tally = Tally()
        self._studio, self._place = studio, place
        self._random = random.Random(seed)
        self._library = DiskLibrary()
        self._number = 0

    def close(self) -> None:
        self._library.close()

    async def run(self, faults: Sequence[Fault]) -> None:
        """Do all runs, a few at once; what was wrong is in the tally."""
        right = frozenset([await self._undisturbed(kind) for kind in KINDS])
        with Watcher(right) as watcher:
            limit = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(self._limited(limit, self._run(fault, watcher)) for fault in faults))
        self.tally.wrong += watcher.wrong

    async def cancel(self, times: int) -> None:
        """Cancel so many downloads, each at a moment of its own; those that end before do not count."""
        limit = asyncio.Semaphore(AT_ONCE)
        while (missing := times - self.tally.runs[CANCELLED]) > 0:
            await asyncio.gather(*(self._limited(limit, self._cancel_one()) for _ in range(missing)))

    async def _limited(self, limit: asyncio.Semaphore, work: Coroutine[Any, Any, None]) -> None:
        async with limit:
            await work

    async def _undisturbed(self, kind: str) -> str:
        folder = self._folder()
        await download(self._studio.videos(), self._library, self._studio.add(kind=kind), folder)
        return hashlib.sha256((folder / FINAL_NAME).read_bytes()).hexdigest()

    async def _run(self, fault: Fault, watcher: Watcher) -> None:
        self.tally.runs[fault] += 1
        folder = self._folder()
        with small_disk(folder, self._random.randint(100, 2200)) if fault is Fault.DISK_FULL else _any_disk():
            watcher.add(folder)
            try:
                await self._break(fault, folder)
                await self.look_for_orphans(fault, folder)
            finally:
                await self._library.remove_work_dir(folder, WORK_DIR)
                self._count(fault, placed=(folder / FINAL_NAME).exists())
                watcher.remove(folder)

    def _count(self, fault: Fault, *, placed: bool) -> None:
        self.tally.placed[fault] += placed
        if placed and fault in {Fault.CUT, Fault.MISSING, Fault.LYING}:
            self.tally.wrong.append(f"{fault}: it was placed")

    async def _break(self, fault: Fault, folder: Path) -> None:
        kind, moment = self._random.choice(KINDS), self._random.uniform(0.05, LONGEST)
        add = self._studio.add
        match fault:
            case Fault.WORKER_KILLED:
                slow = self.tally.runs[fault] % 2  # a child that lived on would be at it for long
                await self._with_worker_killed(add(kind=kind, rate=_SLOW if slow else None), folder, moment)
            case Fault.CHILD_KILLED:
                killer = asyncio.create_task(_kill_child(folder / WORK_DIR, moment))
                await self._try(fault, add(kind=kind), folder)
                killer.cancel()
                await asyncio.gather(killer, return_exceptions=True)
            case Fault.DISK_FULL:
                await self._try(fault, add(kind=kind), folder)
            case Fault.CUT:
                await self._try(fault, add(kind=kind, cut=True), folder)
            case Fault.MISSING:
                await self._try(fault, add(kind="hls", missing=f"part{self._random.randrange(6):03d}.ts"), folder)
            case Fault.LYING:
                claimed = self._random.choice([SECONDS - 4, SECONDS + 4, 2 * SECONDS])
                await self._try(fault, add(kind=kind, claimed_seconds=claimed), folder)

    async def _try(self, fault: Fault, url: str, folder: Path) -> None:
        try:
            await download(self._studio.videos(), self._library, url, folder)
        except FetchError as error:
            self.tally.failures[f"{fault}: {error.failure}"] += 1
        except StorageError as error:
            self.tally.failures[f"{fault}: {error.problem}"] += 1

    async def _with_worker_killed(self, url: str, folder: Path, moment: float) -> None:
        tools = self._studio.tools
        arguments = [str(tools.ffmpeg), str(tools.ffmpeg_dir), url, str(folder)]
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faulty_downloads", *arguments, env=self._studio.environment
        )
        begin = time.monotonic()
        while not (folder / WORK_DIR).exists() and time.monotonic() - begin < 10:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.wait(), moment)
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()

    async def look_for_orphans(self, what: str, folder: Path) -> None:
        """Count what goes on in a folder's work directory; a killed worker's child may end a moment after it."""
        patience = 5.0 if what == Fault.WORKER_KILLED else 0.01
        try:
            await until(lambda: not processes_in(folder / WORK_DIR), patience)
        except TimeoutError:
            self.tally.orphans.append(f"{what}: {processes_in(folder / WORK_DIR)}")

    async def _cancel_one(self) -> None:
        folder = self._folder()
        url = self._studio.add(kind=self._random.choice(KINDS), rate=self._random.choice([None, 1_000_000]))
        work = asyncio.create_task(download(self._studio.videos(), self._library, url, folder))
        await asyncio.sleep(self._random.uniform(0, LONGEST))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        self.tally.runs[CANCELLED if work.cancelled() else "finished before"] += 1
        left = processes_in(folder / WORK_DIR)
        if left or (folder / WORK_DIR).exists():
            self.tally.orphans.append(f"cancelled: {left}")

    def _folder(self) -> Path:
        self._number += 1
        folder = self._place / f"{self._number}"
        folder.mkdir(parents=True)
        return folder


async def _kill_child(work_dir: Path, moment: float) -> None:
    """Kill one of its processes, the child or a helper."""
    await asyncio.sleep(moment)
    for process in processes_in(work_dir)[-1:]:
        with suppress(ProcessLookupError):
            os.kill(process, 9)


@contextmanager
def small_disk(folder: Path, kilobytes: int, *, read_only: bool = False) -> Iterator[None]:
    """Mount one over a folder, where `can_mount` says that this can be done."""
    options = f"size={kilobytes}k{',ro' if read_only else ''}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def _any_disk() -> Iterator[None]:
    yield


def can_mount(place: Path) -> bool:
    """Say whether a small disk can be had here."""
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode == 0:
        subprocess.run(["umount", place], check=True)
    return mounted.returncode == 0


def main() -> None:
    """Be the worker that is going to be killed."""
    ffmpeg, ffmpeg_dir, url, folder = sys.argv[1:]
    videos = YtDlpVideos(Tools(ffmpeg=Path(ffmpeg), ffmpeg_dir=Path(ffmpeg_dir)))
    asyncio.run(download(videos, DiskLibrary(), url, Path(folder)))


if __name__ == "__main__":
    main()
