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
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

MOST_SECONDS = 60.0


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Send until the time is over."""
    head = "".join(f"{name}: {value}\r\n" for name, value in job["headers"].items())
    start = f"POST {job['path']} HTTP/1.1\r\nHost: bench\r\n{head}"
    once = [f"{start}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode() for body in job["bodies"]]
    requests = cycle(once) if job.get("seconds") else iter(once)
    tally = Tally()
    began = time.perf_counter()
    end = began + (job.get("seconds") or MOST_SECONDS)
    gap = job["connections"] / job["rate"] if job.get("rate") else 0.0
    await asyncio.gather(*(_connection(job, requests, end, gap, tally) for _ in range(job["connections"])))
    return {
        "sent": sum(tally.statuses.values()),
        "seconds": time.perf_counter() - began,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "milliseconds": sorted(tally.milliseconds),
    }


async def _connection(job: dict[str, Any], requests: Any, end: float, gap: float, tally: Tally) -> None:
    reader, writer = await asyncio.open_connection(job["host"], job["port"])
    due = time.perf_counter()
    while time.perf_counter() < end and (request := next(requests, None)) is not None:
        if gap:
            due += gap
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        tally.milliseconds.append((time.perf_counter() - sent) * 1000)
        tally.statuses[int(head.split(b" ", 2)[1])] += 1
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.stdin.readline())))))
