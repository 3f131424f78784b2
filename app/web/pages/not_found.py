"""The answer to an address that does not exist: a page for browsers, JSON for programs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.web.errors import on_http
from app.web.pages.shell import html
from app.web.state import AppRequest


async def on_not_found(request: Request, error: Exception) -> Response:
    """Show a small page to who asks for HTML, which no program does."""
    if "text/html" not in request.headers.get("accept", ""):
        return await on_http(request, error)
    return html(AppRequest(request.scope), "not_found.html", 404)
