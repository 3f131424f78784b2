"""Whether a search hit is a title's trailer, as the API and `trailhook match` tell it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.base import MediaKind, Model


class Verdict(StrEnum):
    """Why a hit was taken for the trailer or not."""

    MATCH = "match"
    OTHER_TITLE = "other_title"
    OTHER_YEAR = "other_year"
    NO_YEAR = "no_year"
    NOT_A_TRAILER = "not_a_trailer"
    FAN_MADE = "fan_made"
    COMPILATION = "compilation"
    LIVE = "live"
    SHORT = "short"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_EARLY = "too_early"
    WRONG_SEASON = "wrong_season"
    WRONG_KIND = "wrong_kind"


def _day(value: object) -> object:
    """Read a date as yt-dlp writes it."""
    if isinstance(value, str) and len(value) == 8 and value.isdecimal():
        return datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007 - a date has no time zone
    return value


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MatchHit(_Given):
    """A search hit; the duration is in seconds, the date a date or YYYYMMDD."""

    video_id: str
    title: str
    channel: str | None = None
    duration: float | None = None
    view_count: int | None = None
    is_live: bool | None = None
    upload_date: Annotated[date | None, BeforeValidator(_day)] = None


class MatchRequest(_Given):
    """A title and the hits of a search for its trailer; the runtime is in minutes."""

    id: str | int
    kind: MediaKind
    title: str = Field(min_length=1)
    original_title: str | None = None
    alternative_titles: list[str] | None = None
    year: int | None = None
    language: str | None = None
    runtime: int | None = None
    studio: str | None = None
    season: int | None = None
    hits: list[MatchHit] | None = None


class HitJudgement(Model):
    """What became of one hit; the best of several matches has the highest score."""

    video_id: str
    verdict: Verdict
    score: float
    reason: str


class MatchAnswer(Model):
    """The hit that is surely the title's trailer, None where there is none, and the reason for every hit."""

    id: str | int
    chosen: str | None
    reasons: list[HitJudgement]
