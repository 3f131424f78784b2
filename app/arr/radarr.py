"""Radarr: its manager, and how its movies are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import ValidationError

from app.arr.faults import unreadable_item
from app.arr.manager import ArrManager
from app.context import RawItem
from schemas.arr.common import remote_image
from schemas.arr.radarr import Movie
from schemas.base import ArrType, MediaKind
from schemas.media import VIDEO_ID, MediaCreate


class RadarrManager(ArrManager):
    """One Radarr."""

    arr_type: ClassVar[ArrType] = ArrType.RADARR
    # Without it Radarr looks at every movie's covers on disk: minutes instead of a second.
    list_params: ClassVar[Mapping[str, str]] = {"excludeLocalCovers": "true"}


def parse_movie(raw: RawItem) -> MediaCreate:
    """Read Radarr's movie. Raises ArrItemError that names the movie and the fields at fault."""
    try:
        movie = Movie.model_validate(raw)
    except ValidationError as fault:
        raise unreadable_item(ArrType.RADARR, raw, fault) from fault
    return MediaCreate(
        arr_id=movie.id,
        kind=MediaKind.MOVIE,
        title=movie.title,
        original_title=movie.original_title,
        alternative_titles=tuple(movie.alternate_titles),
        clean_title=movie.clean_title,
        year=movie.year,
        language=movie.original_language.name if movie.original_language else None,
        overview=movie.overview,
        runtime=movie.runtime,
        studio=movie.studio,
        imdb_id=movie.imdb_id,
        tmdb_id=movie.tmdb_id,
        youtube_trailer_id=_video_id(movie.you_tube_trailer_id),
        title_slug=movie.title_slug,
        poster_url=remote_image(movie.images, "poster"),
        fanart_url=remote_image(movie.images, "fanart"),
        arr_path=movie.path,
        arr_root=movie.root_folder_path,
        media_exists=movie.has_file,
        media_filename=movie.movie_file.relative_path if movie.has_file and movie.movie_file else None,
        tags=tuple(movie.tags),
        genres=tuple(movie.genres),
        arr_monitored=movie.monitored,
        arr_added_at=movie.added,
    )


def _video_id(text: str | None) -> str | None:
    return text if text and VIDEO_ID.fullmatch(text) else None
