"""Resources that Radarr and Sonarr share, as `/api/v3` gives them (only the fields we use)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from schemas.base import ArrModel
from schemas.text import CleanText, OptionalId, OptionalText, clean

_INT32_MAX = 2**31 - 1
_MOST_TITLES, _LONGEST_TITLE = 50, 200


def _fits_int32(value: int | None) -> int | None:
    if value is not None and not -_INT32_MAX <= value <= _INT32_MAX:
        message = "the number is too large"
        raise ValueError(message)
    return value


def _utc(moment: datetime) -> datetime | None:
    """Read a time without a zone as UTC; one at either end of the calendar (.NET's empty time) means unknown."""
    if moment.year in {1, 9999}:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _titles(value: object) -> object:
    """Keep the other titles of the whole, in a lasting order; Sonarr's titles of one season, or scene, are left out."""
    if not isinstance(value, list):
        return []
    entries = [entry for entry in value if isinstance(entry, dict) and not _of_one_season(entry)]
    titles = {entry["title"] for entry in entries if isinstance(entry.get("title"), str)}
    return sorted({clean(title[:_LONGEST_TITLE]) for title in titles if title})[:_MOST_TITLES]


def _of_one_season(entry: dict[object, object]) -> bool:
    seasons = (entry.get("seasonNumber"), entry.get("sceneSeasonNumber"))
    return any(season not in (None, -1) for season in seasons)


ArrId = Annotated[StrictInt, Field(ge=1, le=_INT32_MAX)]
# One number that does not fit the column would fail the whole batch it is stored with.
Int32 = Annotated[int, AfterValidator(_fits_int32)]
OptionalInt32 = Annotated[OptionalId, AfterValidator(_fits_int32)]
UtcTime = Annotated[datetime, AfterValidator(_utc)]
FilledText = Annotated[CleanText, Field(min_length=1)]
AlternateTitles = Annotated[list[str], BeforeValidator(_titles)]


class ArrResource(ArrModel):
    """What the REST API gives: null and absent mean the same; an error never quotes the value at fault."""

    model_config = ConfigDict(hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        if not isinstance(data, dict) or None not in data.values():
            return data
        return {key: value for key, value in data.items() if value is not None}


class Language(ArrResource):
    """A language by the Arr's own id."""

    id: int = 0
    name: OptionalText = None


class Image(ArrResource):
    """A poster, fan art or banner; `remote_url` is absolute and needs no key."""

    cover_type: CleanText = "unknown"
    remote_url: OptionalText = None


class SystemStatus(ArrResource):
    """`GET /system/status`."""

    app_name: CleanText
    version: CleanText
    url_base: CleanText = ""
    is_docker: bool = False


class RootFolder(ArrResource):
    """One of `GET /rootfolder`."""

    id: int
    path: CleanText
    accessible: bool = True


class Tag(ArrResource):
    """One of `GET /tag`."""

    id: int
    label: CleanText = ""


class HealthIssue(ArrResource):
    """One of `GET /health`; the message is in the language of the app's interface."""

    source: CleanText = ""
    message: CleanText = ""


class NotificationField(ArrResource):
    """One setting of a Connect entry; only name and value count when it is sent."""

    name: CleanText
    value: object = None


class Notification(ArrResource):
    """One entry of the Arr's Connect list (`GET /notification`)."""

    id: int = 0
    name: CleanText = ""
    implementation: CleanText = ""
    fields: list[NotificationField] = Field(default_factory=list)
    tags: list[int] = Field(default_factory=list)
    events: dict[str, bool] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_events(cls, data: object) -> object:
        """Gather the flags that choose the events, whichever this version has."""
        if not isinstance(data, dict):
            return data
        flags = {key: value for key, value in data.items() if key.startswith(("on", "include")) and type(value) is bool}
        return {**data, "events": flags}

    def field(self, name: str) -> object:
        """Give a setting's value, None where the entry has no such setting."""
        return next((field.value for field in self.fields if field.name == name), None)


def remote_image(images: list[Image], cover_type: str) -> str | None:
    """Give the public web address of the first image of this type."""
    urls = (image.remote_url for image in images if image.cover_type == cover_type)
    return next((url for url in urls if url and url.startswith(("https://", "http://"))), None)
