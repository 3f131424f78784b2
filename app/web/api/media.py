"""`/api/v1/media`."""

from __future__ import annotations

from starlette.responses import Response

from app.db import attempts, event_views, media, sources, trailers
from app.db.media import MediaFilter
from app.errors import InvalidRequest
from app.pipeline.media import download_now, get_media, sync_now, update_media
from app.pipeline.rejecting import reject_trailer
from app.web.api.answers import answer
from app.web.bodies import query_int, read_model
from app.web.paging import after_name, encode, limit_of
from app.web.state import AppRequest
from app.web.views import media_read
from schemas.base import MonitorStatus
from schemas.media import MediaDetail, MediaRead, MediaUpdate
from schemas.status import Page
from schemas.text import clean

SHOWN_WITH_ONE = 20
MAX_ID = 2**63 - 1


async def list_media(request: AppRequest) -> Response:
    """List titles by name."""
    limit = limit_of(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await media.list_page(tx, media_filter(request), after_name(request), limit)
        paused = await sources.list_open(tx)
    last = found[-1] if len(found) == limit else None
    cursor = None if last is None else encode(last.title.lower(), last.id)
    return answer(
        Page[MediaRead](items=[media_read(title, paused) for title in found], next_cursor=cursor, total=total)
    )


async def get_one(request: AppRequest) -> Response:
    """Show one title with its trailer, its last attempts and events."""
    return answer(await detail_of(request, request.path_params["media_id"]))


async def change_one(request: AppRequest) -> Response:
    """Pin or unpin monitoring, or choose a trailer."""
    changes = await read_model(request, MediaUpdate)
    changed = await update_media(request.state["deps"], request.path_params["media_id"], changes)
    return answer(await detail_of(request, changed.id))


async def download_one(request: AppRequest) -> Response:
    """Fetch its trailer before all others."""
    title = await download_now(request.state["deps"], request.path_params["media_id"])
    return answer(await detail_of(request, title.id), 202)


async def sync_one(request: AppRequest) -> Response:
    """Ask the Arr for it and look at its folder."""
    title = await sync_now(request.state["deps"], request.path_params["media_id"])
    return answer(await detail_of(request, title.id), 202)


async def reject_one(request: AppRequest) -> Response:
    """Remove its trailer, never take that video again, and fetch another."""
    title = await reject_trailer(request.state["deps"], request.path_params["media_id"])
    return answer(await detail_of(request, title.id), 202)


async def detail_of(request: AppRequest, media_id: int) -> MediaDetail:
    """Read everything about one title. Raises NotFound."""
    deps = request.state["deps"]
    title = await get_media(deps, media_id)
    async with deps.db.transaction() as tx:
        heard = (
            []
            if title.arr_id is None
            else await event_views.list_for_item(tx, title.connection_id, title.arr_id, SHOWN_WITH_ONE)
        )
        return MediaDetail(
            **media_read(title, await sources.list_open(tx)).model_dump(),
            trailer=await trailers.latest_of(tx, title.id),
            attempts=list(await attempts.list_for_media(tx, title.id, SHOWN_WITH_ONE)),
            events=list(heard),
        )


def media_filter(request: AppRequest) -> MediaFilter:
    """Read the filter of a list of titles from the query. Raises InvalidRequest."""
    status = request.query_params.get("status") or None
    if status is not None and status not in set(MonitorStatus):
        message = f"status must be one of {', '.join(MonitorStatus)}."
        raise InvalidRequest(message, {"status": message})
    return MediaFilter(
        status=None if status is None else MonitorStatus(status),
        search=clean(request.query_params.get("q", "")).strip()[:200] or None,
        connection_id=query_int(request, "connection_id", None, MAX_ID),
    )
