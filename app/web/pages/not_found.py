"""The answer to an address that does not exist: a page for browsers, JSON for programs and below `/api`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.web.errors import on_http
from app.web.pages.shell import base_of, html
from app.web.state import AppRequest


async def on_not_found(request: Request, error: Exception) -> Response:
    """Show a small page to who asks for HTML, but below `/api`, whose answers are all JSON."""
    api = f"{base_of(AppRequest(request.scope))}/api/"
    if request.url.path.startswith(api) or "text/html" not in request.headers.get("accept", ""):
        return await on_http(request, error)
    return html(AppRequest(request.scope), "not_found.html", 404)
