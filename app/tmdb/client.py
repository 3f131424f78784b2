"""Asks TMDB for a title's videos: one call by its own id, a look-up first for a series known by another's."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from app.context import CatalogueQuestion
from app.domain.catalogue import CatalogueAnswer, CatalogueVideo
from app.errors import CatalogueError
from app.http import HttpClients
from schemas.base import MediaKind

TMDB = "https://api.themoviedb.org/3"
MAX_ANSWER_BYTES = 4 * 1024 * 1024
TIMEOUT = httpx.Timeout(10, connect=5)
TOTAL = 20.0  # s, for one call
WAITED_FOR = 3.0  # s of `Retry-After`; after a longer one we come back another time
PAUSE, WRONG_KEY_PAUSE, MOST_PAUSE = 10.0, 600.0, 3600.0  # s
_V3_KEY = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_WRONG_KEY = "TMDB does not take the key: copy it again from your account's API settings into TMDB_API_KEY."
_AWAY = "TMDB does not answer; its videos are left out for now."
_ODD = "TMDB's answer cannot be read; its videos are left out for now."
_BUSY = "TMDB asks for a pause; its videos are left out for now."


class _Video(BaseModel):
    model_config = ConfigDict(extra="ignore")

    key: str
    site: str
    type: str = ""
    official: bool = False
    size: int = 0
    iso_639_1: str | None = None
    name: str = ""
    published_at: str | None = None


class _Videos(BaseModel):
    results: list[Any] = Field(default_factory=list)


class _Title(BaseModel):
    model_config = ConfigDict(extra="ignore")

    original_language: str | None = None
    videos: _Videos = _Videos()


class TmdbClient:
    """`VideoCatalogue` by TMDB's API v3; a v3 key goes into the address, as TMDB wants it, a v4 token into a header.

    So no error carries an address, and none is chained to one that does. After a refusal nothing is asked for a while.
    """

    def __init__(self, clients: HttpClients, key: SecretStr, url: str = TMDB) -> None:
        self._clients = clients
        self._key = key
        self._url = url
        self._paused_until = 0.0
        self._why = ""

    async def videos_of(self, question: CatalogueQuestion) -> CatalogueAnswer:
        tmdb_id = question.tmdb_id or await self._find(question)
        if tmdb_id is None:
            return CatalogueAnswer()
        answer = await self._ask_for(question, tmdb_id)
        original = answer.original_language
        if original is not None and original not in question.languages:
            return await self._ask_for(replace(question, languages=(*question.languages, original)), tmdb_id)
        return answer

    async def _ask_for(self, question: CatalogueQuestion, tmdb_id: int) -> CatalogueAnswer:
        kind = "movie" if question.kind is MediaKind.MOVIE else "tv"
        languages = ",".join([*question.languages, "null"])
        query = {"append_to_response": "videos", "include_video_language": languages}
        document = await self._get(f"/{kind}/{tmdb_id}", query)
        if document is None:
            return CatalogueAnswer()
        try:
            title = _Title.model_validate(document)
        except ValidationError:
            raise CatalogueError(_ODD) from None
        return CatalogueAnswer(
            title.original_language,
            tuple(video for raw in title.videos.results if (video := _to_video(raw)) is not None),
        )

    async def check(self) -> None:
        await self._get("/configuration", {})

    async def _find(self, question: CatalogueQuestion) -> int | None:
        """Find a series by the TVDB's id or either by IMDb's."""
        found = None
        for number, source in ((question.tvdb_id, "tvdb_id"), (question.imdb_id, "imdb_id")):
            if number and found is None:
                found = await self._get(f"/find/{number}", {"external_source": source})
                found = _first_id(found, "movie" if question.kind is MediaKind.MOVIE else "tv")
        return found

    async def _get(self, path: str, query: Mapping[str, str]) -> Any:
        """Give a document, None for a 404. Raises CatalogueError."""
        if time.monotonic() < self._paused_until:
            raise CatalogueError(self._why)
        answer = await self._ask(path, query)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS and (wait := _retry_after(answer)) <= WAITED_FOR:
            await asyncio.sleep(wait)
            answer = await self._ask(path, query)
        match answer.status_code:
            case httpx.codes.OK:
                try:
                    return answer.json()
                except ValueError:
                    raise CatalogueError(_ODD) from None
            case httpx.codes.NOT_FOUND:
                return None
            case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
                raise self._pause(_WRONG_KEY, WRONG_KEY_PAUSE)
            case httpx.codes.TOO_MANY_REQUESTS:
                raise self._pause(_BUSY, _retry_after(answer))
        raise self._pause(_AWAY, PAUSE)

    async def _ask(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        key = self._key.get_secret_value()
        short = _V3_KEY.fullmatch(key)
        params = {**query, "api_key": key} if short else dict(query)
        headers = {"Accept": "application/json", **({} if short else {"Authorization": f"Bearer {key}"})}
        http, answer = self._clients.get(None, verify_tls=True), None
        with suppress(httpx.HTTPError, TimeoutError, OSError):  # their addresses hold the key
            async with (
                asyncio.timeout(TOTAL),
                http.stream("GET", self._url + path, params=params, headers=headers, timeout=TIMEOUT) as response,
            ):
                answer = await _bounded(response)
        if answer is None:
            raise self._pause(_AWAY, PAUSE)
        return answer

    def _pause(self, why: str, seconds: float) -> CatalogueError:
        self._paused_until, self._why = time.monotonic() + min(seconds, MOST_PAUSE), why
        return CatalogueError(why)


async def _bounded(response: httpx.Response) -> httpx.Response:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise CatalogueError(_ODD)
    headers = {name: value for name, value in response.headers.items() if name == "retry-after"}
    return httpx.Response(response.status_code, headers=headers, content=bytes(body))


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else PAUSE


def _first_id(document: object, kind: str) -> int | None:
    results = document.get(f"{kind}_results") if isinstance(document, dict) else None
    first = results[0] if isinstance(results, list) and results else None
    found = first.get("id") if isinstance(first, dict) else None
    return found if isinstance(found, int) else None


def _to_video(raw: object) -> CatalogueVideo | None:
    """Read one entry; one that is malformed counts as none."""
    try:
        video = _Video.model_validate(raw)
    except ValidationError:
        return None
    return CatalogueVideo(
        site=video.site,
        key=video.key,
        kind=video.type,
        official=video.official,
        size=video.size,
        language=video.iso_639_1 or None,
        name=video.name,
        published_at=video.published_at,
    )
