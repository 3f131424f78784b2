"""What a simulator answers instead of the truth: the failures that are documented or were seen."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from starlette.responses import Response

PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of wrong answer, for every path that begins with `path` (below /api/v3)."""

    status: int = 500
    body: str = ""
    content_type: str | None = "application/json; charset=utf-8"
    path: str = ""
    location: str | None = None
    seconds: float = 0.0
    instead: bool = True

    async def answer(self) -> Response | None:
        """Wait, then give the wrong answer; None where only the wait is wrong."""
        await asyncio.sleep(self.seconds)
        if not self.instead:
            return None
        headers = {} if self.location is None else {"Location": self.location}
        return Response(self.body, self.status, headers, self.content_type)


def starting_up(app_name: str) -> Fault:
    return Fault(503, json.dumps({"errorMessage": f"{app_name} is starting up, please try again later"}))


def unauthorized() -> Fault:
    return Fault(401, "", None)


def server_error(path: str = "") -> Fault:
    body = {"message": "database disk image is malformed", "description": "code = Corrupt (11), message = …\n   at …"}
    return Fault(500, json.dumps(body), path=path)


def proxy_page(status: int = 502) -> Fault:
    return Fault(status, PROXY_PAGE, "text/html")


def redirect(location: str) -> Fault:
    return Fault(307, "", None, location=location)


def empty_list() -> Fault:
    return Fault(200, "[]")


def slow(seconds: float) -> Fault:
    return Fault(seconds=seconds, instead=False)
