"""The pages on which a connection is added and changed."""

from __future__ import annotations

from starlette.responses import Response

from app.context import Deps
from app.domain.policy import default_policy
from app.errors import Conflict, InvalidRequest
from app.pipeline.connections import add_connection, change_connection, get_connection
from app.pipeline.settings import get_settings
from app.web.pages.connection_added import lead_to_added, likely_mappings
from app.web.pages.connection_form import ConnectionForm, changes, empty_form, form_of, new_connection, typed
from app.web.pages.connection_list import cards_of
from app.web.pages.shell import Flash, Form, html, page, redirect, takes_form
from app.web.state import AppRequest
from app.web.views import left_entry_warnings
from schemas.base import MonitorType
from schemas.connection import ConnectionRead

MONITOR_WORDS = {
    MonitorType.MISSING: "every title without a trailer, also those that are in the library already",
    MonitorType.NEW: "only titles that are added from now on",
    MonitorType.SYNC: "the titles that the app itself monitors",
    MonitorType.NONE: "no title by itself, only those that you ask for",
}


@page
async def new_page(request: AppRequest) -> Response:
    """Show the empty form."""
    return await _form_page(request, empty_form(request.query_params.get("app", "")))


@takes_form
async def add(request: AppRequest, form: Form) -> Response:
    """Add a connection, or show the form again with what is wrong."""
    shown = typed(form)
    try:
        added = await add_connection(request.state["deps"], new_connection(shown, form.text("api_key")))
    except InvalidRequest as error:
        return await _form_page(request, shown.with_faults(error.fields), status_code=422)
    except Conflict as error:
        return await _form_page(request, shown.with_faults({"name": error.message}), status_code=409)
    return await lead_to_added(request, added)


@page
async def edit_page(request: AppRequest) -> Response:
    """Show the form as the connection is; with `suggest` also where its root folders probably are."""
    deps = request.state["deps"]
    connection = await get_connection(deps, request.path_params["connection_id"])
    form = form_of(connection)
    if "suggest" in request.query_params:
        form = form.with_rows(await likely_mappings(deps, connection))
    return await _form_page(request, form, connection_id=connection.id)


@takes_form
async def change(request: AppRequest, form: Form) -> Response:
    """Save the changes, or show the form again with what is wrong."""
    deps, connection_id, shown = request.state["deps"], request.path_params["connection_id"], typed(form)
    try:
        changed = await change_connection(deps, connection_id, changes(shown, form.text("api_key")))
    except InvalidRequest as error:
        faults, status_code = error.fields, 422
    except Conflict as error:
        faults, status_code = {"name": error.message}, 409
    else:
        done = f"{changed.connection.name} is saved"
        done += (
            "." if changed.run_id is None else "; its titles are decided anew with the reconciliation that begins now."
        )
        return redirect(request, "/connections", Flash("done", " ".join([done, *left_entry_warnings(changed)])))
    return await _form_page(request, shown.with_faults(faults), connection_id=connection_id, status_code=status_code)


async def _form_page(
    request: AppRequest, form: ConnectionForm, *, connection_id: int | None = None, status_code: int = 200
) -> Response:
    deps = request.state["deps"]
    return html(
        request,
        "connection_form.html",
        status_code,
        form=form,
        old=None if connection_id is None else await _read(deps, connection_id),
        monitor_words=MONITOR_WORDS,
        default=default_policy((await get_settings(deps)).values),
    )


async def _read(deps: Deps, connection_id: int) -> ConnectionRead:
    (card,) = await cards_of(deps, [await get_connection(deps, connection_id)])
    return card.read
