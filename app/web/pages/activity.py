"""The page of the events: what became of each and why."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from app.db import event_views
from app.errors import Conflict, NotFound
from app.pipeline.events import replay_event
from app.web.api.events import event_filter
from app.web.api.status import status_of
from app.web.pages.shell import Form, html, page, redirect, takes_form
from app.web.paging import after_id, encode
from app.web.state import AppRequest
from schemas.base import EventState

PER_PAGE = 50


@page
async def activity_page(request: AppRequest) -> Response:
    """Show the events."""
    return await _activity(request)


@takes_form
async def replay_on_page(request: AppRequest, _form: Form) -> Response:
    """Have an event handled again; where it cannot be, the page says why."""
    try:
        await replay_event(request.state["deps"], request.path_params["event_id"])
    except (Conflict, NotFound) as error:
        return await _activity(request, error.message)
    return redirect(request, "/activity")


async def _activity(request: AppRequest, problem: str | None = None) -> Response:
    status, wanted = await status_of(request), event_filter(request)
    async with request.state["deps"].db.transaction() as tx:
        found, _ = await event_views.list_page(tx, wanted, after_id(request), PER_PAGE)
    state = wanted.state or ""
    more = urlencode({"state": state, "cursor": encode(found[-1].id)}) if len(found) == PER_PAGE else None
    return html(
        request,
        "activity.html",
        200 if problem is None else 409,
        status=status,
        events=found,
        more=more,
        states=list(EventState),
        chosen=state,
        problem=problem,
    )
