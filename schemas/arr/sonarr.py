"""Sonarr's series, as `GET /api/v3/series/{id}` and the list give it."""

from __future__ import annotations

from pydantic import Field

from schemas.arr.common import (
    AlternateTitles,
    ArrId,
    ArrResource,
    FilledText,
    Image,
    Int32,
    Language,
    OptionalInt32,
    UtcTime,
)
from schemas.text import CleanText, OptionalText


class SeriesStatistics(ArrResource):
    """How much of the series is there."""

    season_count: Int32 = 0
    episode_file_count: Int32 = 0


class Series(ArrResource):
    """A series; absent and null mean the same, 0 means unknown for ids and years."""

    id: ArrId
    title: CleanText
    original_language: Language | None = None
    alternate_titles: AlternateTitles = Field(default_factory=list)
    clean_title: OptionalText = None
    year: OptionalInt32 = None
    overview: OptionalText = None
    runtime: OptionalInt32 = None
    network: OptionalText = None
    imdb_id: OptionalText = None
    tmdb_id: OptionalInt32 = None
    tvdb_id: OptionalInt32 = None
    title_slug: OptionalText = None
    path: FilledText
    root_folder_path: OptionalText = None
    monitored: bool = False
    statistics: SeriesStatistics | None = None
    genres: list[CleanText] = Field(default_factory=list)
    tags: list[Int32] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    added: UtcTime | None = None
