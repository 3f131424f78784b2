"""Speaks HTTP with one Arr: its key in a header, its answers bounded, its faults as errors of app.errors."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

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
    unusable_ca_file,
)
from app.arr.items import raw_item
from app.arr.peer import Peer
from app.arr.stream import ArrayDecoder
from app.context import ArrTarget, RawItem
from app.errors import ArrStartingUp, ArrUnauthorized, ArrUnreachable
from app.http import ArrPatience, HttpClients, Patience

MAX_ANSWER_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 128 * 1024
# No answer, or a 502 to 504: nothing was done, so that a read may be sent again.
_PASSING = (ArrUnreachable, ArrStartingUp)


class ArrClient:
    """Calls of `/api/v3`; every one raises ArrError and nothing else.

    Reads that meet no answer or a 503 are sent again twice. `subject` says in errors what was asked for, as in
    `its list of movies`.
    """

    def __init__(self, clients: HttpClients, target: ArrTarget, patience: ArrPatience | None = None) -> None:
        self.peer = Peer.of(target)
        self.patience = patience or ArrPatience()
        self._clients = clients
        self._target = target

    async def get_json(self, path: str, subject: str) -> object:
        """Read something small that is not one item."""
        return await self._json(Call(CallKind.READ, "GET", path, subject), self.patience.item, self.peer)

    async def get_item(self, path: str, subject: str) -> RawItem:
        """Read one item. Raises ArrItemGone, ArrItemError."""
        call = Call(CallKind.ITEM, "GET", path, subject)
        answer = await self._exchange(call, self.patience.item, self.peer)
        self._object(self._decoded(answer, call, self.peer), subject)
        return raw_item(answer.body.removeprefix(codecs.BOM_UTF8))

    async def get_object(self, path: str, subject: str) -> dict[str, object]:
        """Read an object that is not one item."""
        return self._object(await self.get_json(path, subject), subject)

    async def get_array(self, path: str, subject: str) -> list[dict[str, object]]:
        """Read a short list of objects, in one piece."""
        elements = await self.get_json(path, subject)
        if not isinstance(elements, list):
            raise unexpected_answer(self.peer, subject, "it is no list")
        return [self._object(element, subject) for element in elements]

    async def stream_array(
        self, path: str, subject: str, patience: Patience, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[RawItem, None]:
        """Read a list object by object; ends without an error only if it was complete."""
        for pause in (*self.patience.retry_after, None):
            try:
                async with aclosing(self._stream_once(path, subject, patience, params)) as elements:
                    async for element in elements:
                        yield element
            except _PASSING:  # never raised once an answer has begun
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    async def _stream_once(
        self, path: str, subject: str, patience: Patience, params: Mapping[str, str] | None
    ) -> AsyncGenerator[RawItem, None]:
        call, decoder = Call(CallKind.READ, "GET", path, subject), ArrayDecoder(str(self.peer))
        http, answered, began = self._http(), False, time.monotonic()
        try:
            async with http.stream(
                call.method, self._url(path), params=params, headers=self._headers(), timeout=patience.as_timeout()
            ) as response:
                answered = True
                if response.status_code != 200:
                    raise status_error(self.peer, call, await _read(response))
                async for chunk in response.aiter_bytes(_CHUNK_BYTES):
                    if patience.total is not None and time.monotonic() - began > patience.total:
                        raise TimeoutError
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
        return self._decoded(await self._exchange(call, patience, peer, body), call, peer)

    def _decoded(self, answer: Answer, call: Call, peer: Peer) -> object:
        try:
            return answer.json()
        except JsonFault as fault:
            raise unreadable_answer(peer, call.subject, answer) from peer.cause(fault)

    async def _exchange(self, call: Call, patience: Patience, peer: Peer, body: object = None) -> Answer:
        """Send a request and give its answer, which is a success: 200 for a read, any 2xx else.

        All tries of a read together take no longer than `patience.total`.
        """
        pauses = self.patience.retry_after if call.kind in {CallKind.ITEM, CallKind.READ} else ()
        try:
            async with asyncio.timeout(patience.total):
                for pause in pauses:
                    try:
                        return await self._exchange_once(call, patience, peer, body)
                    except _PASSING:
                        await asyncio.sleep(pause)
                return await self._exchange_once(call, patience, peer, body)
        except TimeoutError as fault:
            raise transport_error(peer, fault, patience, answered=False) from peer.cause(fault)

    async def _exchange_once(self, call: Call, patience: Patience, peer: Peer, body: object) -> Answer:
        http, answered = self._http(), False
        try:
            async with http.stream(
                call.method,
                self._url(call.path),
                json=body,
                headers=self._headers(),
                timeout=patience.as_timeout(),
            ) as response:
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

    def _object(self, value: object, subject: str) -> dict[str, object]:
        if not isinstance(value, dict):
            raise unexpected_answer(self.peer, subject, "it is no object")
        return value

    def _http(self) -> httpx.AsyncClient:
        try:
            return self._clients.get(self._target.ca_file, verify_tls=self._target.verify_tls)
        except OSError as fault:
            raise unusable_ca_file(self.peer, self._target.ca_file or "", fault) from fault

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
