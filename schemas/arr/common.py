"""Resources that Radarr and Sonarr share, as `/api/v3` gives them (only the fields we use)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from schemas.base import ArrModel
from schemas.text import CleanText, OptionalText

ArrId = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class Language(ArrModel):
    """A language by the Arr's own id."""

    id: int = 0
    name: OptionalText = None


class Image(ArrModel):
    """A poster, fan art or banner; `remote_url` is absolute and needs no key."""

    cover_type: CleanText = "unknown"
    remote_url: OptionalText = None


class SystemStatus(ArrModel):
    """`GET /system/status`."""

    app_name: CleanText
    version: CleanText
    url_base: CleanText = ""
    is_docker: bool = False


class RootFolder(ArrModel):
    """One of `GET /rootfolder`."""

    id: int
    path: CleanText
    accessible: bool = True


class NotificationField(ArrModel):
    """One setting of a Connect entry; only name and value count when it is sent."""

    name: CleanText
    value: object = None


class Notification(ArrModel):
    """One entry of the Arr's Connect list (`GET /notification`)."""

    id: int = 0
    name: CleanText = ""
    implementation: CleanText = ""
    fields: list[NotificationField] = Field(default_factory=list)

    def field(self, name: str) -> object:
        """Give a setting's value, None where the entry has no such setting."""
        return next((field.value for field in self.fields if field.name == name), None)


def remote_image(images: list[Image], cover_type: str) -> str | None:
    """Give the public address of the first image of this type."""
    return next((image.remote_url for image in images if image.cover_type == cover_type and image.remote_url), None)
