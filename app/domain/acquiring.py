"""Rules of fetching a trailer: where it goes, and what to do after a video failed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

from app.domain.naming import MOVIE_TRAILER, movie_trailer_name, series_trailer_name, title_trailer_name
from app.domain.policy import Policy
from app.domain.records import Media
from schemas.base import FetchFailure, MediaKind, StorageProblem
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
_OF_THE_SOURCE = frozenset({FetchFailure.SOURCE_BLOCKED, FetchFailure.OUR_SETUP})
_OF_THE_DISK = frozenset({StorageProblem.FULL, StorageProblem.READ_ONLY})
_OF_THE_TITLE = frozenset({StorageProblem.NAME_TAKEN, StorageProblem.OUTSIDE})
_UNKNOWN_TRIES = 3
_MOST_TELLING = (
    FetchFailure.OUR_SETUP,
    FetchFailure.SOURCE_BLOCKED,
    FetchFailure.NEEDS_COOKIES,
    FetchFailure.NOT_YET,
    FetchFailure.GEO,
)


class Named(Protocol):
    """What a trailer is named after."""

    @property
    def kind(self) -> MediaKind: ...
    @property
    def title(self) -> str: ...
    @property
    def year(self) -> int | None: ...
    @property
    def media_filename(self) -> str | None: ...


class AfterFailure(StrEnum):
    """What follows when one video failed."""

    TRY_NEXT = "try_next"
    STOP = "stop"


class Blame(StrEnum):
    """What a failure says about the source of a video, or about a root folder."""

    CERTAIN = "certain"
    SUSPECTED = "suspected"
    NONE = "none"
    CLEARED = "cleared"


def after_failure(failure: FetchFailure, tries: int, *, certain: bool) -> AfterFailure:
    """Try the next video where the fault is or may be the video's own; anything else would fail for the next one too.

    An unknown fault is taken for the video's after three failed attempts.
    """
    of_the_video = failure in _OF_THE_VIDEO or (failure is FetchFailure.UNKNOWN and tries >= _UNKNOWN_TRIES)
    maybe = failure in _OF_THE_SOURCE and not certain
    return AfterFailure.TRY_NEXT if of_the_video or maybe else AfterFailure.STOP


def blame_of(failure: FetchFailure, *, certain: bool) -> Blame:
    """Judge what a failed video says of its source: one that says clearly what is wrong with a video works."""
    if failure in _OF_THE_SOURCE:
        return Blame.CERTAIN if certain else Blame.SUSPECTED
    return Blame.CLEARED if failure in _OF_THE_VIDEO and certain else Blame.NONE


def blame_of_root(problem: StorageProblem) -> Blame:
    """Judge what a storage problem says of the root folder: a full disk or mount is so for all, a folder may be odd."""
    if problem in _OF_THE_DISK:
        return Blame.CERTAIN
    return Blame.NONE if problem in _OF_THE_TITLE else Blame.SUSPECTED


def most_telling(failures: Sequence[FetchFailure]) -> int:
    """Choose the failure to tell where every candidate failed: one that a person can mend, else the last."""
    for telling in _MOST_TELLING:
        if telling in failures:
            return failures.index(telling)
    return len(failures) - 1


def place_of(title: Media, policy: Policy, *, shared: bool) -> str:
    """Name the place that one download at a time may serve: the folder, in a shared folder the title's own name."""
    folder = title.folder_path or ""
    if not shared:
        return folder
    return f"{folder}/{PurePosixPath(title.media_filename or trailer_name(title, policy, shared=True)).stem}"


def trailer_name(title: Named, policy: Policy, *, shared: bool) -> str:
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
