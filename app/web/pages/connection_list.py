"""The page of the connections: how each is doing, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import Response

from app.context import Deps
from app.db import connections, events, overview, runs, trailers
from app.domain import doctor
from app.domain.records import Connection
from app.errors import ArrError, Conflict, WrongSecretKey
from app.pipeline.connections import change_connection, get_connection, request_reconciliation, try_connection
from app.pipeline.removal import delete_connection
from app.pipeline.webhook_upkeep import register_webhook
from app.web.api.connections import removes_trailers
from app.web.pages.shell import Flash, Form, html, page, redirect, takes_form
from app.web.pages.titles import NO_TITLES
from app.web.state import AppRequest
from app.web.views import connection_read, deleted_text
from schemas.base import ArrType
from schemas.connection import ConnectionRead, ConnectionUpdate
from schemas.doctor import Finding
from schemas.run import RunRead
from schemas.status import MediaCounts


@dataclass(frozen=True, slots=True)
class Card:
    """One connection as the page shows it."""

    read: ConnectionRead
    down_since: datetime | None
    probe_at: datetime | None
    webhook: Finding
    run: RunRead | None
    titles: MediaCounts


@page
async def connections_page(request: AppRequest) -> Response:
    """Show all connections, or how to begin."""
    deps = request.state["deps"]
    async with deps.db.transaction() as tx:
        known = await connections.list_all(tx)
    return html(request, "connections.html", cards=await cards_of(deps, known), apps=list(ArrType))


async def cards_of(deps: Deps, known: Sequence[Connection]) -> list[Card]:
    """Gather what the page shows of these connections."""
    async with deps.db.transaction() as tx:
        heard = await events.last_received(tx)
        newest = await runs.last_of_each(tx)
        ran = {one.id: await runs.get(tx, newest[one.id].id) for one in known if one.id in newest}
        titles = await overview.media_counts_by_connection(tx)
    return [
        Card(
            read=connection_read(deps, one, heard.get(one.id), newest.get(one.id), titles.get(one.id)),
            down_since=one.down_since,
            probe_at=one.probe_at,
            webhook=doctor.webhook(one, heard.get(one.id), None, deps.now()),
            run=ran.get(one.id),
            titles=titles.get(one.id, NO_TITLES),
        )
        for one in known
    ]


@takes_form
async def reconcile(request: AppRequest, form: Form) -> Response:
    """Ask for a reconciliation now; with `accept_deletions` it deletes what the last one holds."""
    deps, connection_id = request.state["deps"], request.path_params["connection_id"]
    accept = form.ticked("accept_deletions")
    try:
        await request_reconciliation(deps, connection_id, accept_deletions=accept)
    except Conflict as error:
        return _back(request, Flash("problem", error.message))
    return _back(request, Flash("done", "The reconciliation begins within seconds; load this page again to see it."))


@takes_form
async def test(request: AppRequest, _form: Form) -> Response:
    """Ask the Arr now and say what it answers."""
    try:
        message = await try_connection(request.state["deps"], request.path_params["connection_id"])
    except (ArrError, WrongSecretKey) as error:
        return _back(request, Flash("problem", error.message))
    return _back(request, Flash("done", message))


@takes_form
async def register(request: AppRequest, _form: Form) -> Response:
    """Bring our entry in the Arr in order."""
    deps = request.state["deps"]
    connection = await get_connection(deps, request.path_params["connection_id"])
    found = await register_webhook(deps, replace(connection, manual_webhook=False))
    if found.error is not None:
        return _back(request, Flash("problem", f"The webhook is not registered: {found.error}"))
    done = f"The webhook of {connection.name} is registered in {connection.arr_type.app_name}."
    return _back(request, Flash("done", done))


@takes_form
async def switch(request: AppRequest, form: Form) -> Response:
    """Enable or disable."""
    changes = ConnectionUpdate(enabled=form.text("enabled") == "yes")
    changed = await change_connection(request.state["deps"], request.path_params["connection_id"], changes)
    if changed.connection.enabled:
        return _back(request, Flash("done", f"{changed.connection.name} is enabled, and reconciled now."))
    return _back(
        request, Flash("done", f"{changed.connection.name} is disabled: its webhooks are stored, not acted on.")
    )


@page
async def delete_page(request: AppRequest) -> Response:
    """Ask whether to delete, and say what that does."""
    deps = request.state["deps"]
    connection = await get_connection(deps, request.path_params["connection_id"])
    (card,) = await cards_of(deps, [connection])
    async with deps.db.transaction() as tx:
        ours = await trailers.count_of(tx, connection.id)
    return html(request, "connection_delete.html", card=card, ours=ours)


@takes_form
async def delete(request: AppRequest, form: Form) -> Response:
    """Delete a connection; its trailers stay unless the form says otherwise."""
    deleted = await delete_connection(
        request.state["deps"],
        request.path_params["connection_id"],
        with_trailers=removes_trailers(form.text("trailers") or "keep"),
    )
    well = deleted.entry_error is None and not (deleted.removal and deleted.removal.kept)
    return _back(request, Flash("done" if well else "problem", deleted_text(deleted)))


def _back(request: AppRequest, flash: Flash) -> Response:
    return redirect(request, "/connections", flash)
