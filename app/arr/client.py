"""Speaks HTTP with one Arr: its key in a header, its answers bounded, its faults as errors of app.errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import httpx
from pydantic import SecretStr

from app.arr.faults import (
    Answer,
    Call,
    CallKind,
    JsonFault,
    TransportFault,
    status_error,
    transport_error,
    unexpected_answer,
    unreadable_answer,
)
from app.arr.peer import Peer
from app.arr.stream import ArrayDecoder
from app.context import ArrTarget
from app.errors import ArrUnauthorized
from app.http import ArrPatience, Patience

MAX_ANSWER_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class ArrClient:
    """Calls of `/api/v3`; every one raises ArrError and nothing else.

    `subject` says in errors what was asked for, as in `its list of movies`.
    """

    def __init__(self, http: httpx.AsyncClient, target: ArrTarget, patience: ArrPatience | None = None) -> None:
        self.peer = Peer.of(target)
        self.patience = patience or ArrPatience()
        self._http = http
        self._target = target

    async def get_json(self, path: str, subject: str) -> object:
        """Read something small that is not one item."""
        return await self._json(Call(CallKind.READ, "GET", path, subject), self.patience.item, self.peer)

    async def get_item(self, path: str, subject: str) -> dict[str, object]:
        """Read one item. Raises ArrItemGone, ArrItemError."""
        item = await self._json(Call(CallKind.ITEM, "GET", path, subject), self.patience.item, self.peer)
        if not isinstance(item, dict):
            raise unexpected_answer(self.peer, subject, "it is no object")
        return item

    async def stream_array(
        self, path: str, subject: str, patience: Patience, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[dict[str, object], None]:
        """Read a list object by object; ends without an error only if it was complete."""
        call, decoder = Call(CallKind.READ, "GET", path, subject), ArrayDecoder(str(self.peer))
        answered = False
        try:
            async with self._http.stream(
                call.method, self._url(path), params=params, headers=self._headers(), timeout=patience.as_timeout()
            ) as response:
                answered = True
                if response.status_code != 200:
                    raise status_error(self.peer, call, await _read(response))
                async for chunk in response.aiter_bytes(_CHUNK_BYTES):
                    for element in decoder.feed(chunk):
                        yield element
        except TransportFault as fault:
            error = transport_error(self.peer, fault, patience, answered=answered)
            raise error from self.peer.cause(fault)
        for element in decoder.close():
            yield element

    async def post(self, path: str, body: object, subject: str, *secrets: SecretStr) -> object:
        """Create something; `secrets` of the body come up in no error. Raises ArrRejected."""
        call, peer = Call(CallKind.WRITE, "POST", path, subject), self.peer.hiding(*secrets)
        return await self._json(call, self.patience.save, peer, body)

    async def put(self, path: str, body: object, subject: str, *secrets: SecretStr) -> object:
        """Overwrite something; `secrets` of the body come up in no error. Raises ArrRejected."""
        call, peer = Call(CallKind.WRITE, "PUT", path, subject), self.peer.hiding(*secrets)
        return await self._json(call, self.patience.save, peer, body)

    async def delete(self, path: str, subject: str) -> None:
        """Remove something. Raises ArrItemGone where it is not there, ArrRejected."""
        await self._exchange(Call(CallKind.REMOVE, "DELETE", path, subject), self.patience.item, self.peer)

    async def _json(self, call: Call, patience: Patience, peer: Peer, body: object = None) -> object:
        answer = await self._exchange(call, patience, peer, body)
        try:
            return answer.json()
        except JsonFault as fault:
            raise unreadable_answer(peer, call.subject, answer) from peer.cause(fault)

    async def _exchange(self, call: Call, patience: Patience, peer: Peer, body: object = None) -> Answer:
        """Send one request and give its answer, which is a success: 200 for a read, any 2xx else."""
        answered = False
        try:
            async with (
                asyncio.timeout(patience.total),
                self._http.stream(
                    call.method,
                    self._url(call.path),
                    json=body,
                    headers=self._headers(),
                    timeout=patience.as_timeout(),
                ) as response,
            ):
                answered = True
                answer = await _read(response)
        except TransportFault as fault:
            raise transport_error(peer, fault, patience, answered=answered) from peer.cause(fault)
        changes = call.kind in {CallKind.WRITE, CallKind.REMOVE}
        if not (answer.status == 200 or (changes and 200 <= answer.status < 300)):
            raise status_error(peer, call, answer)
        if answer.cut:
            raise unexpected_answer(peer, call.subject, f"it is larger than {MAX_ANSWER_BYTES // 1024**2} MiB")
        return answer

    def _url(self, path: str) -> str:
        return f"{self._target.url}/api/v3{path}"

    def _headers(self) -> dict[str, str]:
        key = self._target.api_key.get_secret_value()
        # httpx would quote a key that no header can carry in its own error.
        if not (key.isascii() and key.isprintable()) or " " in key:
            message = (
                f"The API key for {self.peer} has characters that none has: copy it again from Settings > General."
            )
            raise ArrUnauthorized(message)
        return {"X-Api-Key": key, "Accept": "application/json"}


async def _read(response: httpx.Response) -> Answer:
    """Read the body up to MAX_ANSWER_BYTES, after decompression."""
    body = bytearray()
    async for chunk in response.aiter_bytes(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return Answer(response.status_code, response.headers, bytes(body[:MAX_ANSWER_BYTES]), cut=True)
    return Answer(response.status_code, response.headers, bytes(body))
