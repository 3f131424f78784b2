"""`/api/v1/connections`."""

from __future__ import annotations

from starlette.responses import Response

from app.db import connections, events, runs
from app.errors import InvalidRequest
from app.pipeline.connections import WEBHOOK_USER, add_connection, request_reconciliation
from app.web.api.answers import answer
from app.web.bodies import read_model
from app.web.state import AppRequest
from app.web.views import connection_read
from schemas.connection import ConnectionCreate, ConnectionCreated, ConnectionRead
from schemas.run import RunAccepted
from schemas.status import Page


async def list_connections(request: AppRequest) -> Response:
    """List all connections; there are never so many that the list would be cut."""
    deps = request.state["deps"]
    async with deps.db.transaction() as tx:
        found = await connections.list_all(tx)
        heard = await events.last_received(tx)
        ran = await runs.last_of_each(tx)
    shown = [connection_read(deps, one, heard.get(one.id), ran.get(one.id)) for one in found]
    return answer(Page[ConnectionRead](items=shown, next_cursor=None, total=len(shown)))


async def create_connection(request: AppRequest) -> Response:
    """Add a connection and show its webhook password this once."""
    deps = request.state["deps"]
    added = await add_connection(deps, await read_model(request, ConnectionCreate))
    async with deps.db.transaction() as tx:
        heard = await events.last_received(tx)
    read = connection_read(deps, added.connection, heard.get(added.connection.id), None)
    created = ConnectionCreated(
        **read.model_dump(),
        webhook_user=WEBHOOK_USER,
        webhook_password=added.webhook_password,
        warnings=list(added.warnings),
        wanted=None,
        run_id=added.run_id,
    )
    return answer(created, 201)


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
