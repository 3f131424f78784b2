"""The page of one title: where it stands, its trailer, what was tried and why, and what a person can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.responses import Response

from app.context import Deps
from app.domain.records import Media
from app.errors import Conflict, NotFound
from app.pipeline.connections import get_connection
from app.pipeline.media import download_now, sync_now, update_media
from app.pipeline.rejecting import reject_trailer
from app.web.api.media import detail_of
from app.web.errors import invalid
from app.web.pages.shell import Flash, Form, html, page, redirect, takes_form
from app.web.state import AppRequest
from schemas.media import MediaUpdate

SOURCES = {"person": "Chosen by hand", "tmdb": "TMDB", "arr": "Named by the app", "search": "YouTube search"}
_PINS = {"yes": True, "no": False, "rule": None}
_DONE = {
    "download": "Its trailer is fetched before all others.",
    "reject": "That trailer is gone and will not come again; another one is looked for.",
    "sync": "The app is asked for it, and its folder is looked at.",
    "choose": "Your choice is saved.",
    "monitor": "Saved.",
}


@page
async def title_page(request: AppRequest) -> Response:
    """Show one title."""
    return await _title(request)


@takes_form
async def act(request: AppRequest, form: Form) -> Response:
    """Do what a button says; where it cannot be done, the page says why."""
    deps, media_id, action = request.state["deps"], request.path_params["media_id"], request.path_params["action"]
    simple: dict[str, Callable[[Deps, int], Awaitable[Media]]] = {
        "download": download_now,
        "reject": reject_trailer,
        "sync": sync_now,
    }
    try:
        if action in simple:
            await simple[action](deps, media_id)
        elif action == "monitor":
            await update_media(deps, media_id, MediaUpdate(monitor=_PINS.get(form.text("monitor"))))
        elif action == "choose":
            chosen = MediaUpdate.model_validate({"trailer_url": form.text("trailer_url").strip() or None})
            await update_media(deps, media_id, chosen)
        else:
            message = "There is no such page."
            raise NotFound(message)
    except ValidationError as error:
        return await _title(request, 422, invalid(error).fields["trailer_url"], form.text("trailer_url"))
    except Conflict as error:
        return redirect(request, f"/titles/{media_id}", Flash("problem", error.message))
    return redirect(request, f"/titles/{media_id}", Flash("done", _DONE[action]))


async def _title(request: AppRequest, status_code: int = 200, fault: str = "", typed: str = "") -> Response:
    deps, media_id = request.state["deps"], request.path_params["media_id"]
    title = await detail_of(request, media_id)
    connection = await get_connection(deps, title.connection_id)
    percents = await deps.live.downloads() if title.status == "downloading" else {}
    return html(
        request,
        "title.html",
        status_code,
        title=title,
        connection=connection,
        percent=percents.get(media_id),
        sources=SOURCES,
        fault=fault,
        typed=typed or title.trailer_url or "",
    )
