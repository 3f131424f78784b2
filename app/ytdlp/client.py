"""YouTube and Vimeo for the pipelines: each fetch and each search in a child process of its own."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import SecretStr

from app.context import FetchRequest
from app.domain.videos import FetchedTrailer, SearchHit
from app.domain.ytdlp_release import YtDlpVersions
from app.errors import FetchError, StorageError
from app.ytdlp.child import ChildDied, ChildStalled, Failed, Fetched, Found, TimeLimits, run_child
from app.ytdlp.failures import RawFailure, clean_detail, meaning_of
from app.ytdlp.job import Job
from app.ytdlp.releases import newest, versions
from schemas.base import FetchFailure, StorageProblem
from schemas.media import canonical_trailer_url
from schemas.policy import Prefer

_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TZ")
_PROXY_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})
_MOST_WORDS = 200
_NO_FILES = Path("/")
"""Where a search works: it writes nothing, so there is nothing to sweep after a worker that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What yt-dlp needs of this machine.

    `ffmpeg` is the program, `ffmpeg_dir` a directory in which it is called `ffmpeg`: yt-dlp looks for it both ways.
    `cache_dir` keeps what yt-dlp learnt of YouTube's player between jobs, `releases` the yt-dlps fetched anew.
    """

    ffmpeg: Path
    ffmpeg_dir: Path
    cookies_file: Path | None = None
    cache_dir: Path | None = None
    releases: Path | None = None
    proxy: SecretStr | None = None
    max_bytes: int = 2 * 1024**3
    limits: TimeLimits = field(default_factory=TimeLimits)


class YtDlpVideos:
    """`Videos` by yt-dlp; what each method promises is said there."""

    def __init__(self, tools: Tools, environment: Mapping[str, str] | None = None) -> None:
        """Take from the environment (None: this process's own) only what a child needs."""
        self._tools = tools
        self._environment = dict(os.environ if environment is None else environment)

    async def fetch(self, request: FetchRequest, progress: Callable[[float | None], None]) -> FetchedTrailer:
        policy = request.policy
        job = self._job(
            "fetch",
            canonical_trailer_url(request.url),
            max_height=policy.max_height,
            min_height=policy.min_height,
            compatible=policy.prefer is Prefer.COMPATIBILITY,
            min_seconds=policy.min_seconds,
            max_seconds=policy.max_seconds,
            subtitles=policy.subtitles,
            loudness=policy.loudness,
            convert=policy.convert,
        )
        done = await self._run(job, request.work_dir, progress)
        if not isinstance(done, Fetched):
            raise _unknown("it searched instead of fetching")
        facts = done.model_dump(exclude={"event", "file"})
        return FetchedTrailer(path=request.work_dir / done.file, **facts)

    async def search(self, query: str, limit: int) -> list[SearchHit]:
        job = self._job("search", " ".join(query.split())[:_MOST_WORDS], max_hits=limit)
        done = await self._run(job, _NO_FILES, lambda _: None)
        if not isinstance(done, Found):
            raise _unknown("it fetched instead of searching")
        return [SearchHit(**hit.model_dump()) for hit in done.hits[:limit]]

    def versions(self) -> YtDlpVersions:
        return versions(self._tools.releases)

    async def _run(self, job: Job, work_dir: Path, progress: Callable[[float | None], None]) -> Fetched | Found:
        try:
            environment = await asyncio.to_thread(self._child_environment, work_dir)
            told = await run_child(job, work_dir, environment, self._tools.limits, progress)
        except ChildStalled:
            message = "The download came to a standstill or took too long; it is tried again."
            raise FetchError(message, FetchFailure.TRANSIENT) from None
        except ChildDied as error:
            raise _unknown(self._without_secrets(str(error))) from None
        except OSError as error:
            raise _cannot_start(error, work_dir) from error
        if isinstance(told, Failed):
            raise self._error_of(told)
        return told

    def _job(self, op: Literal["fetch", "search"], target: str, **wanted: Any) -> Job:
        tools = self._tools
        return Job(
            op=op,
            target=target,
            ffmpeg=str(tools.ffmpeg),
            max_bytes=tools.max_bytes,
            cookies_file=str(tools.cookies_file) if tools.cookies_file else None,
            cache_dir=str(tools.cache_dir) if tools.cache_dir else None,
            proxy=tools.proxy.get_secret_value() if tools.proxy else None,
            **wanted,
        )

    def _child_environment(self, work_dir: Path) -> dict[str, str]:
        passed_on = {name: self._environment[name] for name in _PASSED_ON if name in self._environment}
        path = self._environment.get("PATH", os.defpath)
        release = newest(self._tools.releases)
        if release is not None and release.path is not None:
            passed_on["PYTHONPATH"] = os.pathsep.join(filter(None, (str(release.path), passed_on.get("PYTHONPATH"))))
        own = {} if work_dir == _NO_FILES else {"TMPDIR": str(work_dir), "XDG_CACHE_HOME": str(work_dir / ".cache")}
        return {"LANG": "C.UTF-8", **passed_on, "PATH": f"{self._tools.ffmpeg_dir}{os.pathsep}{path}", **own}

    def _error_of(self, told: Failed) -> FetchError | StorageError:
        raw = RawFailure(
            names=frozenset(told.names),
            text=self._without_secrets(told.text),
            warnings=tuple(told.warnings),
            error_number=told.error_number,
            http_status=told.http_status,
            expected=told.expected,
            free_bytes=told.free_bytes,
            folder_gone=told.folder_gone,
            countries=tuple(told.countries),
            seconds_left=told.seconds_left,
        )
        meaning = meaning_of(raw)
        if meaning.problem is not None:
            return StorageError(meaning.message, meaning.problem)
        return FetchError(
            meaning.message,
            meaning.failure,
            certain=meaning.certain,
            retry_after=meaning.retry_after,
            countries=meaning.countries,
        )

    def _without_secrets(self, text: str) -> str:
        """Take the proxy's address, user and password out of a program's own words, however badly it is written."""
        if self._tools.proxy is None:
            return text
        proxy = self._tools.proxy.get_secret_value()
        log_in = _words(proxy.rpartition("@")[0])
        parts = {proxy, *log_in, *(word for word in _words(proxy) if len(word) > 3)}
        for secret in sorted(parts | set(map(unquote, parts)), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def _words(address: str) -> set[str]:
    return {word for word in re.split(r"[:@/?#]+", address) if word} - _PROXY_SCHEMES


def _unknown(text: str) -> FetchError:
    lines = [line for line in text.splitlines() if line.strip()]
    detail = clean_detail(lines[-1]) if lines else "it was killed"
    return FetchError(f"yt-dlp ended without a result ({detail}).", FetchFailure.UNKNOWN, certain=False)


def _cannot_start(error: OSError, work_dir: Path) -> FetchError | StorageError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return StorageError(f"{work_dir} is gone; the trailer is tried again.", StorageProblem.MISSING)
    message = f"yt-dlp cannot be started ({error.strerror}): look at the memory and the limits of this machine."
    return FetchError(message, FetchFailure.OUR_SETUP, certain=False)
