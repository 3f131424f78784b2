"""Radarr's movie, as `GET /api/v3/movie/{id}` and the list give it."""

from __future__ import annotations

from schemas.arr.item import ArrId, FilledText, Image, Int32, ItemStruct, Language, Moment, OtherTitles


class MovieFile(ItemStruct, frozen=True):
    """The imported file; the path is relative to the movie's folder."""

    relative_path: str | None = None


class Movie(ItemStruct, frozen=True):
    """A movie; 0 means unknown for ids and years, as an empty text does."""

    id: ArrId
    title: str
    path: FilledText
    original_title: str | None = None
    original_language: Language | None = None
    alternate_titles: OtherTitles = None
    clean_title: str | None = None
    year: Int32 | None = None
    overview: str | None = None
    runtime: Int32 | None = None
    studio: str | None = None
    imdb_id: str | None = None
    tmdb_id: Int32 | None = None
    title_slug: str | None = None
    you_tube_trailer_id: str | None = None
    root_folder_path: str | None = None
    has_file: bool | None = None
    movie_file: MovieFile | None = None
    monitored: bool | None = None
    genres: tuple[str, ...] | None = None
    tags: tuple[Int32, ...] | None = None
    images: list[Image] | None = None
    added: Moment | None = None
