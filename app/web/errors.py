"""Errors as answers: the one table of codes and statuses."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from app.errors import Conflict, InvalidRequest, TooMany, TrailhookError, Unavailable
from app.web.headers import SECURITY_HEADERS
from schemas.status import ErrorBody, ErrorRead

RETRY_AFTER = "5"  # s
NO_SUCH_FIELD = "leave it out, there is no such field"
_STATUS = {
    "validation": 422,
    "not_found": 404,
    "conflict": 409,
    "unauthorized": 401,
    "too_large": 413,
    "too_many": 429,
    "upstream": 502,
    "unavailable": 503,
}
_HTTP_TEXTS = {
    404: "There is nothing at this address; check its spelling.",
    405: "This address does not take this method; the Allow header names those that it takes.",
}
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "bad_request"}


def error_response(status: int, code: str, message: str, fields: dict[str, str] | None = None) -> Response:
    """Make the answer that every error has; it carries the headers itself, as not all errors pass the middleware."""
    body = ErrorRead(error=ErrorBody(code=code, message=message, fields=fields or None))
    headers = dict(SECURITY_HEADERS)
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="trailhook", charset="UTF-8"'
    return JSONResponse(body.model_dump(exclude_none=True), status, headers)


async def on_expected(_request: Request, error: Exception) -> Response:
    """Answer an error of our own tree."""
    assert isinstance(error, TrailhookError)
    code = error.reason or error.code if isinstance(error, Conflict) else error.code
    fields = error.fields if isinstance(error, InvalidRequest) else None
    response = error_response(status_code(error), code, error.message, fields)
    response.headers.update(headers_of(error))
    return response


def headers_of(error: TrailhookError) -> dict[str, str]:
    """Give the headers that an error of our own tree needs."""
    if isinstance(error, Unavailable):
        return {"Retry-After": RETRY_AFTER}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}


def status_code(error: TrailhookError) -> int:
    """Give the HTTP status of an error of our own tree."""
    return _STATUS.get(error.code, 500)


async def on_http(_request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses."""
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "error")
    response = error_response(error.status_code, code, _HTTP_TEXTS.get(error.status_code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Answer a bug without telling what it was; the server logs it with its traceback."""
    return error_response(500, "internal", "Trailhook failed unexpectedly; its log has the details.")


def invalid(error: ValidationError) -> InvalidRequest:
    """Turn pydantic's findings into one sentence and the faults by field, without the values."""
    fields = {
        ".".join(str(part) for part in fault["loc"]) or "body": _fault_text(fault["type"], fault["msg"])
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    }
    listed = "; ".join(f"{name}: {fault}" for name, fault in fields.items())
    return InvalidRequest(f"Correct the request: {listed}.", fields)


def _fault_text(kind: str, text: str) -> str:
    return NO_SUCH_FIELD if kind == "extra_forbidden" else text.removeprefix("Value error, ")


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """End a request whose client is gone; nobody reads the answer."""
    return error_response(400, "bad_request", "The connection ended before the body did.")


HANDLERS = {ClientDisconnect: on_disconnect, TrailhookError: on_expected, HTTPException: on_http, Exception: on_bug}
