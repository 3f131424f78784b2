"""Sonarr: its manager, and how its series are read."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ValidationError

from app.arr.faults import unreadable_item
from app.arr.manager import ArrManager
from app.context import RawItem
from schemas.arr.common import remote_image
from schemas.arr.sonarr import Series, SeriesStatistics
from schemas.base import ArrType, MediaKind
from schemas.media import MediaCreate


class SonarrManager(ArrManager):
    """One Sonarr."""

    arr_type: ClassVar[ArrType] = ArrType.SONARR


def parse_series(raw: RawItem) -> MediaCreate:
    """Read Sonarr's series. Raises ArrItemError that names the series and the fields at fault."""
    try:
        series = Series.model_validate(raw)
    except ValidationError as fault:
        raise unreadable_item(ArrType.SONARR, raw, fault) from fault
    statistics = series.statistics or SeriesStatistics()
    return MediaCreate(
        arr_id=series.id,
        kind=MediaKind.SERIES,
        title=series.title,
        alternative_titles=tuple(series.alternate_titles),
        clean_title=series.clean_title,
        year=series.year,
        language=series.original_language.name if series.original_language else None,
        overview=series.overview,
        runtime=series.runtime,
        studio=series.network,
        imdb_id=series.imdb_id,
        tmdb_id=series.tmdb_id,
        tvdb_id=series.tvdb_id,
        title_slug=series.title_slug,
        poster_url=remote_image(series.images, "poster"),
        fanart_url=remote_image(series.images, "fanart"),
        arr_path=series.path,
        arr_root=series.root_folder_path,
        media_exists=statistics.episode_file_count > 0,
        season_count=statistics.season_count if series.statistics else None,
        tags=tuple(series.tags),
        genres=tuple(series.genres),
        arr_monitored=series.monitored,
        arr_added_at=series.added,
    )
