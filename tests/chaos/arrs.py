"""Simulated Arrs whose items change with every event, and that hand their events to somebody else to send."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.chaos.plan import Kind
from tests.simulators.arr import ArrSimulator
from tests.simulators.faults import Fault, late

JSON = dict[str, Any]
# s from the reading of an answer to its first byte: time to be overtaken, and to be seen at it; a list takes longer.
LATENCY = 0.15
LIST_LATENCY = 0.8


class ChangingArr(ArrSimulator):
    """Item number n (from 0) has the id n + 1; `version` of each grows with every event of it."""

    def __init__(self, app_name: str, root: Path) -> None:
        super().__init__(app_name, root)
        self.versions: dict[int, int] = {}
        self._lock = threading.Lock()
        self._told: list[JSON] = []

    def send(self, body: JSON, flag: str | None = None) -> None:
        """Keep the event instead of sending it."""
        self._told.append(body)

    def break_with(self, fault: Fault | None) -> None:
        """Answer wrongly, or (None) rightly and a little late."""
        word = "movie" if self.app_name == "Radarr" else "series"
        of_items = [late(LATENCY, f"/{word}/{arr_id}") for arr_id in self.items]
        self.fault = fault or (*of_items, late(LIST_LATENCY, f"/{word}"), late(LATENCY))

    def happen(self, kind: Kind, arr_id: int) -> tuple[JSON, int]:
        """Let something happen to an item and raise its version; gives the event to send, and the version."""
        with self._lock:
            version = self.versions[arr_id] = self.versions.get(arr_id, 0) + 1
            self.edit(arr_id, overview=overview_of(version))
            self._told.clear()
            match kind:
                case Kind.IMPORT:
                    self.import_file(arr_id)
                case Kind.GRAB:
                    self.grab(arr_id)
                case Kind.STUCK:
                    self.manual_interaction(arr_id)
                case Kind.UNKNOWN:
                    word = "movie" if self.app_name == "Radarr" else "series"
                    self.send({"eventType": "NobodyKnowsThis", word: {"id": arr_id}})
                case Kind.HEALTH:
                    self.health("Indexers are unavailable")
            return self._told[-1], version


def overview_of(version: int) -> str:
    """Write a version where the item carries it."""
    return f"Version {version}"


def version_of(overview: str | None) -> int:
    """Read a version back; 0 before the first."""
    return int(overview.removeprefix("Version ")) if overview and overview.startswith("Version ") else 0
