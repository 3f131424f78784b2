"""Strings from other people's systems, made fit for Postgres and for a page."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator


def clean(text: str) -> str:
    """Drop NUL and replace lone surrogates: Postgres and UTF-8 take neither."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _absent_if_empty(value: object) -> object:
    return None if value in ("", 0) else value


CleanText = Annotated[str, AfterValidator(clean)]
OptionalText = Annotated[CleanText | None, BeforeValidator(_absent_if_empty)]
OptionalId = Annotated[int | None, BeforeValidator(_absent_if_empty)]
