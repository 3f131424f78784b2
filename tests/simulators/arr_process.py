"""A simulated app as a process of its own, steered by `POST /_sim/{verb}` with the verb's arguments as JSON."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators.arr import ArrSimulator


def control(arr: ArrSimulator) -> Starlette:
    """Give the control API: the verbs of ArrSimulator, and GET /_sim/state."""
    verbs: dict[str, Callable[..., Any]] = {
        "add": arr.add,
        "grab": arr.grab,
        "import": arr.import_file,
        "import_season": arr.import_season,
        "upgrade": arr.upgrade,
        "rename": arr.rename,
        "delete_file": arr.delete_file,
        "edit": arr.edit,
        "delete": arr.delete,
        "health": arr.health,
    }

    async def run(request: Request) -> Response:
        verb = verbs.get(request.path_params["verb"])
        if verb is None:
            return JSONResponse({"error": f"there are {', '.join(verbs)}"}, 404)
        try:
            result = await asyncio.to_thread(verb, **await request.json())
        except (KeyError, TypeError, ValueError) as fault:
            return JSONResponse({"error": f"{type(fault).__name__}: {fault}"}, 400)
        return JSONResponse({"result": str(result) if isinstance(result, Path) else result})

    async def state(_request: Request) -> Response:
        deliveries = [asdict(delivery) for delivery in arr.deliveries]
        return JSONResponse({"items": list(arr.items.values()), "deliveries": deliveries, "requests": arr.requests})

    return Starlette(routes=[Route("/_sim/state", state), Route("/_sim/{verb}", run, methods=["POST"])])


def main() -> int:
    """Serve until SIGTERM or SIGINT; its address comes on the first line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.arr", description=__doc__)
    parser.add_argument("--app", choices=["radarr", "sonarr"], required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--root", type=Path, required=True, help="the library's folder; made if it is not there")
    parser.add_argument("--called", default="", help="that folder's name in the app's eyes, such as D:\\Media")
    parser.add_argument("--url-base", default="")
    parser.add_argument("--api-key-file", type=Path, required=True, help="read, or written with a new key")
    given = parser.parse_args()
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    arr = ArrSimulator(
        given.app.capitalize(),
        given.root.resolve(),
        port=given.port,
        url_base=given.url_base,
        api_key=_key(given.api_key_file),
        called=given.called,
    )
    arr.serve_control(control(arr))
    with arr:
        sys.stdout.write(f"{arr.app_name} at {arr.url}\n")
        sys.stdout.flush()
        signal.sigwait(ending)
    return 0


def _key(file: Path) -> str:
    """Read the API key, or make one where there is no file."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(secrets.token_hex(16) + "\n")
    return file.read_text().strip()
