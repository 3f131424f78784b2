"""Radarr: its manager, and how its movies are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.arr.items import ItemReader
from app.arr.manager import ArrManager
from app.context import RawItem
from schemas.arr.item import other_titles, remote_image
from schemas.arr.radarr import Movie
from schemas.base import ArrType, MediaKind
from schemas.media import VIDEO_ID, MediaCreate


class RadarrManager(ArrManager):
    """One Radarr."""

    arr_type: ClassVar[ArrType] = ArrType.RADARR
    # Without it Radarr looks at every movie's covers on disk: minutes instead of a second.
    list_params: ClassVar[Mapping[str, str]] = {"excludeLocalCovers": "true"}


_reader = ItemReader(ArrType.RADARR, Movie)


def parse_movie(raw: RawItem) -> MediaCreate:
    """Read Radarr's movie. Raises ArrItemError that names the movie and the field at fault."""
    movie = _reader.read(raw)
    file = movie.movie_file if movie.has_file else None
    return MediaCreate(
        arr_id=movie.id,
        kind=MediaKind.MOVIE,
        title=movie.title,
        original_title=movie.original_title or None,
        alternative_titles=other_titles(movie.alternate_titles),
        clean_title=movie.clean_title or None,
        year=movie.year or None,
        language=(movie.original_language and movie.original_language.name) or None,
        overview=movie.overview or None,
        runtime=movie.runtime or None,
        studio=movie.studio or None,
        imdb_id=movie.imdb_id or None,
        tmdb_id=movie.tmdb_id or None,
        youtube_trailer_id=_video_id(movie.you_tube_trailer_id),
        title_slug=movie.title_slug or None,
        poster_url=remote_image(movie.images, "poster"),
        fanart_url=remote_image(movie.images, "fanart"),
        arr_path=movie.path,
        arr_root=movie.root_folder_path or None,
        media_exists=bool(movie.has_file),
        media_filename=(file and file.relative_path) or None,
        tags=movie.tags or (),
        genres=movie.genres or (),
        arr_monitored=bool(movie.monitored),
        arr_added_at=movie.added.utc if movie.added else None,
    )


def _video_id(text: str | None) -> str | None:
    return text if text and VIDEO_ID.fullmatch(text) else None
