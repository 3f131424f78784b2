"""Webhooks byte by byte: a raw connection to the service, for what no HTTP client would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from app.pipeline.connections import add_connection
from schemas.connection import ConnectionCreate
from tests.fakes import FakeArr
from tests.integration.conftest import Bench

EVENT = b'{"eventType": "Download", "movie": {"id": 7}}'
PATIENCE = 20.0  # s, for whatever should happen at once: the machine may be busy


async def door(bench: Bench, name: str = "Radarr") -> str:
    bench.arrs.arrs["http://arr.example"] = FakeArr()
    new = {"arr_type": "radarr", "url": "http://arr.example", "api_key": "k", "name": name}
    return (await add_connection(bench.deps, ConnectionCreate.model_validate(new))).webhook_password


def request(password: str, *more: str, body: bytes = EVENT, line: str = "POST /webhooks/radarr HTTP/1.1") -> bytes:
    """Write a webhook as bytes; `more` are header lines."""
    length = [] if any(header.startswith("Transfer-Encoding") for header in more) else [f"Content-Length: {len(body)}"]
    lines = [line, "Host: trailhook", f"X-Webhook-Token: {password}", *length, *more]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass
class Line:
    """A raw connection to the service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read an answer's status and headers."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        return int(status.split()[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    async def answer(self) -> tuple[int, dict[str, str]]:
        """Read a whole answer."""
        status, headers = await self.head()
        async with asyncio.timeout(PATIENCE):
            await self.reader.readexactly(int(headers.get("content-length", 0)))
        return status, headers

    async def rest(self) -> bytes:
        """Read until the service ends the connection; what was sent in vain may end it roughly."""
        received = bytearray()
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    received += piece
        return bytes(received)


@asynccontextmanager
async def line(client: httpx.AsyncClient) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def status_of(client: httpx.AsyncClient, sent: bytes) -> int:
    """Send bytes on a new connection and give the status of the first answer."""
    async with line(client) as raw:
        with suppress(ConnectionError):
            await raw.send(sent)
        return (await raw.head())[0]
