"""Resources that Radarr and Sonarr share, as `/api/v3` gives them (only the fields we use)."""

from __future__ import annotations

from pydantic import ConfigDict, Field, model_validator

from schemas.base import ArrModel
from schemas.text import CleanText


class ArrResource(ArrModel):
    """What the REST API gives: null and absent mean the same; an error never quotes the value at fault."""

    model_config = ConfigDict(hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        if not isinstance(data, dict) or None not in data.values():
            return data
        return {key: value for key, value in data.items() if value is not None}


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
