"""The real processes, started as a user starts them, with simulated Arrs and a simulated video host around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.embedded.ffmpeg import find_ffmpeg
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import Stack


@dataclass(frozen=True)
class World:
    """Everything that a test can reach."""

    stack: Stack
    radarr: ArrSimulator
    sonarr: ArrSimulator
    host: VideoHost


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("world")
    with (
        VideoHost(find_ffmpeg(None), place / "clips") as host,
        ArrSimulator("Radarr", place / "library/movies") as radarr,
        ArrSimulator("Sonarr", place / "library/tv") as sonarr,
        Stack(place / "service", write_plugin(place / "plugin", host.url), STOP_GRACE="6") as stack,
    ):
        yield World(stack, radarr, sonarr, host)


def files_below(root: Path) -> set[str]:
    """List what is there, hidden things and directories too."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}
