"""Rules of fetching a trailer: where it goes, and what to do after a video failed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

from app.domain.naming import MOVIE_TRAILER, movie_trailer_name, series_trailer_name, title_trailer_name
from app.domain.policy import Policy
from app.domain.records import Media
from schemas.base import FetchFailure, MediaKind
from schemas.policy import TrailerName

_OF_THE_VIDEO = frozenset(
    {
        FetchFailure.DEAD,
        FetchFailure.GEO,
        FetchFailure.NEEDS_COOKIES,
        FetchFailure.NOT_A_TRAILER,
        FetchFailure.NOT_YET,
    }
)


class AfterFailure(StrEnum):
    """What follows when one video failed."""

    TRY_NEXT = "try_next"
    STOP = "stop"


def after_failure(failure: FetchFailure) -> AfterFailure:
    """Try the next video only where the fault is the video's own; anything else would fail for the next one too."""
    return AfterFailure.TRY_NEXT if failure in _OF_THE_VIDEO else AfterFailure.STOP


def place_of(title: Media, policy: Policy, *, shared: bool) -> str:
    """Name the place that one download at a time may serve: the folder, in a shared folder the title's own name."""
    folder = title.folder_path or ""
    if not shared:
        return folder
    return f"{folder}/{PurePosixPath(title.media_filename or trailer_name(title, policy, shared=True)).stem}"


def trailer_name(title: Media, policy: Policy, *, shared: bool) -> str:
    """Give the trailer's path relative to the title's folder, as every media server finds it.

    A name that is the same in every folder would belong to no title of a folder that several share.
    """
    if title.kind is MediaKind.SERIES:
        return series_trailer_name(title.title, title.year)
    if policy.name is TrailerName.MOVIE_TRAILER and not shared:
        return MOVIE_TRAILER
    if title.media_filename is not None:
        return movie_trailer_name(title.media_filename)
    return title_trailer_name(title.title, title.year)
