"""The page of the checks: what is ok, what is not, and what to do about it."""

from __future__ import annotations

from collections import Counter

from starlette.responses import Response

from app.pipeline.doctor import GivenKeys, examine
from app.web.pages.shell import html, page
from app.web.state import AppRequest
from schemas.doctor import Level

_WORST_FIRST = (Level.PROBLEM, Level.WARNING, Level.OK)


@page
async def health_page(request: AppRequest) -> Response:
    """Check everything now, which takes as long as the slowest part, and show the worst first."""
    keys = request.state["keys"]
    found = await examine(request.state["deps"], GivenKeys(keys.api_key, keys.secret_key))
    return html(
        request,
        "health.html",
        findings=sorted(found.findings, key=lambda one: _WORST_FIRST.index(one.level)),
        counts=Counter(one.level for one in found.findings),
        checked_at=request.state["deps"].now(),
    )
