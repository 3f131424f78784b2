"""The wrong keys of each client, in the memory of this process."""

from __future__ import annotations

import math
from datetime import datetime

from app.domain.clients import client_name
from app.domain.key_guesses import WrongKeys, one_more, wait_of
from app.errors import TooMany

MOST_CLIENTS = 10_000


class KeyLimit:
    """Counts wrong keys by client; the clients that failed longest ago are forgotten when there are too many."""

    def __init__(self, most_clients: int = MOST_CLIENTS) -> None:
        self._most = most_clients
        self._wrong: dict[str, WrongKeys] = {}

    def check(self, address: str, now: datetime) -> None:
        """Raise TooMany while this client has to wait."""
        if wait := wait_of(self._wrong.get(client_name(address)), now):
            seconds = math.ceil(wait.total_seconds())
            message = f"Too many wrong API keys came from this address; try again in {seconds} s."
            raise TooMany(message, seconds)

    def count(self, address: str, now: datetime) -> None:
        """Count a wrong key of this client."""
        name = client_name(address)
        self._wrong[name] = one_more(self._wrong.pop(name, None), now)
        if len(self._wrong) > self._most:
            del self._wrong[next(iter(self._wrong))]
