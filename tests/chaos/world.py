"""Everything of a run: stores of its own, Trailhook's processes, two Arrs and a video host."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from app.crypto import new_password, new_secret_key
from app.db.schema import migrate
from app.embedded.ffmpeg import find_ffmpeg
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from tests.chaos.arrs import ChangingArr
from tests.chaos.database import Rows
from tests.chaos.plan import APIS, WORKERS, Size
from tests.chaos.roles import Life, Role, process_of_port
from tests.chaos.sending import Door
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import free_port, wait_for

START_PATIENCE = 60.0  # s
STOP_PATIENCE = 20.0  # s
CLIP_SECONDS = 20
BYTES_PER_SECOND = 500_000  # so that a download takes a second or two
KINDS = ("mp4", "hls", "dash")


class World:
    """Starts on entering and stops on leaving; all of it lives below `place`."""

    def __init__(self, place: Path, size: Size) -> None:
        self.place = place
        self.size = size
        self.logs = place / "logs"
        self.postgres = EmbeddedPostgres(place / "stores")
        self.valkey = EmbeddedValkey(place / "stores")
        self.host = VideoHost(find_ffmpeg(None), place / "clips")
        self.arrs = [ChangingArr("Radarr", place / "library/movies"), ChangingArr("Sonarr", place / "library/tv")]
        self.doors: list[Door] = []
        self._api_key = new_password()
        self._ports = [free_port() for _ in range(APIS)]
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self.logs.mkdir(parents=True)
            for server in (self.postgres, self.valkey):
                server.start()
                exits.callback(server.stop)
            self.rows = Rows(self.postgres.url)
            asyncio.run(migrate(SecretStr(self.postgres.url)))
            exits.enter_context(self.host)
            for arr in self.arrs:
                exits.enter_context(arr)
            self._fill()
            self._make_roles()
            for role in self.roles:
                role.start()
                exits.callback(role.kill)
            for arr in self.arrs:
                arr.name_callers(self._name_of)
            wait_for("all roles to start", self._have_started, START_PATIENCE)
            self.doors = [self._connect(arr) for arr in self.arrs]
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def roles(self) -> list[Role]:
        return [*self.apis, *self.workers]

    @property
    def lives(self) -> list[Life]:
        return [life for role in self.roles for life in role.lives]

    @property
    def folders(self) -> list[Path]:
        """The folders of the titles that get imported."""
        return [
            arr.folder(item + 1)
            for arr, wanted in zip(self.arrs, self.size.wanted, strict=True)
            for item in range(wanted)
        ]

    def tend(self) -> None:
        """Start again what has ended."""
        for role in self.roles:
            role.tend()

    def wait_until_up(self) -> None:
        """Tend until every role is up."""

        def all_up() -> bool:
            self.tend()
            return all(role.life.died is None and role.life.was_ready() for role in self.roles)

        wait_for("all roles to be up", all_up, START_PATIENCE)

    def _have_started(self) -> bool:
        for role in self.roles:
            if role.life.process.poll() is not None:
                message = f"{role.name} does not start: {role.life.log.read_text()[-1000:]}"
                raise RuntimeError(message)
        return all(role.life.was_ready() for role in self.roles)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Call the first API with its key; gives the JSON. Raises httpx.HTTPError."""
        url = f"http://127.0.0.1:{self._ports[0]}/api/v1{path}"
        headers = {"X-Api-Key": self._api_key}
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=10, **options)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        """End all processes in order."""
        for role in self.roles:
            role.stop(STOP_PATIENCE)

    def _fill(self) -> None:
        for number, arr in enumerate(self.arrs):
            word = "Film" if number == 0 else "Show"
            for item in range(self.size.items[number]):
                title, year, video_id = f"{word}{item:03}", 1980 + item % 40, self.video_id(number, item)
                if item < self.size.wanted[number]:
                    kind = KINDS[item % len(KINDS)]
                    facts = {"kind": kind, "seconds": CLIP_SECONDS, "rate": BYTES_PER_SECOND}
                    self.host.add(video_id, f"{title} - Official Trailer ({year})", **facts)
                known = {"youtube_trailer_id": video_id} if number == 0 else {}
                arr.add(title, year, **known)
            arr.break_with(None)

    @staticmethod
    def video_id(arr: int, item: int) -> str:
        """Name the one video of a title."""
        return f"chaos{arr}{item:05}"

    def _make_roles(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")}
        settings = {
            "DATA_DIR": str(self.place / "service"),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": new_secret_key(),
            "API_KEY": self._api_key,
            "DOWNLOAD_GAP": "0",
            "BACKFILL_GAP": "0",
            "STOP_GRACE": "6",
        }
        (self.place / "tmp").mkdir()
        environment |= {f"TRAILHOOK_{name}": value for name, value in settings.items()}
        environment |= {
            "PYTHONPATH": str(write_plugin(self.place / "plugin", self.host.url)),
            "TMPDIR": str(self.place / "tmp"),
        }
        self.apis = [
            Role(f"api-{number}", ["api"], {**environment, "TRAILHOOK_PORT": str(port)}, self.logs)
            for number, port in enumerate(self._ports)
        ]
        self.workers = [Role(f"worker-{number}", ["worker"], environment, self.logs) for number in range(WORKERS)]
        # It may freeze while it syncs; a frozen download would go on in a child of its own.
        self.workers.append(Role(f"worker-{WORKERS}", ["worker", "--queue", "sync"], environment, self.logs))

    def _connect(self, arr: ChangingArr) -> Door:
        wanted = {"arr_type": arr.app_name.lower(), "url": arr.url, "api_key": arr.api_key, "register_webhook": False}
        made = self.call("POST", "/connections", json=wanted)
        urls = tuple(f"http://127.0.0.1:{port}/webhooks/{made['slug']}" for port in self._ports)
        return Door(made["id"], urls, made["webhook_password"])

    def _name_of(self, port: int) -> str:
        return process_of_port(port, {role.life.pid: role.life.name for role in self.roles})
