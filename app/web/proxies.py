"""Reverse proxies: what they say of the client is believed from trusted ones alone."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.clients import Network, client_address, is_trusted


class ForwardedHeaders:
    """Puts the client's own address and scheme into a request that comes by a trusted proxy."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with another scope for what comes by a trusted proxy."""
        peer = scope.get("client")
        if scope["type"] == "http" and peer is not None and is_trusted(peer[0], self._proxies):
            scope = {**scope, **self._forwarded(Headers(scope=scope), peer)}
        await self._app(scope, receive, send)

    def _forwarded(self, headers: Headers, peer: tuple[str, int]) -> dict[str, object]:
        address = client_address(peer[0], ",".join(headers.getlist("x-forwarded-for")), self._proxies)
        scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        client = peer if address == peer[0] else (address, 0)
        return {"client": client, **({"scheme": scheme} if scheme in {"http", "https"} else {})}
