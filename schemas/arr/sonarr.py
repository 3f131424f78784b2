"""Sonarr's series, as `GET /api/v3/series/{id}` and the list give it."""

from __future__ import annotations

from schemas.arr.item import ArrId, FilledText, Image, Int32, ItemStruct, Language, Moment, OtherTitles


class SeriesStatistics(ItemStruct, frozen=True):
    """How much of the series is there."""

    season_count: Int32 | None = None
    episode_file_count: Int32 | None = None


class Series(ItemStruct, frozen=True):
    """A series; 0 means unknown for ids and years, as an empty text does."""

    id: ArrId
    title: str
    path: FilledText
    original_language: Language | None = None
    alternate_titles: OtherTitles = None
    clean_title: str | None = None
    year: Int32 | None = None
    overview: str | None = None
    runtime: Int32 | None = None
    network: str | None = None
    imdb_id: str | None = None
    tmdb_id: Int32 | None = None
    tvdb_id: Int32 | None = None
    title_slug: str | None = None
    root_folder_path: str | None = None
    monitored: bool | None = None
    statistics: SeriesStatistics | None = None
    genres: tuple[str, ...] | None = None
    tags: tuple[Int32, ...] | None = None
    images: list[Image] | None = None
    added: Moment | None = None
