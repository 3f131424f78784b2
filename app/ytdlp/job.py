"""What the worker asks of its child: one JSON line. The child imports this at every start, so it needs little."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One video to fetch into the current directory, or one search.

    `target` is the video's address or the search's words; `compatible` prefers what plays everywhere to more lines.
    The proxy may hold a password, so a job travels on standard input, never as an argument.
    """

    op: Literal["fetch", "search"]
    target: str
    ffmpeg: str
    max_hits: int = 0
    max_height: int = 1080
    min_height: int = 0
    compatible: bool = True
    min_seconds: int = 20
    max_seconds: int = 600
    subtitles: Sequence[str] = ()
    loudness: bool = False
    convert: bool = False
    max_bytes: int = 2 * 1024**3
    cookies_file: str | None = None
    cache_dir: str | None = None
    proxy: str | None = field(default=None, repr=False)

    def to_line(self) -> bytes:
        """Write the job as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Job:
        """Read what `to_line` wrote."""
        return cls(**json.loads(line))
