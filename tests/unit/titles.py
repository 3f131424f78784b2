"""Titles to decide about: a movie and a series that want a trailer now, to be changed field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.domain.disk import DiskState
from app.domain.records import Media, Rank
from schemas.base import MediaKind, MonitorStatus

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

_MOVIE = Media(
    id=1,
    connection_id=1,
    arr_id=7,
    kind=MediaKind.MOVIE,
    title="Sintel",
    original_title=None,
    alternative_titles=(),
    clean_title="sintel",
    year=2010,
    language="English",
    overview=None,
    runtime=15,
    studio="Blender Foundation",
    imdb_id="tt1727587",
    tmdb_id=45745,
    tvdb_id=None,
    youtube_trailer_id="eRsGyueVLvQ",
    title_slug="45745",
    poster_url=None,
    fanart_url=None,
    arr_path="/movies/Sintel (2010)",
    path_mapped=True,
    folder_path="/media/movies/Sintel (2010)",
    root_path="/media/movies",
    media_exists=True,
    media_filename="Sintel (2010) Bluray-1080p.mkv",
    season_count=None,
    tags=(),
    genres=("Animation",),
    arr_monitored=True,
    arr_added_at=NOW,
    monitor=True,
    monitor_pinned=False,
    trailer_url=None,
    disk_state=DiskState.READY,
    disk_tries=0,
    trailer_exists=False,
    trailer_removed=False,
    missing_since=None,
    wanted_rank=Rank.EVENT,
    tries=0,
    retry_at=None,
    last_failure=None,
    failure_text=None,
    status=MonitorStatus.MISSING,
    reason=None,
    reason_detail=None,
    next_try_at=None,
    due_rank=None,
    version=1,
    read_at=NOW,
    added_at=NOW,
    updated_at=NOW,
    downloaded_at=None,
)


def movie(**changes: Any) -> Media:
    return replace(_MOVIE, **changes)


def series(**changes: Any) -> Media:
    facts: dict[str, Any] = {
        "kind": MediaKind.SERIES,
        "title": "Pioneer One",
        "tmdb_id": None,
        "tvdb_id": 170551,
        "youtube_trailer_id": None,
        "arr_path": "/tv/Pioneer One",
        "folder_path": "/media/tv/Pioneer One",
        "root_path": "/media/tv",
        "media_filename": None,
        "season_count": 1,
    }
    return replace(_MOVIE, **{**facts, **changes})
