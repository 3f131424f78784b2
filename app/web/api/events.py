"""`/api/v1/events`."""

from __future__ import annotations

from starlette.responses import Response

from app.db import events
from app.errors import InvalidRequest
from app.web.api.answers import answer
from app.web.paging import after_id, encode, limit_of
from app.web.state import AppRequest
from schemas.base import EventState
from schemas.event import EventRead
from schemas.status import Page


async def list_events(request: AppRequest) -> Response:
    """List events, newest first."""
    limit = limit_of(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await events.list_page(tx, _state(request), after_id(request), limit)
    cursor = encode(found[-1].id) if len(found) == limit else None
    return answer(Page[EventRead](items=list(found), next_cursor=cursor, total=total))


def _state(request: AppRequest) -> EventState | None:
    state = request.query_params.get("state") or None
    if state is not None and state not in set(EventState):
        message = f"state must be one of {', '.join(EventState)}."
        raise InvalidRequest(message, {"state": message})
    return None if state is None else EventState(state)
