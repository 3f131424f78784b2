"""A simulated Radarr or Sonarr on a real socket: verbs that change its items and send its webhooks."""

from __future__ import annotations

import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

from tests.simulators import arr_events
from tests.simulators.arr_connect import MASK, Connect
from tests.simulators.arr_library import Library
from tests.simulators.arr_movies import Movies
from tests.simulators.arr_rest import Call, Front, Rest
from tests.simulators.arr_sender import TIMEOUT, Delivery
from tests.simulators.arr_shows import Shows
from tests.simulators.faults import Fault
from tests.simulators.server import ThreadedServer

__all__ = ["MASK", "ArrSimulator"]

JSON = dict[str, Any]
VERSIONS = {"Radarr": "6.0.4.10291", "Sonarr": "4.0.19.2979"}


class ArrSimulator:
    """One app; `root` is its library on this disk, `called` that folder's name in the app's eyes (same if empty)."""

    def __init__(
        self,
        app_name: str,
        root: Path,
        *,
        port: int = 0,
        url_base: str = "",
        api_key: str = "",
        version: str = "",
        called: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self.app_name = app_name
        self.version = version or VERSIONS[app_name]
        self.root = root
        self.url_base = url_base
        self.api_key = api_key or secrets.token_hex(16)
        root.mkdir(parents=True, exist_ok=True)
        self._library: Library = (Movies if app_name == "Radarr" else Shows)(root, called)
        self._connect = Connect(app_name, self.version, self._library.test)
        self._connect.timeout = timeout
        self._rest = Rest(app_name, self.version, url_base, self._library, self._connect)
        self._front = Front(self._rest.application(), url_base, self.api_key, self.version)
        self._server = ThreadedServer(self._front, port)

    @property
    def url(self) -> str:
        return self._server.url + self.url_base

    @property
    def items(self) -> dict[int, JSON]:
        """The REST resources by id; change them with `edit`."""
        return self._library.items

    @property
    def notifications(self) -> dict[int, JSON]:
        """The Connect entries by id, as they are stored: the password in clear."""
        return self._connect.entries

    @notifications.setter
    def notifications(self, entries: dict[int, JSON]) -> None:
        self._connect.entries = entries

    @property
    def deliveries(self) -> list[Delivery]:
        """Every webhook that was sent, Tests too, and what came back."""
        return self._connect.deliveries

    @property
    def requests(self) -> Counter[str]:
        """How often each path below /api/v3 was asked for."""
        return self._front.requests

    @property
    def calls(self) -> list[Call]:
        """Every call, with its two ends and the name of who made it."""
        return self._front.calls

    def name_callers(self, name_of: Callable[[int], str]) -> None:
        """Let this name the callers by their ports, while they wait for the answer."""
        self._front.name_caller = name_of

    @property
    def fault(self) -> Fault | Sequence[Fault] | None:
        """What is answered instead of the truth, until it is None again; of several the first that covers a call."""
        return self._front.fault

    @fault.setter
    def fault(self, fault: Fault | Sequence[Fault] | None) -> None:
        self._front.fault = fault

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._front.fault = None
        self._server.stop()

    def add(self, title: str, year: int, *, tags: Iterable[str] = (), **known: Any) -> int:
        """Add an item and tell of it, as the app does: a movie before its folder exists; `tags` are labels.

        `known` are REST fields in snake case: tmdb_id, imdb_id=None (absent), youtube_trailer_id, monitored, path ...
        """
        numbers = [self._rest.tags.setdefault(label, len(self._rest.tags) + 1) for label in tags]
        item_id, events = self._library.add(title, year, {**known, "tags": numbers})
        self._tell(events)
        return item_id

    def grab(self, item_id: int) -> None:
        """Send Grab."""
        self._tell(self._library.grab(item_id))

    def import_file(self, item_id: int) -> Path:
        """Put the item's file on disk and tell of the import; gives the item's folder."""
        self.import_season(item_id, 1)
        return self.folder(item_id)

    def import_season(self, item_id: int, files: int) -> None:
        """Import so many episodes as one season pack: one event per file, then import-complete."""
        self._tell(self._library.import_files(item_id, files))

    def upgrade(self, item_id: int) -> None:
        """Replace the (first) file: its delete event with the old one gone, then a Download with isUpgrade."""
        self._tell(self._library.upgrade(item_id))

    def rename(self, item_id: int) -> None:
        """Rename all files of the item, then tell."""
        self._tell(self._library.rename(item_id))

    def delete_file(self, item_id: int, reason: str = "manual") -> None:
        """Delete the (first) file, then tell; another reason is missingFromDisk."""
        self._tell(self._library.delete_file(item_id, reason))

    def edit(self, item_id: int, **changes: Any) -> None:
        """Change an item's REST fields (in camel case) without an event, as the apps do."""
        self.items[item_id] = {**self.items[item_id], **changes}

    def delete(self, item_id: int, *, files: bool = False) -> None:
        """Remove an item: the event comes after the row is gone and before its files are."""
        self._tell(self._library.delete(item_id, files=files))

    def manual_interaction(self, item_id: int) -> None:
        """Send ManualInteractionRequired."""
        self._tell(self._library.stuck(item_id))

    def health(self, message: str, *, level: str = "warning", restored: bool = False) -> None:
        """Send Health, or HealthRestored."""
        event_type = "HealthRestored" if restored else "Health"
        self.send(arr_events.health(self.app_name, event_type, message, level))

    def application_update(self, new_version: str) -> None:
        """Send ApplicationUpdate; the version itself stays."""
        self.send(arr_events.application_update(self.app_name, self.version, new_version))

    def send(self, body: JSON, flag: str | None = None) -> None:
        """Send any body to every entry that wants its event, or that has this one flag on."""
        labels = (body.get(self._library.word) or {}).get("tags", [])
        self._connect.tell(body, [self._rest.tags.get(label, 0) for label in labels], flag)

    def block(self, notification_id: int) -> None:
        """Drop all events of an entry, as after repeated failures, until a Test of it succeeds."""
        self._connect.blocked.add(notification_id)

    def serve_control(self, app: ASGIApp) -> None:
        """Serve an application of ours below /_sim/, which no real app has."""
        self._front.control = app

    def folder(self, item_id: int) -> Path:
        """Give the item's folder on this disk; it need not exist."""
        return self._library.on_disk(self.items[item_id]["path"])

    def _tell(self, events: Iterable[JSON]) -> None:
        labels = {number: label for label, number in self._rest.tags.items()}
        word = self._library.word
        for body in events:
            tags = sorted(labels[number] for number in body[word]["tags"])
            self.send({**body, word: {**body[word], "tags": tags}})


if __name__ == "__main__":
    from tests.simulators.arr_process import main

    sys.exit(main())
