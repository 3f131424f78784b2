"""The settings that a person may change while it runs: their rules and defaults, and how the API shows them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, Strict

from schemas.base import Model
from schemas.duration import Duration, Within
from schemas.policy import (
    Languages,
    MaxHeight,
    MaxSeconds,
    MinHeight,
    MinSeconds,
    Prefer,
    SubtitleLanguages,
    TrailerName,
    Words,
)

ReconcileInterval = Annotated[Duration, AfterValidator(Within(timedelta(minutes=1), timedelta(days=365)))]
Retention = Annotated[Duration, AfterValidator(Within(timedelta(hours=1), timedelta(days=3650)))]
Gap = Annotated[Duration, AfterValidator(Within(timedelta(0), timedelta(days=1)))]
Share = Annotated[float, Field(ge=0, le=1)]


class Tunables(Model):
    """What holds for all connections, by name; the environment's names are the same in capitals."""

    reconcile_interval: ReconcileInterval = Field(
        default=timedelta(hours=1), description="How often everything is compared with Radarr and Sonarr."
    )
    max_delete_share: Share = Field(
        default=0.2, description="More deletions at once than this share of the titles are held."
    )
    event_retention: Retention = Field(default=timedelta(days=30), description="How long handled events are kept.")
    download_gap: Gap = Field(default=timedelta(seconds=10), description="The pause after a download, of each worker.")
    backfill_gap: Gap = Field(
        default=timedelta(seconds=60), description="The pause before a download that nobody waits for."
    )
    policy_max_height: MaxHeight = Field(
        default=1080, description="The most lines that a trailer may have.", json_schema_extra={"unit": "lines"}
    )
    policy_min_height: MinHeight = Field(
        default=0, description="A trailer with fewer lines is not taken.", json_schema_extra={"unit": "lines"}
    )
    policy_prefer: Prefer = Field(
        default=Prefer.COMPATIBILITY,
        description="Compatibility takes H.264, which plays everywhere; quality takes the most lines in any format.",
    )
    policy_min_seconds: MinSeconds = Field(
        default=20, description="How long a trailer must be.", json_schema_extra={"unit": "seconds"}
    )
    policy_max_seconds: MaxSeconds = Field(
        default=600, description="How long a trailer may be.", json_schema_extra={"unit": "seconds"}
    )
    policy_languages: Languages = Field(
        default=("original", "en"),
        description="Wanted languages, the best first: two letters, or original; then the original and English.",
    )
    policy_need_media_file: bool = Field(
        default=True, description="Wait for the movie's or an episode's file: media servers misread a trailer alone."
    )
    policy_only_tags: Words = Field(default=(), description="Only titles that have one of these tags in the app.")
    policy_skip_tags: Words = Field(default=(), description="No titles that have one of these tags in the app.")
    policy_only_genres: Words = Field(default=(), description="Only titles of one of these genres.")
    policy_search: bool = Field(default=True, description="Search YouTube where no trailer is known.")
    policy_subtitles: SubtitleLanguages = Field(
        default=(), description="Subtitles to put into the file where the video has them, such as en or pt-br."
    )
    policy_loudness: bool = Field(default=False, description="Bring the sound of loud and quiet trailers to one level.")
    policy_convert: bool = Field(
        default=False, description="Convert what is not H.264 with AAC sound; that takes minutes for each trailer."
    )
    policy_remove_with_title: bool = Field(
        default=True, description="Remove our trailer once its title has left and nothing else is in its folder."
    )
    policy_name: TrailerName = Field(
        default=TrailerName.BASENAME,
        description="basename names a movie's trailer after its file, movie-trailer the same in every folder.",
    )


class SettingsUpdate(Model):
    """What may change; what is absent stays, null is back to the default."""

    model_config = ConfigDict(strict=True)

    reconcile_interval: ReconcileInterval | None = None
    max_delete_share: Share | None = None
    event_retention: Retention | None = None
    download_gap: Gap | None = None
    backfill_gap: Gap | None = None
    policy_max_height: MaxHeight | None = None
    policy_min_height: MinHeight | None = None
    policy_prefer: Annotated[Prefer, Strict(strict=False)] | None = None
    policy_min_seconds: MinSeconds | None = None
    policy_max_seconds: MaxSeconds | None = None
    policy_languages: Languages | None = None
    policy_need_media_file: bool | None = None
    policy_only_tags: Words | None = None
    policy_skip_tags: Words | None = None
    policy_only_genres: Words | None = None
    policy_search: bool | None = None
    policy_subtitles: SubtitleLanguages | None = None
    policy_loudness: bool | None = None
    policy_convert: bool | None = None
    policy_remove_with_title: bool | None = None
    policy_name: Annotated[TrailerName, Strict(strict=False)] | None = None


class SettingSource(StrEnum):
    """Where a setting's value comes from; the first that has one wins."""

    ENVIRONMENT = "environment"
    DATABASE = "database"
    DEFAULT = "default"


Value = bool | int | float | str | list[str]


class SettingRead(Model):
    """One setting; a duration is text such as `10s`. What the environment sets can only be changed there.

    `choices` are set where it is one of a few words.
    """

    key: str
    value: Value
    default: Value
    source: SettingSource
    variable: str
    description: str
    type: Literal["boolean", "integer", "number", "duration", "choice", "list"]
    unit: str | None
    minimum: Value | None
    maximum: Value | None
    choices: list[str] | None
