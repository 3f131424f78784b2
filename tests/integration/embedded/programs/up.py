"""Supervise what the JSON in argv[1] says, and write each event as a line of JSON.

`data`: a directory, to run both stores there as the first stage; `apps`: [[name, behaviour], ...], the next stage;
`hook`: the message with which `after_stage` fails when the apps are up.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.services import PythonService, Service, StoreService
from app.embedded.supervisor import Supervisor
from app.embedded.valkey import EmbeddedValkey
from app.errors import TrailhookError
from tests.integration.embedded.programs import app


class _Sign:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def is_there(self) -> bool:
        return self.path.exists()


def build(plan: Mapping[str, Any], signs: Path) -> Supervisor:
    log = structlog.get_logger()
    stores: list[Service] = []
    if plan.get("data"):
        data = Path(plan["data"])
        stores = [StoreService(EmbeddedPostgres(data, fast=True)), StoreService(EmbeddedValkey(data, fast=True))]
    apps: list[Service] = []
    for name, behaviour in plan.get("apps", []):
        sign = _Sign(signs / name)
        argv = [sys.executable, app.__file__, name, behaviour, str(sign.path)]
        apps.append(PythonService(name, argv, lambda: os.environ, sign.is_there, grace=20))

    async def after_stage(number: int) -> None:
        log.info("stage is up", number=number)
        if number == 1 and plan.get("hook"):
            raise TrailhookError(plan["hook"])

    return Supervisor([stores, apps], log, after_stage)


async def main(plan: Mapping[str, Any]) -> int:
    with tempfile.TemporaryDirectory() as signs:
        return await build(plan, Path(signs)).run()


if __name__ == "__main__":
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        sys.exit(asyncio.run(main(json.loads(sys.argv[1]))))
    except TrailhookError as error:
        sys.exit(f"error: {error}")
