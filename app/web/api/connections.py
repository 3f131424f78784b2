"""`/api/v1/connections`."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from app.context import Deps
from app.db import connections, events, overview, runs
from app.domain.records import Connection
from app.errors import ArrError, InvalidRequest, WrongSecretKey
from app.pipeline import removal
from app.pipeline.connections import (
    add_connection,
    change_connection,
    get_connection,
    request_reconciliation,
    try_connection,
)
from app.pipeline.webhook_upkeep import WEBHOOK_USER, register_webhook
from app.web.api.answers import answer
from app.web.bodies import read_model
from app.web.state import AppRequest
from app.web.views import connection_read, deleted_text, left_entry_warnings, trailers_after
from schemas.connection import (
    ConnectionChanged,
    ConnectionCreate,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionRead,
    ConnectionTest,
    ConnectionUpdate,
)
from schemas.run import RunAccepted
from schemas.status import Page


async def list_connections(request: AppRequest) -> Response:
    """List all connections; there are never so many that the list would be cut."""
    deps = request.state["deps"]
    async with deps.db.transaction() as tx:
        found = await connections.list_all(tx)
        heard = await events.last_received(tx)
        ran = await runs.last_of_each(tx)
        titles = await overview.media_counts_by_connection(tx)
    shown = [connection_read(deps, one, heard.get(one.id), ran.get(one.id), titles.get(one.id)) for one in found]
    return answer(Page[ConnectionRead](items=shown, next_cursor=None, total=len(shown)))


async def create_connection(request: AppRequest) -> Response:
    """Add a connection and show its webhook password this once."""
    deps = request.state["deps"]
    added = await add_connection(deps, await read_model(request, ConnectionCreate))
    read = await _read(deps, added.connection)
    created = ConnectionCreated(
        **{**read.model_dump(), "warnings": [*read.warnings, *added.warnings]},
        webhook_user=WEBHOOK_USER,
        webhook_password=added.webhook_password,
        run_id=added.run_id,
    )
    return answer(created, 201)


async def get_one(request: AppRequest) -> Response:
    """Show one connection."""
    deps = request.state["deps"]
    return answer(await _read(deps, await get_connection(deps, request.path_params["connection_id"])))


async def change_one(request: AppRequest) -> Response:
    """Change what is given, after a test where that leads to the Arr another way."""
    deps, changes = request.state["deps"], await read_model(request, ConnectionUpdate)
    changed = await change_connection(deps, request.path_params["connection_id"], changes)
    read = await _read(deps, changed.connection)
    warnings = [*read.warnings, *left_entry_warnings(changed)]
    return answer(ConnectionChanged(**{**read.model_dump(), "warnings": warnings}, run_id=changed.run_id))


async def test_one(request: AppRequest) -> Response:
    """Ask the Arr now; that it does not work is an answer too."""
    try:
        message = await try_connection(request.state["deps"], request.path_params["connection_id"])
    except (ArrError, WrongSecretKey) as error:
        return answer(ConnectionTest(ok=False, message=error.message))
    return answer(ConnectionTest(ok=True, message=message))


async def register_one(request: AppRequest) -> Response:
    """Bring our entry in the Arr in order, also one that was set up by hand; what stands in the way is in `webhook`."""
    deps, connection_id = request.state["deps"], request.path_params["connection_id"]
    await register_webhook(deps, replace(await get_connection(deps, connection_id), manual_webhook=False))
    return answer(await _read(deps, await get_connection(deps, connection_id)))


async def delete_one(request: AppRequest) -> Response:
    """Delete a connection: gone from every list at once, emptied by the workers.

    Its trailers stay, or go with `trailers=remove` as far as they are ours.
    """
    with_trailers = removes_trailers(request.query_params.get("trailers", "keep"))
    deleted = await removal.delete_connection(
        request.state["deps"], request.path_params["connection_id"], with_trailers=with_trailers
    )
    read = ConnectionDeleted(
        id=deleted.connection.id,
        webhook_removed=deleted.entry_error is None,
        trailers=trailers_after(deleted),
        message=deleted_text(deleted),
    )
    return answer(read, 202)


def removes_trailers(text: str) -> bool:
    """Read what shall become of the trailers. Raises InvalidRequest."""
    if text not in {"keep", "remove"}:
        message = "trailers must be keep or remove."
        raise InvalidRequest(message, {"trailers": message})
    return text == "remove"


async def reconcile_connection(request: AppRequest) -> Response:
    """Ask for a reconciliation that begins after this request."""
    run_id = await request_reconciliation(
        request.state["deps"],
        request.path_params["connection_id"],
        accept_deletions=_flag(request, "accept_deletions"),
    )
    return answer(RunAccepted(run_id=run_id), 202)


def _flag(request: AppRequest, name: str) -> bool:
    text = request.query_params.get(name, "false").lower()
    if text not in {"true", "false"}:
        message = f"{name} must be true or false."
        raise InvalidRequest(message, {name: message})
    return text == "true"


async def _read(deps: Deps, connection: Connection) -> ConnectionRead:
    async with deps.db.transaction() as tx:
        heard = await events.last_received(tx)
        ran = await runs.last_of_each(tx)
        titles = (await overview.media_counts_by_connection(tx)).get(connection.id)
    return connection_read(deps, connection, heard.get(connection.id), ran.get(connection.id), titles)
