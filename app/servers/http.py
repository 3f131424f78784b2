"""Speaks HTTP with one media server: its token in a header, its answers bounded, its faults as typed errors."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping

import httpx

from app.context import ServerTarget
from app.errors import ServerAway, ServerBadAnswer, ServerError, ServerKeyRefused
from app.http import HttpClients, Patience
from schemas.server import ServerKind

PATIENCE = Patience(connect=5, read=20, total=30)
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, UnicodeError, ExceptionGroup)
_WHERE_TOKEN = {
    ServerKind.PLEX: "use the X-Plex-Token of the server's owner",
    ServerKind.JELLYFIN: "make an API key in Jellyfin under Dashboard > API Keys",
    ServerKind.EMBY: "make an API key in Emby under Settings > API Keys",
}


class ServerHttp:
    """Calls of one server; every one raises ServerError and nothing else."""

    def __init__(
        self, clients: HttpClients, target: ServerTarget, headers: Mapping[str, str], patience: Patience = PATIENCE
    ) -> None:
        self.name = f"{target.kind.app_name} at {target.url}"
        self._clients = clients
        self._target = target
        self._headers = {"Accept": "application/json", **headers}
        self._patience = patience

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, object]:
        """Read an object."""
        body = await self._send("GET", path, params)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ServerBadAnswer(self._not_it(200))
        return value

    async def send(self, method: str, path: str, params: Mapping[str, str] | None = None, body: object = None) -> None:
        """Ask for something whose answer says nothing."""
        await self._send(method, path, params, body)

    async def _send(
        self, method: str, path: str, params: Mapping[str, str] | None = None, body: object = None
    ) -> bytes:
        try:
            async with asyncio.timeout(self._patience.total):
                status, content = await self._exchange(method, path, params, body)
        except _FAULTS as fault:
            error: ServerError = self._unreachable(fault)
        else:
            if not 200 <= status < 300:
                raise self._refusal(status)
            if len(content) > MAX_ANSWER_BYTES:
                raise ServerBadAnswer(f"{self.name} gave an answer that is too large: update it.")
            return content
        raise error  # outside the handler: the fault's request carries the token

    async def _exchange(
        self, method: str, path: str, params: Mapping[str, str] | None, body: object
    ) -> tuple[int, bytes]:
        client = self._clients.get(self._target.ca_file, verify_tls=self._target.verify_tls)
        async with client.stream(
            method,
            self._target.url + path,
            params=params,
            json=body,
            headers=self._headers,
            timeout=self._patience.as_timeout(),
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes(64 * 1024):
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    break
            return response.status_code, bytes(content)

    def _refusal(self, status: int) -> ServerError:
        if status in {401, 403}:
            return ServerKeyRefused(f"{self.name} refused the token ({status}): {_WHERE_TOKEN[self._target.kind]}.")
        if status >= 500 or status in {408, 429}:
            return ServerAway(f"{self.name} is not available ({status}): look at its log.")
        return ServerBadAnswer(self._not_it(status))

    def _not_it(self, status: int) -> str:
        return (
            f"What answers at {self._target.url} is not {self._target.kind.app_name} ({status}): check the address, "
            "its port and path, and any proxy in front."
        )

    def _unreachable(self, fault: Exception) -> ServerError:
        if isinstance(fault, (httpx.TimeoutException, TimeoutError)):
            return ServerAway(f"{self.name} did not answer in time: check that it is not overloaded.")
        if isinstance(fault, OSError):  # the network's own come as errors of httpx
            return ServerAway(f"The CA file {self._target.ca_file} for {self.name} cannot be used: correct ca_file.")
        if _is_about_certificates(fault):
            return ServerAway(f"The certificate of {self.name} is not trusted here: name the file of its authority.")
        return ServerAway(f"{self.name} cannot be reached: check that it runs, and its address and port.")


def _is_about_certificates(fault: BaseException | None) -> bool:
    while fault is not None and not isinstance(fault, ssl.SSLError):
        fault = fault.__cause__ or fault.__context__
    return fault is not None
