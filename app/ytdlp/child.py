"""Run one child process, hear what it tells, and make sure that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from app.ytdlp.job import Job

_MOST_LINE_BYTES = 1 << 20
_MOST_STDERR_BYTES = 4096
_GONE_POLL_SECONDS = 0.01
Stream = TypeVar("Stream", asyncio.StreamReader, asyncio.StreamWriter)


class Progress(BaseModel):
    """The job goes on; percent is None while unknown."""

    event: Literal["progress"]
    percent: float | None


class Fetched(BaseModel):
    """A verified file in the work directory."""

    event: Literal["fetched"]
    file: str = Field(pattern=r"^[^/\x00]+$")
    video_id: str
    title: str
    size: int
    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None


class Hit(BaseModel):
    """One search result."""

    video_id: str
    title: str
    channel: str | None
    seconds: float | None
    is_live: bool
    view_count: int | None
    upload_date: date | None


class Found(BaseModel):
    """The search's results."""

    event: Literal["found"]
    hits: list[Hit]


class Failed(BaseModel):
    """The child's error, raw: see `app.ytdlp.failures`."""

    event: Literal["failed"]
    names: list[str]
    text: str
    warnings: list[str]
    error_number: int | None
    http_status: int | None
    expected: bool | None
    free_bytes: int | None
    folder_gone: bool
    countries: list[str]
    seconds_left: float | None


Outcome = Fetched | Found | Failed
Event = Progress | Outcome
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """In seconds: for a job, on top where it converts, without a sign of life, for a child that was asked to end."""

    total: float = 1800.0
    convert: float = 3600.0
    stall: float = 120.0
    stop: float = 3.0


class ChildStalled(Exception):
    """The child told nothing for too long, or took too long in all."""


class ChildDied(Exception):
    """The child ended without a result; the text is the end of its standard error."""


async def run_child(
    job: Job,
    work_dir: Path,
    environment: Mapping[str, str],
    limits: TimeLimits,
    progress: Callable[[float | None], None],
) -> Outcome:
    """Start a child on the job, pass its progress on, and give what it tells last.

    When this ends, for whatever reason, no process of the child is left: its group gets SIGINT, after the stop limit
    SIGKILL, and is waited for, however often the caller is cancelled. Raises ChildStalled, ChildDied, and OSError where
    it cannot be started: the work directory is gone.
    """
    process = await _start(work_dir, environment, limits.stop)
    tail = asyncio.create_task(_read_tail(process))
    try:
        async with asyncio.timeout(limits.total + (limits.convert if job.convert else 0)):
            _stream(process.stdin).write(job.to_line())
            while isinstance(event := await _next_event(process, limits.stall), Progress):
                progress(event.percent)
            return event or await _fail_with(tail)
    except TimeoutError:
        raise ChildStalled from None
    finally:
        await _to_the_end(_stop(process, tail, limits.stop))


async def _start(work_dir: Path, environment: Mapping[str, str], patience: float) -> Process:
    """Start the child; a caller cancelled meanwhile waits until what was started is gone again."""
    # -P: a file in the work directory must never be taken for a module.
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "app.ytdlp.fetch"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_MOST_LINE_BYTES,
            cwd=work_dir,
            env=environment,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _to_the_end(_stop_started(starting, patience))
        raise


async def _stop_started(starting: asyncio.Task[Process], patience: float) -> None:
    with suppress(OSError):  # nothing was started
        process = await starting
        await _stop(process, asyncio.create_task(_read_tail(process)), patience)


async def _next_event(process: Process, patience: float) -> Event | None:
    """Give the next event, None where the child has closed its output."""
    async with asyncio.timeout(patience):
        try:
            line = await _stream(process.stdout).readline()
            return _EVENT.validate_json(line) if line else None
        except ValueError as error:
            message = "it told something that is no event"
            raise ChildDied(message) from error


async def _fail_with(tail: asyncio.Task[str]) -> NoReturn:
    raise ChildDied(await tail)


async def _read_tail(process: Process) -> str:
    """Read standard error to its end and keep the last of it."""
    tail = b""
    while more := await _stream(process.stderr).read(_MOST_STDERR_BYTES):
        tail = (tail + more)[-_MOST_STDERR_BYTES:]
    return tail.decode(errors="replace")


async def _stop(process: Process, tail: asyncio.Task[str], patience: float) -> None:
    _signal_group(process, signal.SIGINT)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()
    await _group_gone(process, patience)
    _stream(process.stdin).close()
    await asyncio.wait({tail}, timeout=patience)
    tail.cancel()


async def _group_gone(process: Process, patience: float) -> None:
    """Wait for killed helpers, so that none writes into a directory that is being removed."""
    with suppress(TimeoutError, ProcessLookupError, PermissionError):
        async with asyncio.timeout(patience):
            while True:
                os.killpg(process.pid, 0)
                await asyncio.sleep(_GONE_POLL_SECONDS)


def _signal_group(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _stream(stream: Stream | None) -> Stream:
    assert stream is not None, "all three are pipes"
    return stream


async def _to_the_end(work: Awaitable[None]) -> None:
    """Finish the work although the caller is cancelled meanwhile, then let the cancellation go on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
