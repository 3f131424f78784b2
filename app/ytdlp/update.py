"""`trailhook update-yt-dlp`: fetch the newest yt-dlp beside the data, try it, and only then let jobs use it.

It gets a directory of its own, so that neither the lock nor a read-only image nor another user's environment stands in
the way, and nothing else changes. pip does the fetching, so its own configuration says from where.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.ytdlp_release import numbers
from app.errors import SetupError
from app.ytdlp.releases import PACKAGE, SOLVER, fetched, newest, version_in

_PIP_SECONDS = 600.0
_PROBE_SECONDS = 120.0
_KEPT = 2
_MOST_DETAIL = 300
_HALF_DONE = ".new-"


@dataclass(frozen=True, slots=True)
class Updated:
    """The version that jobs used and the one that they use now; `before` is None where there was none."""

    before: str | None
    after: str


def update(directory: Path, environment: Mapping[str, str]) -> Updated:
    """Let jobs use the newest yt-dlp from now on. Raises SetupError, and then everything is as it was."""
    current = newest(directory)
    before = None if current is None else current.version
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _alone_in(directory), tempfile.TemporaryDirectory(prefix=_HALF_DONE, dir=directory) as place:
            made = Path(place) / "packages"
            pips_own = _without_ours(environment, place)
            after = _fetch(made, pips_own)
            if before is not None and numbers(after) <= numbers(before):
                return Updated(before, before)
            _try(made, pips_own)
            made.rename(directory / after)  # from here on jobs find it
            for old in fetched(directory)[_KEPT:]:  # a job may run with the one before
                shutil.rmtree(directory / old.version, ignore_errors=True)
    except OSError as error:
        message = (
            f"Cannot write to {directory} ({error.strerror}): let this user write there, or set TRAILHOOK_DATA_DIR."
        )
        raise SetupError(message) from error
    return Updated(before, after)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Wait for others that update; then what is half done was left by one that was killed."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in directory.glob(f"{_HALF_DONE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _without_ours(environment: Mapping[str, str], temporary: str) -> dict[str, str]:
    """Give pip its own configuration, but neither our secrets nor a wish that it cannot combine with a directory.

    It works in a temporary directory of ours: in a read-only image there may be no other.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith("TRAILHOOK_")}
    return {**kept, "PIP_USER": "0", "TMPDIR": temporary}


def _fetch(place: Path, environment: dict[str, str]) -> str:
    """Put yt-dlp and the yt-dlp-ejs that it asks for into the directory; gives the version."""
    _pip(place, PACKAGE, environment)
    solver = _wanted_solver(place)
    if solver is not None:
        _pip(place, solver, environment)
    version = version_in(place, PACKAGE)
    if version is None:
        message = "pip installed no yt-dlp: look at its configuration."
        raise SetupError(message)
    return version


def _pip(place: Path, requirement: str, environment: dict[str, str]) -> None:
    how = ["--no-input", "--disable-pip-version-check", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = _run(["pip", "install", *how, "--upgrade", "--target", str(place), requirement], environment, _PIP_SECONDS)
    if done.returncode != 0:
        message = (
            f"pip could not install {requirement} ({_last_line(done.stderr)}): look at the network and at pip's "
            "configuration; the present yt-dlp stays in use."
        )
        raise SetupError(message)


def _wanted_solver(place: Path) -> str | None:
    """Read from yt-dlp's own requirements, which name one version, what has to come with it."""
    for file in place.glob("yt_dlp-*.dist-info/METADATA"):
        found = re.search(rf"^Requires-Dist: ({SOLVER} ?\(?==[\w.]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1].replace(" ", "").replace("(", "")
    return None


def _try(place: Path, environment: dict[str, str]) -> None:
    """Try it as a job would use it. Raises SetupError."""
    ours = f"{place}{os.pathsep}{environment.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    done = _run(["app.ytdlp.probe"], {**environment, "PYTHONPATH": ours}, _PROBE_SECONDS)
    if done.returncode != 0 or Path(done.stdout.strip()).resolve() != place.resolve():
        message = (
            f"The new yt-dlp does not work here ({_last_line(done.stderr)}): update Trailhook; the present yt-dlp "
            "stays in use."
        )
        raise SetupError(message)


def _run(module: list[str], environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", *module]
    try:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        message = f"{module[0]} did not end within {seconds / 60:.0f} minutes; the present yt-dlp stays in use."
        raise SetupError(message) from None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:_MOST_DETAIL] if lines else "no reason given"
