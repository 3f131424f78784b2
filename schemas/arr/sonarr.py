"""Sonarr's series, as `GET /api/v3/series/{id}` and the list give it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from schemas.arr.common import ArrId, Image, Language
from schemas.base import ArrModel
from schemas.text import CleanText, OptionalId, OptionalText


class SeriesStatistics(ArrModel):
    """How much of the series is there."""

    season_count: int = 0
    episode_file_count: int = 0


class Series(ArrModel):
    """A series; absent and null mean the same, 0 means unknown for ids and years."""

    id: ArrId
    title: CleanText
    original_language: Language | None = None
    clean_title: OptionalText = None
    year: OptionalId = None
    overview: OptionalText = None
    runtime: OptionalId = None
    network: OptionalText = None
    imdb_id: OptionalText = None
    tmdb_id: OptionalId = None
    tvdb_id: OptionalId = None
    title_slug: OptionalText = None
    path: CleanText
    monitored: bool = False
    statistics: SeriesStatistics | None = None
    genres: list[CleanText] = Field(default_factory=list)
    tags: list[int] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    added: datetime | None = None
