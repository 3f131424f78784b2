"""The page of the titles: where each stands and why."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from app.db import media, overview, sources
from app.web.api.media import media_filter
from app.web.api.status import status_of
from app.web.pages.shell import html, page
from app.web.paging import after_name, encode
from app.web.state import AppRequest
from app.web.views import media_read
from schemas.base import MonitorStatus
from schemas.status import MediaCounts

PER_PAGE = 50
NO_TITLES = MediaCounts(total=0, downloading=0, downloaded=0, monitored=0, missing=0)


@page
async def titles_page(request: AppRequest) -> Response:
    """Show the titles."""
    status, wanted = await status_of(request), media_filter(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await media.list_page(tx, wanted, after_name(request), PER_PAGE)
        paused = await sources.list_open(tx)
        by_connection = await overview.media_counts_by_connection(tx) if wanted.connection_id else {}
    names = {one.id: one.name for one in status.connections}
    kept = {key: value for key, value in request.query_params.items() if key in {"q", "connection_id"} and value}
    chosen = {"status": wanted.status} if wanted.status else {}
    more = None
    if len(found) == PER_PAGE:
        more = urlencode({**kept, **chosen, "cursor": encode(found[-1].title.lower(), found[-1].id)})
    return html(
        request,
        "titles.html",
        status=status,
        counts=by_connection.get(wanted.connection_id, NO_TITLES) if wanted.connection_id else status.media,
        rows=[(media_read(title, paused), names.get(title.connection_id, "")) for title in found],
        percents={one.media_id: one.percent for one in status.downloads.active},
        total=total,
        more=more,
        statuses=[(name, urlencode({**kept, "status": name})) for name in MonitorStatus],
        all_statuses=urlencode(kept),
        chosen=wanted.status or "",
        search=wanted.search or "",
        connection_id=wanted.connection_id,
        only=names.get(wanted.connection_id or 0),
    )
