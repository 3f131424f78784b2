"""Sends webhooks as Radarr and Sonarr do: at once, synchronously, with Basic auth, never followed and never again."""

from __future__ import annotations

import base64
import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

METHODS = {1: "POST", 2: "PUT"}
TIMEOUT = 100.0  # s, the real one's


@dataclass(frozen=True, slots=True)
class Delivery:
    """One send; `status` is None where there was no whole answer, and `error` says why in .NET's words."""

    event_type: str
    item_id: int | None
    status: int | None
    seconds: float
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and self.status < 400


def send(fields: dict[str, Any], body: dict[str, Any], user_agent: str, timeout: float = TIMEOUT) -> Delivery:
    """Send one body to the address in a Connect entry's fields."""
    item = body.get("movie") or body.get("series")
    item_id = item["id"] if item else None
    began = time.monotonic()
    status, error = None, None
    try:
        status = _exchange(fields, body, user_agent, timeout)
    except (OSError, http.client.HTTPException) as fault:
        error = _words(fault, urlsplit(fields["url"]))
    except TypeError:  # headers stored as null: the app stumbles before it sends
        error = "Value cannot be null. (Parameter 'source')"
    return Delivery(body["eventType"], item_id, status, time.monotonic() - began, error)


def _exchange(fields: dict[str, Any], body: dict[str, Any], user_agent: str, timeout: float) -> int:
    """Give the status; the body of the answer is read to its end and not looked at."""
    parts = urlsplit(fields["url"])
    payload = json.dumps(body, indent=2, ensure_ascii=False).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=timeout)
    try:
        connection.request(METHODS[int(fields.get("method") or 1)], target, payload, _headers(fields, user_agent))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _headers(fields: dict[str, Any], user_agent: str) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "Connection": "close",
        "Accept-Encoding": "gzip, br",
    }
    user, password = fields.get("username") or "", fields.get("password") or ""
    if user or password:
        pair = f"{user}:{password}".encode("latin-1", "replace")
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    for custom in fields.get("headers", []):
        headers[custom["key"]] = custom["value"]
    return headers


def _words(fault: Exception, parts: SplitResult) -> str:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    match fault:
        case ConnectionRefusedError():
            return f"Connection refused ({parts.hostname}:{port})"
        case TimeoutError():
            return "Http request timed out"
        case http.client.HTTPException() | ConnectionError():
            return "Failed to read complete http response"
        case _:
            return str(fault)
