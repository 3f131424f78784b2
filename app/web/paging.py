"""Cursors: where the next part of a list begins, as one opaque word."""

from __future__ import annotations

import base64
import binascii
import json

from app.errors import InvalidRequest
from app.web.bodies import query_int
from app.web.state import AppRequest
from schemas.text import clean

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


def limit_of(request: AppRequest) -> int:
    """Give how many items are asked for, 50 unless told. Raises InvalidRequest."""
    return query_int(request, "limit", DEFAULT_LIMIT, MAX_LIMIT) or DEFAULT_LIMIT


def encode(*parts: str | int) -> str:
    """Make a cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def after_id(request: AppRequest) -> int | None:
    """Read a cursor of one id. Raises InvalidRequest."""
    parts = _decode(request)
    if parts is None:
        return None
    match parts:
        case [int(number)] if not isinstance(number, bool) and 0 <= number < 2**63:
            return number
        case _:
            raise _unusable()


def after_name(request: AppRequest) -> tuple[str, int] | None:
    """Read a cursor of a name and an id. Raises InvalidRequest."""
    parts = _decode(request)
    if parts is None:
        return None
    match parts:
        case [str(name), int(number)] if not isinstance(number, bool) and 0 <= number < 2**63 and clean(name) == name:
            return name, number
        case _:
            raise _unusable()


def _decode(request: AppRequest) -> object:
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        decoded: object = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise _unusable() from None
    return decoded


def _unusable() -> InvalidRequest:
    message = "The cursor is not one that a list gave; leave it out to begin at the start."
    return InvalidRequest(message, {"cursor": message})
