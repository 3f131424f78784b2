"""Everything that a run of Trailhook lets out, kept to be searched for secrets in the forms that they can take."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx

from app.queue import open_redis
from app.settings import Settings

SAMPLE_EVERY = 0.03  # s


class Catch:
    """Texts with where they were seen; `found` lists every secret in any of them."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def add(self, where: str, text: str) -> None:
        self.texts.append((where, text))

    def answer(self, answer: httpx.Response) -> None:
        """Keep a response whole; a hook of an httpx client."""
        answer.read()
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        where = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        self.add(where, f"{headers}\n{answer.text}")

    def found(self, secrets: dict[str, str]) -> list[str]:
        """Name each place and the secret in it; an assertion that shows this tells no secret either."""
        wanted = [(name, form) for name, secret in secrets.items() for form in forms_of(secret)]
        return sorted({f"{name} in {where}" for where, text in self.texts for name, form in wanted if form in text})

    @contextmanager
    def process_list(self) -> Iterator[None]:
        """Keep the command of every process that is seen meanwhile."""
        seen: set[bytes] = set()
        over = threading.Event()

        def watch() -> None:
            while not over.wait(SAMPLE_EVERY):
                for entry in Path("/proc").glob("[0-9]*/cmdline"):
                    with suppress(OSError):
                        seen.add(entry.read_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            for command in seen:
                self.add("process list", command.decode(errors="replace"))

    def stores(self, database_url: str, redis_url: str) -> None:
        """Keep every row of every table and every value in Redis."""
        asyncio.run(self._stores(database_url, redis_url))

    async def _stores(self, database_url: str, redis_url: str) -> None:
        connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql"))
        try:
            for table in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                for row in await connection.fetch(f'SELECT * FROM "{table[0]}"'):
                    self.add(f"table {table[0]}", "\n".join(_text(value) for value in row.values()))
        finally:
            await connection.close()
        address = Settings.model_validate({"redis_url": redis_url}).redis_url
        assert address is not None
        redis = open_redis(address)
        try:
            async for key in redis.scan_iter():
                self.add("redis", _text(key) + _text(await redis.dump(key) or b""))
        finally:
            await redis.aclose()


def forms_of(secret: str) -> set[str]:
    """Give the ways in which a secret can stand in a text: as it is, quoted, escaped, in hex and in any base64."""
    raw = secret.encode()
    plain = {secret, quote(secret, safe=""), quote(secret), escape(secret), json.dumps(secret)[1:-1], raw.hex()}
    encoded = set()
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"x" * offset + raw).decode().rstrip("=")
            encoded.add(text[(0, 2, 3)[offset] : -1])
    return plain | encoded


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
