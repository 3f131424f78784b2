"""`/api/v1/events`."""

from __future__ import annotations

from pydantic import JsonValue
from pydantic_core import from_json
from starlette.responses import Response

from app.db import event_views
from app.db.event_views import EventFilter
from app.errors import InvalidRequest, NotFound
from app.pipeline.events import no_event, replay_event
from app.web.api.answers import answer
from app.web.api.media import MAX_ID
from app.web.bodies import query_int
from app.web.paging import after_id, encode, limit_of
from app.web.state import AppRequest
from schemas.base import EventState
from schemas.event import EventDetail, EventRead
from schemas.status import Page


async def list_events(request: AppRequest) -> Response:
    """List events, newest first."""
    limit = limit_of(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await event_views.list_page(tx, event_filter(request), after_id(request), limit)
    cursor = encode(found[-1].id) if len(found) == limit else None
    return answer(Page[EventRead](items=list(found), next_cursor=cursor, total=total))


async def get_one(request: AppRequest) -> Response:
    """Show one event with what was received."""
    event_id = request.path_params["event_id"]
    async with request.state["deps"].db.transaction() as tx:
        found = await event_views.get(tx, event_id)
        payload = await event_views.get_payload(tx, event_id)
    if found is None or payload is None:
        raise NotFound(no_event(event_id))
    return answer(EventDetail(**found.model_dump(), payload=_readable(payload)))


async def replay_one(request: AppRequest) -> Response:
    """Have an event handled again."""
    return answer(await replay_event(request.state["deps"], request.path_params["event_id"]), 202)


def event_filter(request: AppRequest) -> EventFilter:
    """Read the filter of a list of events from the query. Raises InvalidRequest."""
    state = request.query_params.get("state") or None
    if state is not None and state not in set(EventState):
        message = f"state must be one of {', '.join(EventState)}."
        raise InvalidRequest(message, {"state": message})
    connection_id = query_int(request, "connection_id", None, MAX_ID)
    return EventFilter(None if state is None else EventState(state), connection_id)


def _readable(payload: bytes) -> JsonValue:
    try:
        parsed: JsonValue = from_json(payload, allow_inf_nan=False)
    except ValueError:
        return payload.decode("utf-8", "replace")
    return parsed
