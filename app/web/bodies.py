"""Request bodies: read under a limit while they come, and turned into models."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.errors import InvalidRequest, TooLarge
from app.web.errors import invalid
from app.web.state import AppRequest

JSON_LIMIT = 256 * 1024

M = TypeVar("M", bound=BaseModel)


async def read_body(request: AppRequest, limit: int) -> bytes:
    """Read the body, at most `limit` bytes of it. Raises TooLarge before more is taken in."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(_too_large(limit))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(_too_large(limit))
    return bytes(body)


async def read_model(request: AppRequest, model: type[M]) -> M:
    """Read a JSON body as a model. Raises InvalidRequest that names each field at fault."""
    body = await read_body(request, JSON_LIMIT)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def query_int(request: AppRequest, name: str, default: int | None, most: int) -> int | None:
    """Read a whole number from 1 from the query. Raises InvalidRequest."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    digits = text.lstrip("0") if text.isascii() and text.isdecimal() else ""
    if not digits or len(digits) > len(str(most)) or int(digits) > most:
        message = f"{name} must be a whole number from 1 to {most}."
        raise InvalidRequest(message, {name: message})
    return int(digits)


def _too_large(limit: int) -> str:
    return f"The body is larger than {limit} bytes."
