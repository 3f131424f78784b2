"""Titles: as parsed from an Arr, as the API shows them, as a person changes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from pydantic import AfterValidator, StrictBool

from schemas.base import CandidateFate, CandidateSource, FetchFailure, MediaKind, Model, MonitorStatus, Reason
from schemas.event import EventRead

VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_VIMEO_PATH = re.compile(r"/(?:video/)?([0-9]{1,12})(?:/([0-9a-f]{4,20}))?/?")
_YOUTUBE_HOSTS = {"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"}
_VIMEO_HOSTS = {"vimeo.com", "www.vimeo.com", "player.vimeo.com"}


def canonical_trailer_url(text: str) -> str:
    """Turn a YouTube id, or a YouTube or Vimeo https address, into the one form that is stored and fetched.

    Raises ValueError for everything else: no other host is ever fetched.
    """
    text = text.strip()
    if VIDEO_ID.fullmatch(text):
        return f"https://www.youtube.com/watch?v={text}"
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    plain = parts.scheme == "https" and parts.port is None and parts.username is None
    if plain and host in _YOUTUBE_HOSTS and (video_id := _youtube_id(host, parts.path, parts.query)):
        return f"https://www.youtube.com/watch?v={video_id}"
    if plain and host in _VIMEO_HOSTS and (match := _VIMEO_PATH.fullmatch(parts.path)):
        return f"https://vimeo.com/{match[1]}" + (f"/{match[2]}" if match[2] else "")
    message = "give an 11-character YouTube id or an https address of one video on youtube.com, youtu.be or vimeo.com"
    raise ValueError(message)


def _youtube_id(host: str, path: str, query: str) -> str | None:
    if host == "youtu.be":
        candidate = path.strip("/")
    elif path in {"/watch", "/watch/"}:
        candidate = parse_qs(query).get("v", [""])[0]
    else:
        kind, _, candidate = path.strip("/").partition("/")
        candidate = candidate if kind in {"embed", "shorts", "live", "v"} else ""
    return candidate if VIDEO_ID.fullmatch(candidate) else None


TrailerUrl = Annotated[str, AfterValidator(canonical_trailer_url)]


class MediaCreate(Struct, frozen=True, kw_only=True):
    """A title as its Arr describes it: what parsing gives and `create_or_update_bulk` takes.

    `media_filename` is relative to the title's folder. `tags` are the Arr's tag ids. `arr_root` is the root folder as
    the Arr writes it: some versions end it with a separator.
    """

    arr_id: int
    kind: MediaKind
    title: str
    original_title: str | None = None
    alternative_titles: tuple[str, ...] = ()
    clean_title: str | None = None
    year: int | None = None
    language: str | None = None
    overview: str | None = None
    runtime: int | None = None
    studio: str | None = None
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    youtube_trailer_id: str | None = None
    title_slug: str | None = None
    poster_url: str | None = None
    fanart_url: str | None = None
    arr_path: str
    arr_root: str | None = None
    media_exists: bool = False
    media_filename: str | None = None
    season_count: int | None = None
    tags: tuple[int, ...] = ()
    genres: tuple[str, ...] = ()
    arr_monitored: bool = False
    arr_added_at: datetime | None = None

    @property
    def external_id(self) -> int | None:
        """By what all the world knows it: a movie's TMDB id, a series' TVDB id."""
        return self.tmdb_id if self.kind is MediaKind.MOVIE else self.tvdb_id


class MediaRead(Model):
    """A title as the API shows it; `reason` and `reason_text` say why there is no trailer, null once there is."""

    id: int
    connection_id: int
    arr_id: int | None
    kind: MediaKind
    title: str
    original_title: str | None
    year: int | None
    language: str | None
    overview: str | None
    runtime: int | None
    studio: str | None
    imdb_id: str | None
    tmdb_id: int | None
    tvdb_id: int | None
    youtube_trailer_id: str | None
    poster_url: str | None
    fanart_url: str | None
    arr_path: str
    folder_path: str | None
    media_exists: bool
    media_filename: str | None
    season_count: int | None
    genres: tuple[str, ...]
    arr_monitored: bool
    monitor: bool
    monitor_pinned: bool
    status: MonitorStatus
    reason: Reason | None
    reason_text: str | None
    next_try_at: datetime | None
    trailer_exists: bool
    trailer_url: str | None
    added_at: datetime
    updated_at: datetime
    downloaded_at: datetime | None


class TrailerRead(Model):
    """A trailer file of ours."""

    path: str
    source: CandidateSource
    video_id: str
    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    size: int
    placed_at: datetime


class CandidateRead(Model):
    """A video that was considered: what became of it and why; `video_id` is null where a source itself failed."""

    source: CandidateSource
    video_id: str | None
    title: str | None
    score: float | None
    fate: CandidateFate
    why: str


class AttemptRead(Model):
    """One try to fetch a trailer; `outcome` is null while it runs."""

    id: int
    source: CandidateSource | None
    video_id: str | None
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    failure: FetchFailure | None
    text: str | None
    candidates: list[CandidateRead]


class MediaDetail(MediaRead):
    """One title with its trailer, its last attempts and its last events."""

    trailer: TrailerRead | None
    attempts: list[AttemptRead]
    events: list[EventRead]


class MediaUpdate(Model):
    """What a person may change: a pin on monitoring (null unpins) and a trailer of their choice (null takes it back).

    A field that is absent stays as it is.
    """

    monitor: StrictBool | None = None
    trailer_url: TrailerUrl | None = None
