"""Which yt-dlp the next job uses: the newest of the installed one and those that `trailhook update-yt-dlp` fetched.

A fetched one is a directory named after its version, with yt-dlp and the yt-dlp-ejs that it asks for in it. A child has
it first on its path, so that no running process has to know of it.
"""

from __future__ import annotations

import importlib.metadata
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.domain.ytdlp_release import YtDlpVersions, numbers

RELEASES = "yt-dlp"
"""The directory of the fetched ones, in the data directory."""
PACKAGE, SOLVER = "yt-dlp", "yt-dlp-ejs"
_VERSION = re.compile(r"\d{4}(\.\d{1,9}){2,4}(\.?dev\d+)?")


@dataclass(frozen=True, slots=True)
class Release:
    """A yt-dlp; `path` is None for the installed one."""

    version: str
    path: Path | None = None


def fetched(directory: Path) -> list[Release]:
    """Give the fetched ones, the newest first."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        found = [Release(path.name, path) for path in directory.iterdir() if _VERSION.fullmatch(path.name)]
        return sorted(found, key=lambda release: numbers(release.version), reverse=True)
    return []


def newest(directory: Path | None) -> Release | None:
    """Give the one that the next job uses, None where there is none."""
    installed = version_in(None, PACKAGE)
    known = [] if installed is None else [Release(installed)]
    known += [] if directory is None else fetched(directory)[:1]
    return max(known, key=lambda release: numbers(release.version), default=None)


def versions(directory: Path | None) -> YtDlpVersions:
    """Say which yt-dlp the next job uses, and with which scripts for YouTube's challenges."""
    release = newest(directory)
    if release is None:
        return YtDlpVersions(None, None)
    return YtDlpVersions(release.version, version_in(release.path, SOLVER))


def version_in(path: Path | None, package: str) -> str | None:
    """Give the version of a package in a directory, else (None) of the installed one; read anew."""
    in_reach = importlib.metadata.distributions
    known = in_reach(name=package) if path is None else in_reach(name=package, path=[str(path)])
    found = next(iter(known), None)
    return None if found is None else found.version
