"""The real worker with a library that stops before or after placing, where a file in STOPS asks for it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from app.bootstrap import open_deps
from app.context import PlacedFile
from app.files.library import DiskLibrary
from app.log import configure_logging
from app.settings import load_settings
from workers.main import run_worker

STOPS = "TRAILHOOK_TEST_STOPS"
FOR_EVER = 3600.0  # s


class StoppingLibrary(DiskLibrary):
    """Stops for ever where `<stops>/<before|after> <folder's name>` is there, and says so by `... reached`."""

    def __init__(self, stops: Path) -> None:
        super().__init__(None)
        self._stops = stops

    async def place(self, source: Path, folder: Path, rel_path: str) -> PlacedFile:
        await self._stop("before", folder)
        placed = await super().place(source, folder, rel_path)
        await self._stop("after", folder)
        return placed

    async def _stop(self, when: str, folder: Path) -> None:
        wish = self._stops / f"{when} {folder.name}"
        if wish.exists():
            wish.with_name(f"{wish.name} reached").touch()
            await asyncio.sleep(FOR_EVER)


async def main() -> None:
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    assert settings.secret_key is not None
    async with open_deps(settings, settings.secret_key) as opened:
        library = StoppingLibrary(Path(os.environ[STOPS]))
        await run_worker(replace(opened.deps, library=library), opened.redis, frozenset({"sync", "download"}))
        library.close()


if __name__ == "__main__":
    asyncio.run(main())
