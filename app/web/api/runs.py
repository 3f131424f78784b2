"""`/api/v1/runs`."""

from __future__ import annotations

from starlette.responses import Response

from app.db import runs
from app.errors import NotFound
from app.web.api.answers import answer
from app.web.paging import after_id, encode, limit_of
from app.web.state import AppRequest
from schemas.run import RunRead
from schemas.status import Page


async def list_runs(request: AppRequest) -> Response:
    """List reconciliations, newest first."""
    limit = limit_of(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await runs.list_page(tx, after_id(request), limit)
    cursor = encode(found[-1].id) if len(found) == limit else None
    return answer(Page[RunRead](items=list(found), next_cursor=cursor, total=total))


async def get_run(request: AppRequest) -> Response:
    """Show one reconciliation."""
    run_id = request.path_params["run_id"]
    async with request.state["deps"].db.transaction() as tx:
        found = await runs.get(tx, run_id)
    if found is None:
        message = f"There is no run {run_id}."
        raise NotFound(message)
    return answer(found)
