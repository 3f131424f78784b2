"""Radarr's movie, as `GET /api/v3/movie/{id}` and the list give it."""

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


class MovieFile(ArrResource):
    """The imported file; the path is relative to the movie's folder."""

    relative_path: OptionalText = None


class Movie(ArrResource):
    """A movie; absent and null mean the same, 0 means unknown for ids and years."""

    id: ArrId
    title: CleanText
    original_title: OptionalText = None
    original_language: Language | None = None
    alternate_titles: AlternateTitles = Field(default_factory=list)
    clean_title: OptionalText = None
    year: OptionalInt32 = None
    overview: OptionalText = None
    runtime: OptionalInt32 = None
    studio: OptionalText = None
    imdb_id: OptionalText = None
    tmdb_id: OptionalInt32 = None
    title_slug: OptionalText = None
    you_tube_trailer_id: OptionalText = None
    path: FilledText
    root_folder_path: OptionalText = None
    has_file: bool = False
    movie_file: MovieFile | None = None
    monitored: bool = False
    genres: list[CleanText] = Field(default_factory=list)
    tags: list[Int32] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    added: UtcTime | None = None
