"""Load over keep-alive connections of loopback, as light as Python allows: run as a process of its own.

Reads one JSON job from standard input (`host, port, path, headers, bodies, connections, seconds, rate`), sends the
bodies in turn, and prints `{"sent", "seconds", "statuses", "milliseconds"}`. Without `rate` it sends as fast as answers
come, without `seconds` each body once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import Any, cast

import uvloop

MOST_SECONDS = 60.0


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Send until the time is over, or each body once."""
    head = "".join(f"{name}: {value}\r\n" for name, value in job["headers"].items())
    start = f"POST {job['path']} HTTP/1.1\r\nHost: bench\r\n{head}"
    once = [f"{start}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode() for body in job["bodies"]]
    requests = cycle(once) if job.get("seconds") else iter(once)
    tally = Tally()
    began = time.perf_counter()
    end = began + (job.get("seconds") or MOST_SECONDS)
    gap = job["connections"] / job["rate"] if job.get("rate") else 0.0
    loop = asyncio.get_running_loop()
    connections = [Connection(requests, end, gap, tally) for _ in range(job["connections"])]
    for connection in connections:
        await loop.create_connection(partial(_same, connection), job["host"], job["port"])
    await asyncio.gather(*(connection.done for connection in connections))
    return {
        "sent": sum(tally.statuses.values()),
        "seconds": time.perf_counter() - began,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "milliseconds": sorted(tally.milliseconds),
    }


def _same(connection: Connection) -> Connection:
    return connection


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer is there, or `gap` seconds after the last was due."""

    def __init__(self, requests: Iterator[bytes], end: float, gap: float, tally: Tally) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests, self._end, self._gap, self._tally = requests, end, gap, tally
        self._answer = b""
        self._sent = self._due = time.perf_counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        self._tally.milliseconds.append((time.perf_counter() - self._sent) * 1000)
        self._tally.statuses[int(head[9:12])] += 1
        self._answer = b""
        self._due += self._gap
        wait = self._due - time.perf_counter()
        if self._gap and wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or EOFError("the server closed the connection"))

    def _send(self) -> None:
        request = next(self._requests, None) if time.perf_counter() < self._end else None
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(json.loads(sys.stdin.readline())))))
