"""What the simulated media servers share: a socket, a token, the calls they got, and wrong answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.server import ThreadedServer

JSON = dict[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """One call with its query and its JSON body."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None


@dataclass
class Title:
    """A title that a server knows: the path of its file or folder, its year, its ids as `{"tmdb": "1"}`."""

    kind: str
    path: str
    year: int = 2010
    ids: dict[str, str] = field(default_factory=dict)


class MediaServerSimulator:
    """`answer` replaces all answers, `delay` holds them back; `titles` are what it knows, by key."""

    def __init__(self, port: int = 0) -> None:
        self.token = secrets.token_hex(16)
        self.titles: dict[str, Title] = {}
        self.calls: list[Call] = []
        self.answer: Response | None = None
        self.delay = 0.0
        routes = [Route(path, self._guarded(endpoint), methods=methods) for path, methods, endpoint in self._table()]
        self._server = ThreadedServer(Starlette(routes=routes), port)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def refreshed(self) -> list[str]:
        """The keys of the titles whose refresh was asked for."""
        return [call.path.split("/")[-2] for call in self.calls if call.path.lower().endswith("/refresh")]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    def _table(self) -> Sequence[tuple[str, list[str], Endpoint]]:
        raise NotImplementedError

    def _may(self, request: Request) -> bool:
        raise NotImplementedError

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            body = await request.body()
            read = await request.json() if body else None
            self.calls.append(Call(request.method, request.url.path, dict(request.query_params), read))
            await asyncio.sleep(self.delay)
            if self.answer is not None:
                return self.answer
            return await endpoint(request) if self._may(request) else Response("", 401)

        return guarded
