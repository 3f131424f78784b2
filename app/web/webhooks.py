"""`POST`/`PUT /webhooks/{slug}`: the door for Radarr and Sonarr."""

from __future__ import annotations

from starlette.responses import Response

from app.errors import TrailhookError
from app.web.auth import webhook_password
from app.web.bodies import read_body
from app.web.errors import status_code
from app.web.state import AppRequest
from schemas.base import EventAction


async def take_webhook(request: AppRequest) -> Response:
    """Answer 202 once the event is stored, 200 for a Test; see `app.web.errors` for the rest."""
    try:
        response = await _take(request)
    except TrailhookError as error:
        request.state["meters"].count_webhook(status_code(error))
        raise
    request.state["meters"].count_webhook(response.status_code)
    return response


async def _take(request: AppRequest) -> Response:
    receiver = request.state["receiver"]
    door = await receiver.authenticate(request.path_params["slug"], webhook_password(request.headers))
    body = await read_body(request, request.state["deps"].settings.max_body_bytes)
    accepted = await receiver.receive(door, body)
    status = 200 if accepted.action is EventAction.TEST else 202
    return Response(accepted.model_dump_json(), status, media_type="application/json")
