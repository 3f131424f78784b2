"""What the child tells its worker: JSON lines, progress at most twice a second."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import IO, TypeVar

_LEAST_GAP_SECONDS = 0.5
_MOST_WARNINGS = 20
_MOST_TEXT = 2000
T = TypeVar("T")


class Talk:
    """The one way to the worker, and yt-dlp's logger: warnings are kept, since they explain some failures."""

    def __init__(self) -> None:
        """Take standard output for the worker; what anything else prints there goes to standard error."""
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._last_progress = 0.0
        self._warnings: list[str] = []

    def result(self, event: Mapping[str, object]) -> None:
        """Tell the result."""
        self._tell(event)

    def progress(self, percent: float | None) -> None:
        """Tell how far the job is, or only that it goes on; too frequent calls are left out."""
        now = time.monotonic()
        if now - self._last_progress >= _LEAST_GAP_SECONDS:
            self._last_progress = now
            self._tell({"event": "progress", "percent": percent})

    def failure(self, error: BaseException) -> None:
        """Tell an error raw: the names of its classes and of its causes, its text, and what may explain it."""
        causes = list(_causes(error))
        self._tell(
            {
                "event": "failed",
                "names": list(dict.fromkeys(cls.__name__ for cause in causes for cls in type(cause).__mro__)),
                "text": str(error)[:_MOST_TEXT],
                "warnings": self._warnings,
                "error_number": _first_of(causes, "errno", int),
                "http_status": _first_of(causes, "status", int),
                "expected": _first_of(causes, "expected", bool),
                "free_bytes": shutil.disk_usage(".").free,
                "folder_gone": _folder_is_gone(),
                "countries": _first_of(causes, "countries", list) or [],
                "seconds_left": _first_of(causes, "seconds_left", float),
            }
        )

    def debug(self, _message: str) -> None:
        """Drop it."""

    info = debug
    error = debug

    def warning(self, message: str) -> None:
        if len(self._warnings) < _MOST_WARNINGS:
            self._warnings.append(message[:_MOST_TEXT])

    def _tell(self, event: Mapping[str, object]) -> None:
        self._out.write(json.dumps(event) + "\n")
        self._out.flush()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that led to it; yt-dlp keeps the inner one in `exc_info`."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (getattr(cause, "exc_info", None) or (None, None))[1]
        waiting += [link for link in (inner, cause.__cause__, cause.__context__) if isinstance(link, BaseException)]


def _folder_is_gone() -> bool:
    try:
        return not os.path.exists(os.getcwd())  # noqa: PTH109, PTH110 - of one removed even the name is gone
    except FileNotFoundError:
        return True


def _first_of(causes: list[BaseException], name: str, kind: type[T]) -> T | None:
    """Give an attribute of the first cause that has it; of the same name others have other things."""
    values = (getattr(cause, name, None) for cause in causes)
    return next((value for value in values if isinstance(value, kind)), None)
