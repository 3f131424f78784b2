"""The running service, as the client commands reach it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from app.errors import Conflict, NotFound, SetupError, TrailhookError, Unauthorized
from app.keys import API_KEY_FILE, read_key
from app.settings import Settings
from schemas.status import ErrorRead

URL_VARIABLE = "TRAILHOOK_URL"
TIMEOUT = httpx.Timeout(10, read=180)  # adding a connection waits for the Arr's Test

_REFUSALS: dict[int, type[TrailhookError]] = {httpx.codes.NOT_FOUND: NotFound, httpx.codes.CONFLICT: Conflict}

M = TypeVar("M", bound=BaseModel)


class Service:
    """`/api/v1` of the service at TRAILHOOK_URL, opened with the API key of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.url = (os.environ.get(URL_VARIABLE) or settings.service_url).rstrip("/")
        if urlsplit(self.url).scheme not in {"http", "https"}:
            message = f"{URL_VARIABLE} must begin with http:// or https://."
            raise SetupError(message)
        key = settings.api_key or _stored_key(settings)
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"X-Api-Key": key.get_secret_value()},
            timeout=TIMEOUT,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, model: type[M], **query: str | int | None) -> M:
        """Read one thing. Raises TrailhookError with the service's own sentence."""
        return self._ask("GET", path, model, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, model: type[M], body: dict[str, Any] | None = None) -> M:
        """Ask for something. Raises TrailhookError with the service's own sentence."""
        return self._ask("POST", path, model, json=body or {})

    def patch(self, path: str, model: type[M], body: dict[str, Any]) -> M:
        """Change something. Raises TrailhookError with the service's own sentence."""
        return self._ask("PATCH", path, model, json=body)

    def _ask(self, method: str, path: str, model: type[M], **options: Any) -> M:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            message = f"Trailhook does not answer at {self.url}: start it with `trailhook up`, or set {URL_VARIABLE}."
            raise TrailhookError(message) from error
        if answer.is_success:
            return self._read(answer, model)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            message = f"{self.url} refuses the API key: set TRAILHOOK_API_KEY to what `trailhook key` prints there."
            raise Unauthorized(message)
        refusal = _REFUSALS.get(answer.status_code, TrailhookError)
        raise refusal(self._read(answer, ErrorRead).error.message)

    def _read(self, answer: httpx.Response, model: type[M]) -> M:
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            message = f"What answers at {self.url} is not this version of Trailhook (status {answer.status_code})."
            raise TrailhookError(message) from error


def _stored_key(settings: Settings) -> SecretStr:
    path = settings.data_dir / API_KEY_FILE
    key = read_key(path)
    if key is None:
        message = f"There is no API key: set TRAILHOOK_API_KEY, or TRAILHOOK_DATA_DIR to where {API_KEY_FILE} is kept."
        raise SetupError(message)
    return key
