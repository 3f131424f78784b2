"""What Radarr's movie and Sonarr's series share. They are structs: a list has tens of thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from msgspec import Meta, Struct

_INT32_MAX = 2**31 - 1
_MOST_TITLES, _LONGEST_TITLE = 50, 200
_NO_SEASON = (None, -1)

# One number that does not fit the column would fail the whole batch it is stored with.
Int32 = Annotated[int, Meta(ge=-_INT32_MAX, le=_INT32_MAX)]
ArrId = Annotated[int, Meta(ge=1, le=_INT32_MAX)]
FilledText = Annotated[str, Meta(min_length=1)]


class Moment:
    """A time; None at either end of the calendar, where .NET's empty times are. Without a zone it is UTC."""

    __slots__ = ("utc",)

    def __init__(self, utc: datetime | None) -> None:
        self.utc = utc

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it as the Arrs write it, with up to seven digits of a second. Raises ValueError."""
        moment = datetime.fromisoformat(text)
        if moment.year in {1, 9999}:
            return cls(None)
        return cls(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


class ItemStruct(Struct, frozen=True, rename="camel"):
    """The JSON of an item: unknown fields are ignored; absent and null mean the same."""


class Language(ItemStruct, frozen=True):
    """A language by its English name."""

    name: str | None = None


class Image(ItemStruct, frozen=True):
    """A poster, fan art or banner; `remote_url` is absolute and needs no key."""

    cover_type: str | None = None
    remote_url: str | None = None


class OtherTitle(ItemStruct, frozen=True):
    """A title that people also use; Sonarr's may be those of one season, or of one in the scene's count."""

    title: Any = None
    season_number: Any = None
    scene_season_number: Any = None


# A title can do without these: what is no list, or no title in it, is passed over.
_Scalar = str | int | float | bool | None
OtherTitles = list[OtherTitle | list[Any] | _Scalar] | dict[str, Any] | _Scalar


def remote_image(images: Sequence[Image] | None, cover_type: str) -> str | None:
    """Give the public web address of the first image of this type."""
    for image in images or ():
        if image.cover_type == cover_type and image.remote_url and image.remote_url.startswith(("https://", "http://")):
            return image.remote_url
    return None


def other_titles(titles: OtherTitles) -> tuple[str, ...]:
    """Keep the other titles of the whole, in a lasting order."""
    if not isinstance(titles, list):
        return ()
    kept = {
        one.title[:_LONGEST_TITLE]
        for one in titles
        if isinstance(one, OtherTitle)
        and one.season_number in _NO_SEASON
        and one.scene_season_number in _NO_SEASON
        and isinstance(one.title, str)
        and one.title
    }
    return tuple(sorted(kept)[:_MOST_TITLES])
