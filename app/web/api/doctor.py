"""`/api/v1/doctor`: the checks of `trailhook doctor`, as this process sees its machine."""

from __future__ import annotations

from starlette.responses import Response

from app.pipeline.doctor import GivenKeys, examine
from app.web.api.answers import answer
from app.web.state import AppRequest


async def get_doctor(request: AppRequest) -> Response:
    """Check everything; a problem is an answer too."""
    keys = request.state["keys"]
    return answer(await examine(request.state["deps"], GivenKeys(keys.api_key, keys.secret_key)))
