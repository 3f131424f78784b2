"""The real application on a real socket, in this test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from pydantic import SecretStr

from app.context import Deps
from app.crypto import new_secret_key
from app.main import create_app
from app.web.server import LINGER, REQUEST_TIMEOUT, ApiConfig
from app.web.state import Keys

API_KEY = "the key of these tests"


@asynccontextmanager
async def serving(
    deps: Deps, *, request_timeout: float = REQUEST_TIMEOUT, linger: float = LINGER, keys: Keys | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve on a free port of loopback; the client knows the address and no key."""
    keys = keys or Keys(SecretStr(API_KEY), SecretStr(new_secret_key()))
    config = ApiConfig(create_app(deps, keys), request_timeout=request_timeout, linger=linger)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await running
