"""Sonarr: its manager, and how its series are read."""

from __future__ import annotations

from typing import ClassVar

from app.arr.items import ItemReader
from app.arr.manager import ArrManager
from app.context import RawItem
from schemas.arr.item import other_titles, remote_image
from schemas.arr.sonarr import Series, SeriesStatistics
from schemas.base import ArrType, MediaKind
from schemas.media import MediaCreate


class SonarrManager(ArrManager):
    """One Sonarr."""

    arr_type: ClassVar[ArrType] = ArrType.SONARR


_reader = ItemReader(ArrType.SONARR, Series)


def parse_series(raw: RawItem) -> MediaCreate:
    """Read Sonarr's series. Raises ArrItemError that names the series and the field at fault."""
    series = _reader.read(raw)
    statistics = series.statistics or SeriesStatistics()
    return MediaCreate(
        arr_id=series.id,
        kind=MediaKind.SERIES,
        title=series.title,
        alternative_titles=other_titles(series.alternate_titles),
        clean_title=series.clean_title or None,
        year=series.year or None,
        language=(series.original_language and series.original_language.name) or None,
        overview=series.overview or None,
        runtime=series.runtime or None,
        studio=series.network or None,
        imdb_id=series.imdb_id or None,
        tmdb_id=series.tmdb_id or None,
        tvdb_id=series.tvdb_id or None,
        title_slug=series.title_slug or None,
        poster_url=remote_image(series.images, "poster"),
        fanart_url=remote_image(series.images, "fanart"),
        arr_path=series.path,
        arr_root=series.root_folder_path or None,
        media_exists=(statistics.episode_file_count or 0) > 0,
        season_count=(statistics.season_count or 0) if series.statistics else None,
        tags=series.tags or (),
        genres=series.genres or (),
        arr_monitored=bool(series.monitored),
        arr_added_at=series.added.utc if series.added else None,
    )
