"""Sends webhooks as Radarr and Sonarr do: at once, synchronously, with Basic auth, never followed and never again."""

from __future__ import annotations

import base64
import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

METHODS = {1: "POST", 2: "PUT"}
TIMEOUT = 100.0  # s, the real one's


@dataclass(frozen=True, slots=True)
class Delivery:
    """One send; `status` is None where there was no answer, and `error` says why."""

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
    parts = urlsplit(fields["url"])
    payload = json.dumps(body, indent=2, ensure_ascii=False).encode()
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "Connection": "close",
        "Accept-Encoding": "gzip, br",
    }
    user, password = fields.get("username") or "", fields.get("password") or ""
    if user or password:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()
    for pair in fields.get("headers") or []:
        headers[pair["key"]] = pair["value"]
    item = body.get("movie") or body.get("series")
    item_id = item["id"] if item else None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=timeout)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    began = time.monotonic()
    try:
        connection.request(METHODS[int(fields.get("method") or 1)], target or "/", payload, headers)
        answer = connection.getresponse()
        answer.read()
        return Delivery(body["eventType"], item_id, answer.status, time.monotonic() - began)
    except (OSError, http.client.HTTPException) as error:
        return Delivery(body["eventType"], item_id, None, time.monotonic() - began, str(error))
    finally:
        connection.close()
