"""A video host with the tools to fetch from it, and what is left of a fetch: processes and names."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from app.context import FetchRequest
from app.domain.policy import Policy
from app.domain.videos import FetchedTrailer
from app.errors import FetchError
from app.ytdlp.client import Tools, YtDlpVideos
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin

SECONDS = 24
_REMOVED = " (deleted)"
_NUMBERS = count(1)


@dataclass(frozen=True)
class Studio:
    """The video host and the tools to fetch from it."""

    host: VideoHost
    tools: Tools
    environment: dict[str, str] = field(repr=False)

    def videos(self, **tools: Any) -> YtDlpVideos:
        return YtDlpVideos(replace(self.tools, **tools), self.environment)

    def add(self, title: str = "A trailer", **facts: Any) -> str:
        """Put a video into the catalogue and give its address."""
        video_id = f"video{next(_NUMBERS):06d}"
        self.host.add(video_id, title, **{"seconds": SECONDS, **facts})
        return f"https://www.youtube.com/watch?v={video_id}"


@contextmanager
def open_studio(place: Path) -> Iterator[Studio]:
    ffmpeg = Path(imageio_ffmpeg.get_ffmpeg_exe())
    (place / "bin").mkdir()
    (place / "bin" / "ffmpeg").symlink_to(ffmpeg)
    with VideoHost(ffmpeg, place / "clips") as host:
        plugin = write_plugin(place / "plugin", host.url)
        environment = {**os.environ, "PYTHONPATH": str(plugin), "TRAILHOOK_API_KEY": "s3cret-key"}
        yield Studio(host, Tools(ffmpeg=ffmpeg, ffmpeg_dir=place / "bin"), environment)


def clip(studio: Studio, name: str) -> bytes:
    studio.add()
    return (studio.host._cache / f"{SECONDS}s" / name).read_bytes()


def run_ffmpeg(studio: Studio, *arguments: str) -> str:
    """Give what it says on standard error."""
    command = [str(studio.tools.ffmpeg), "-hide_banner", "-nostats", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def ignore(_percent: float | None) -> None:
    pass


async def fetch(videos: YtDlpVideos, url: str, work_dir: Path, policy: Policy | None = None) -> FetchedTrailer:
    return await videos.fetch(FetchRequest(url, work_dir, policy or Policy()), ignore)


async def failure_of(videos: YtDlpVideos, url: str, work_dir: Path, policy: Policy | None = None) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await fetch(videos, url, work_dir, policy)
    assert processes_in(work_dir) == []
    return caught.value


def processes_in(directory: Path) -> list[int]:
    """Give the living processes that work in a directory, be it removed: the child, and what it started."""
    processes = (process for process in Path("/proc").iterdir() if process.name.isdigit())
    return [int(process.name) for process in processes if _works_in(process, directory)]


def _works_in(process: Path, directory: Path) -> bool:
    """Look at where it is, and at where it puts its temporary files: a helper inherits that wherever it goes."""
    try:
        if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        if os.fspath((process / "cwd").readlink()).removesuffix(_REMOVED) == str(directory):
            return True
        return f"TMPDIR={directory}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def names_of(processes: list[int]) -> list[str]:
    return [read_proc(process, "cmdline").replace("\0", " ") for process in processes]


def read_proc(process: int, name: str) -> str:
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except OSError:
        return ""


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.01)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def slow_ffmpeg(directory: Path, real: Path) -> Path:
    """Write an ffmpeg that knows its version and then works for ever, in a process of its own that ignores SIGINT."""
    script = directory / "ffmpeg"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *-version*|*-bsfs*) exec "{real}" "$@";; esac\ntrap "" INT\nsleep 600\n'
    )
    script.chmod(0o755)
    return script
