"""What is known of a video: a search hit, and a fetched and verified trailer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from schemas.base import CandidateSource


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One result of a YouTube search; None where YouTube did not say. The upload date may be a year too late."""

    video_id: str
    title: str
    channel: str | None
    seconds: float | None
    is_live: bool
    view_count: int | None = None
    upload_date: date | None = None


@dataclass(frozen=True, slots=True)
class FetchedTrailer:
    """A complete file in the work directory, checked to its last packet; duration in seconds, size in bytes."""

    path: Path
    video_id: str
    title: str
    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    size: int


@dataclass(frozen=True, slots=True)
class TrailerFile:
    """A trailer of ours: where it goes or is (relative to the title's folder), what it is, and how to know it again.

    Size in bytes and modification time in nanoseconds stay the same from the work directory to the final name.
    """

    rel_path: str
    source: CandidateSource
    video_id: str
    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    size: int
    mtime_ns: int
