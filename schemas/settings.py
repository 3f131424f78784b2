"""The settings that a person may change while it runs: their rules and defaults, and how the API shows them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from schemas.base import Model
from schemas.duration import Duration, Within

MaxHeight = Annotated[int, Field(ge=240, le=4320)]
MinSeconds = Annotated[int, Field(ge=1, le=3600)]
MaxSeconds = Annotated[int, Field(ge=10, le=7200)]
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
    policy_min_seconds: MinSeconds = Field(
        default=20, description="How long a trailer must be.", json_schema_extra={"unit": "seconds"}
    )
    policy_max_seconds: MaxSeconds = Field(
        default=600, description="How long a trailer may be.", json_schema_extra={"unit": "seconds"}
    )
    policy_need_media_file: bool = Field(
        default=True, description="Wait for the movie's or an episode's file: media servers misread a trailer alone."
    )
    policy_search: bool = Field(default=True, description="Search YouTube where no trailer is known.")


class SettingsUpdate(Model):
    """What may change; what is absent stays, null is back to the default."""

    model_config = ConfigDict(strict=True)

    reconcile_interval: ReconcileInterval | None = None
    max_delete_share: Share | None = None
    event_retention: Retention | None = None
    download_gap: Gap | None = None
    backfill_gap: Gap | None = None
    policy_max_height: MaxHeight | None = None
    policy_min_seconds: MinSeconds | None = None
    policy_max_seconds: MaxSeconds | None = None
    policy_need_media_file: bool | None = None
    policy_search: bool | None = None


class SettingSource(StrEnum):
    """Where a setting's value comes from; the first that has one wins."""

    ENVIRONMENT = "environment"
    DATABASE = "database"
    DEFAULT = "default"


Value = bool | int | float | str


class SettingRead(Model):
    """One setting; a duration is text such as `10s`. What the environment sets can only be changed there."""

    key: str
    value: Value
    default: Value
    source: SettingSource
    variable: str
    description: str
    type: Literal["boolean", "integer", "number", "duration"]
    unit: str | None
    minimum: Value | None
    maximum: Value | None
