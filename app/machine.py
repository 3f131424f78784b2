"""This machine's programs, folders and files, as `doctor` looks at them: nothing is changed, and nothing hangs."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import stat
import sysconfig
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from app.domain.doctor import PathFacts, PathKind, Program
from app.errors import SetupError

DISK_LIMIT = 4.0  # s
PROGRAM_LIMIT = 5.0  # s, for a program that is read from a slow disk for the first time
FOLDERS_LOOKED_AT = 5
_LINE_LENGTH = 200
_JS_RUNTIMES = (
    ("deno", "--version", r"^deno (\S+)"),
    ("node", "--version", r"^v(\S+)"),
    ("qjs", "--help", r"^QuickJS(?:-ng)?\s+version\s+(\S+)"),
    ("bun", "--version", r"^(\d\S*)"),
)
_UNREACHABLE = PathFacts(PathKind.UNREACHABLE)


class ThisMachine:
    """`app.context.Machine`; `find_ffmpeg` raises SetupError where there is none, `look` is what a thread does."""

    def __init__(
        self,
        find_ffmpeg: Callable[[Path | None], Path],
        ffmpeg: Path | None = None,
        *,
        look: Callable[[str], PathFacts] | None = None,
        disk_limit: float = DISK_LIMIT,
    ) -> None:
        self._find_ffmpeg = find_ffmpeg
        self._configured = ffmpeg
        self._look = look or look_at
        self._disk_limit = disk_limit
        self._hanging: set[str] = set()

    async def ffmpeg(self) -> Program | str:
        """Find ffmpeg and ask its version; a text says why there is none."""
        try:
            path = self._find_ffmpeg(self._configured)
        except SetupError as error:
            return error.message
        source = "bundled" if shutil.which("ffmpeg") is None else "on PATH"
        if self._configured is not None:
            source = "TRAILHOOK_FFMPEG"
        return Program(str(path), source, await _version(str(path), "-version", r"^ffmpeg version (\S+)"))

    async def js_runtimes(self) -> list[Program]:
        """Find them where yt-dlp looks: beside our Python, then on PATH."""
        found = []
        for name, option, pattern in _JS_RUNTIMES:
            beside = Path(sysconfig.get_path("scripts")) / name
            path = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
            if path is not None:
                found.append(Program(path, name, await _version(path, option, pattern)))
        return found

    async def look_at(self, path: str) -> PathFacts:
        """Look at a path in a thread of its own, which holds up neither us nor our end, and once at a time."""
        if path in self._hanging:
            return _UNREACHABLE
        loop = asyncio.get_running_loop()
        done: asyncio.Future[PathFacts] = loop.create_future()
        self._hanging.add(path)

        def work() -> None:
            facts = self._look(path)
            self._hanging.discard(path)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(lambda: None if done.done() else done.set_result(facts))

        threading.Thread(target=work, name="doctor", daemon=True).start()
        try:
            async with asyncio.timeout(self._disk_limit):
                return await done
        except TimeoutError:
            return _UNREACHABLE


def look_at(path: str) -> PathFacts:
    """Look at a file or folder. Blocks as long as its disk does; raises nothing."""
    place = Path(path)
    try:
        status = place.stat()
        if stat.S_ISDIR(status.st_mode):
            return _folder(place, status)
        return _file(place, status)
    except OSError as error:
        absent = error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
        return PathFacts(PathKind.MISSING) if absent else _UNREACHABLE
    except ValueError:  # a NUL in the path
        return PathFacts(PathKind.MISSING)


def _folder(place: Path, status: os.stat_result) -> PathFacts:
    readable = _may(place, os.R_OK | os.X_OK)
    inner = _folders_in(place) if readable else []
    return PathFacts(
        PathKind.FOLDER,
        mode=stat.S_IMODE(status.st_mode),
        owner=status.st_uid,
        readable=readable,
        writable=_may(place, os.W_OK | os.X_OK),
        free=shutil.disk_usage(place).free,
        folders=len(inner),
        locked=next((each.name for each in inner if not _may(each, os.W_OK | os.X_OK)), None),
    )


def _folders_in(place: Path) -> list[Path]:
    with os.scandir(place) as entries:
        folders = (Path(entry) for entry in entries if not entry.name.startswith(".") and entry.is_dir())
        return sorted(islice(folders, FOLDERS_LOOKED_AT))


def _file(place: Path, status: os.stat_result) -> PathFacts:
    readable = stat.S_ISREG(status.st_mode) and _may(place, os.R_OK)
    line = ""
    if readable:
        with place.open("rb") as file:
            line = file.readline(_LINE_LENGTH).decode(errors="replace")
    kind = PathKind.FILE if stat.S_ISREG(status.st_mode) else PathKind.MISSING
    return PathFacts(kind, mode=stat.S_IMODE(status.st_mode), owner=status.st_uid, readable=readable, first_line=line)


def _may(place: Path, how: int) -> bool:
    return os.access(place, how, effective_ids=os.access in os.supports_effective_ids)


async def _version(program: str, option: str, pattern: str) -> str | None:
    """Ask a program for its version; None where it does not run or says nothing of the kind."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "NO_COLOR": "1"}
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            program, option, stdin=null, stdout=pipe, stderr=null, env=environment
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(PROGRAM_LIMIT):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    found = re.search(pattern, said.decode(errors="replace"), re.MULTILINE)
    understood = process.returncode == 0 or option == "--help"  # QuickJS ends with 1 after its help
    return found[1] if found and understood else None
