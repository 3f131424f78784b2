"""Models as answers."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response


def answer(model: BaseModel, status: int = 200) -> Response:
    """Answer with a model's JSON; nulls are written, so that a client sees every field."""
    return Response(model.model_dump_json(), status, media_type="application/json")
