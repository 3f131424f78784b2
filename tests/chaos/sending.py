"""Sends the planned events to the APIs and keeps the list of those that were acknowledged."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass

import httpx

from tests.chaos.arrs import ChangingArr
from tests.chaos.plan import APIS, Telling

SENDERS = 8
PATIENCE = 6.0  # s
BEFORE_AGAIN = 0.3  # s


@dataclass(frozen=True, slots=True)
class Door:
    """Where and how the events of one Arr go."""

    connection_id: int
    urls: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An event that was answered 202; `changed_at` is when its item got `version`."""

    number: int
    event_id: int
    action: str
    arr: int
    arr_id: int
    version: int
    changed_at: float


class Senders:
    """Threads that send each event at its time; `join` waits for the last."""

    def __init__(self, tellings: tuple[Telling, ...], arrs: list[ChangingArr], doors: list[Door]) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[str] = []
        self.sent = 0
        self._arrs = arrs
        self._doors = doors
        self._tellings: queue.SimpleQueue[Telling] = queue.SimpleQueue()
        for telling in tellings:
            self._tellings.put(telling)
        self._began = 0.0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(SENDERS)]

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            while True:
                try:
                    telling = self._tellings.get_nowait()
                except queue.Empty:
                    return
                time.sleep(max(0.0, self._began + telling.at - time.monotonic()))
                self._tell(client, telling)

    def _tell(self, client: httpx.Client, telling: Telling) -> None:
        arr_id = telling.item + 1
        body, version = self._arrs[telling.arr].happen(telling.kind, arr_id)
        changed_at = time.time()
        for attempt in range(telling.retries + 1):
            if attempt:
                time.sleep(BEFORE_AGAIN)
            answer = self._send(client, telling, (telling.api + attempt) % APIS, body)
            if answer is not None:
                event_id, action = answer
                known = (telling.number, event_id, action, telling.arr, arr_id, version, changed_at)
                with self._lock:
                    self.acknowledged.append(Acknowledged(*known))
                return

    def _send(self, client: httpx.Client, telling: Telling, api: int, body: object) -> tuple[int, str] | None:
        """Give id and action of an acknowledged event; only a 202 counts."""
        door = self._doors[telling.arr]
        with self._lock:
            self.sent += 1
        try:
            answer = client.post(door.urls[api], json=body, auth=("chaos", door.password))
        except httpx.HTTPError as error:
            self.refused.append(f"{telling.number}: {type(error).__name__}")
            return None
        if answer.status_code != httpx.codes.ACCEPTED:
            self.refused.append(f"{telling.number}: {answer.status_code} {answer.text[:200]}")
            return None
        accepted = answer.json()
        return accepted["event_id"], accepted["action"]
