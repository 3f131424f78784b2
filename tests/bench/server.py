"""The real application with one route more, which answers 202 and does nothing: the floor of the same server."""

from __future__ import annotations

import asyncio

import uvicorn
import uvloop
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.bootstrap import open_deps
from app.cli.roles import spare_the_collector
from app.log import configure_logging
from app.main import create_app
from app.settings import load_settings
from app.web.server import ApiConfig
from app.web.state import Keys


async def empty(request: Request) -> Response:
    await request.body()
    return Response(b"{}", 202, media_type="application/json")


async def serve() -> None:
    settings = load_settings()
    assert settings.api_key is not None
    assert settings.secret_key is not None
    configure_logging("warning", "console")
    async with open_deps(settings, SecretStr(settings.secret_key.get_secret_value())) as opened:
        app = create_app(opened.deps, Keys(settings.api_key, settings.secret_key))
        app.router.routes.insert(0, Route("/empty", empty, methods=["POST"]))

        spare_the_collector()
        await uvicorn.Server(ApiConfig(app, port=settings.port)).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
