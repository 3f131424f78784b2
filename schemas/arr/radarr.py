"""Radarr's movie, as `GET /api/v3/movie/{id}` and the list give it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from schemas.arr.common import ArrId, Image, Language
from schemas.base import ArrModel
from schemas.text import CleanText, OptionalId, OptionalText


class MovieFile(ArrModel):
    """The imported file; the path is relative to the movie's folder."""

    relative_path: OptionalText = None


class Movie(ArrModel):
    """A movie; absent and null mean the same, 0 means unknown for ids and years."""

    id: ArrId
    title: CleanText
    original_title: OptionalText = None
    original_language: Language | None = None
    clean_title: OptionalText = None
    year: OptionalId = None
    overview: OptionalText = None
    runtime: OptionalId = None
    studio: OptionalText = None
    imdb_id: OptionalText = None
    tmdb_id: OptionalId = None
    title_slug: OptionalText = None
    you_tube_trailer_id: OptionalText = None
    path: CleanText
    has_file: bool = False
    movie_file: MovieFile | None = None
    monitored: bool = False
    genres: list[CleanText] = Field(default_factory=list)
    tags: list[int] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    added: datetime | None = None
