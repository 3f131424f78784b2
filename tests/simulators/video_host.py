"""A video host: serves clips whole, as HLS and as separate streams, knows its catalogue, and can break."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.simulators import youtube_says
from tests.simulators.clips import SMALL, Picture, make_clip, make_webm
from tests.simulators.server import ThreadedServer

CHUNK = 16 * 1024
FOR_EVER = 3600.0  # s
_LEADING = {
    "mp4": "clip.mp4",
    "hls": "variant.m3u8",
    "dash": "video.mp4",
    "audio": "audio.m4a",
    "webm": "clip.webm",
    "ts": "part000.ts",
    "images": "sb.mhtml",
}
_SUBTITLES = "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nHello\n"
_TYPES = {".mp4": "video/mp4", ".m4a": "audio/mp4", ".ts": "video/mp2t", ".m3u8": "application/vnd.apple.mpegurl"}


@dataclass(frozen=True, slots=True)
class Video:
    """One video of the catalogue.

    `kind`: mp4 (one file), hls, dash (video and audio apart), audio (no picture), webm (VP9 and Opus), ts (no MP4, but
    called one), images (storyboards only). `subtitles` are languages; "xx" is one that cannot be fetched. `error` is
    the text that YouTube's page would give, `page_status` its status. `refusal` is what yt-dlp finds out by itself:
    captcha (beside an `error`), drm, login, ip (blocked), player (no response), dns (a name that nobody knows);
    `warning` is what it warns of on the way. `status` breaks the media; `cut` and `hang` break it half way; `rate`
    limits it to bytes a second; `silent` is "page" or "media": that is never answered; `missing` is a file of it that
    is not there. A Vimeo video has a number for its id.
    """

    video_id: str
    title: str
    seconds: int = 30
    kind: str = "dash"
    channel: str = "Blender"
    claimed_seconds: int | None = None
    views: int = 1_000_000
    live_status: str = "not_live"
    release_timestamp: float | None = None
    subtitles: tuple[str, ...] = ()
    error: str | None = None
    refusal: str = ""
    warning: str | None = None
    page_status: int | None = None
    geo: bool = False
    status: int | None = None
    cut: bool = False
    hang: bool = False
    rate: int | None = None
    silent: str = ""
    missing: str = ""


@dataclass(slots=True)
class Transfer:
    """One media request, with `time.time()` of its two ends: the end is the last byte, or the client leaving."""

    video_id: str
    name: str
    began: float
    ended: float | None = None


class VideoHost:
    """Serves on loopback; the counters tell of each video by id.

    `downloads`: how often its picture was asked for from the first byte; `under_way`: media requests being answered;
    `most_at_once`: the most of these there ever were, and `most_in_all` that of all videos together; `transfers`: each
    of them with its times; `cookies`: what came in Cookie headers.
    """

    def __init__(self, ffmpeg: Path, cache: Path, port: int = 0, picture: Picture = SMALL) -> None:
        self.videos: dict[str, Video] = {}
        self.downloads: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.most_in_all = 0
        self.transfers: list[Transfer] = []
        self.searches: list[str] = []
        self.cookies: set[str] = set()
        self.search_error: str | None = None
        self._answers: dict[str, list[str]] = {}
        self._ffmpeg = ffmpeg
        self._picture = picture
        self._cache = cache
        routes = [
            Route("/api/video/{video_id}", self._describe),
            Route("/api/search", self._search),
            Route("/media/{video_id}/{name}", self._media),
        ]
        self._server = ThreadedServer(Starlette(routes=routes), port)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    def add(self, video_id: str, title: str, **facts: Any) -> Video:
        """Put a video into the catalogue, or another in its place; its clip is made now."""
        video = Video(video_id, title, **facts)
        self._clip(video)
        self.videos[video_id] = video
        return video

    def set_search(self, words: str, *video_ids: str) -> None:
        """Answer searches that contain these words with these videos, in this order; else titles are looked through."""
        self._answers[words.lower()] = list(video_ids)

    def _clip(self, video: Video) -> Path:
        clips = make_clip(self._ffmpeg, self._cache, video.seconds, self._picture)
        if video.kind == "webm":
            make_webm(self._ffmpeg, clips)
        return clips

    async def _describe(self, request: Request) -> Response:
        video = self.videos.get(request.path_params["video_id"])
        if video is None:
            return JSONResponse({"error": youtube_says.REMOVED}, 404)
        if video.silent == "page":
            await asyncio.sleep(FOR_EVER)
        if video.page_status is not None:
            return Response(None, video.page_status)
        if video.error is not None or video.refusal:
            return JSONResponse({"error": video.error, "geo": video.geo, "refusal": video.refusal}, 403)
        document = {
            "id": video.video_id,
            "title": video.title,
            "channel": video.channel,
            "duration": video.claimed_seconds or video.seconds,
            "view_count": video.views,
            "live_status": video.live_status,
            "release_timestamp": video.release_timestamp,
            "subtitles": {
                language: [{"url": f"{self.url}/media/{video.video_id}/{language}.vtt", "ext": "vtt"}]
                for language in video.subtitles
            },
            "formats": self._formats(video),
            "warning": video.warning,
        }
        return JSONResponse(document)

    def _formats(self, video: Video) -> list[dict[str, Any]]:
        """List what can be fetched; beside separate streams stand others that a TV may not play, and lead nowhere."""
        media = f"{self.url}/media/{video.video_id}"
        width, height, rate = self._picture.width, self._picture.height, self._picture.rate
        picture = {"width": width, "height": height, "vcodec": "avc1.42c01f", "fps": rate, "ext": "mp4"}
        sound = {"format_id": "140", "url": f"{media}/audio.m4a", "acodec": "mp4a.40.2", "ext": "m4a", "vcodec": "none"}
        if video.kind == "audio":
            return [sound]
        if video.kind == "images":
            return [
                {"format_id": "sb0", "url": f"{media}/sb.mhtml", "ext": "mhtml", "vcodec": "none", "acodec": "none"}
            ]
        if video.kind == "hls":
            return [{"manifest": f"{media}/master.m3u8"}]
        if video.kind == "mp4":
            return [{"format_id": "22", "url": f"{media}/clip.mp4", "acodec": "mp4a.40.2", **picture}]
        if video.kind == "ts":
            return [{"format_id": "22", "url": f"{media}/part000.ts", "acodec": "mp4a.40.2", **picture}]
        if video.kind == "webm":
            codecs = {"vcodec": "vp09.00.31.08", "acodec": "opus", "ext": "webm"}
            return [{"format_id": "43", "url": f"{media}/clip.webm", **picture, **codecs}]
        lost = {"url": f"{media}/never.mp4", "acodec": "none", **picture}
        return [
            sound,
            {"format_id": "251", "url": f"{media}/never.webm", "acodec": "opus", "vcodec": "none", "ext": "webm"},
            {"format_id": "136", "url": f"{media}/video.mp4", "acodec": "none", **picture},
            {**lost, "format_id": "248", "vcodec": "vp09.00.40.08", "ext": "webm", "width": 1920, "height": 1080},
            {**lost, "format_id": "399", "vcodec": "av01.0.08M.08", "width": 1920, "height": 1080},
        ]

    async def _search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").lower()
        self.searches.append(query)
        if self.search_error is not None:
            return JSONResponse({"error": self.search_error}, 403)
        set_ids = next((ids for words, ids in self._answers.items() if words in query), None)
        if set_ids is None:
            words = query.split()[:2]
            found = [video for video in self.videos.values() if all(word in video.title.lower() for word in words)]
        else:
            found = [self.videos[video_id] for video_id in set_ids]
        hits = [
            {
                "id": video.video_id,
                "title": video.title,
                "channel": video.channel,
                "duration": video.claimed_seconds or video.seconds,
                "view_count": video.views,
            }
            for video in found
        ]
        return JSONResponse({"hits": hits})

    async def _media(self, request: Request) -> Response:
        video = self.videos.get(request.path_params["video_id"])
        if video is None:
            return Response(None, 404)
        if video.silent == "media":
            await asyncio.sleep(FOR_EVER)
        if cookie := request.headers.get("cookie"):
            self.cookies.add(cookie)
        if request.path_params["name"].endswith(".vtt"):
            known = request.path_params["name"] != "xx.vtt"
            return Response(_SUBTITLES if known else None, 200 if known else 404)
        path = self._clip(video) / Path(request.path_params["name"]).name
        if video.status is not None and path.suffix != ".m3u8":
            return Response(None, video.status)
        if not path.exists() or path.name == video.missing:
            return Response(None, 404)
        body = path.read_bytes()
        wished = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        first = int(wished[1]) if wished else 0
        last = min(int(wished[2]), len(body) - 1) if wished and wished[2] else len(body) - 1
        if first > last:
            return Response(None, 416, {"Content-Range": f"bytes */{len(body)}"})
        if first == 0 and path.name == _LEADING[video.kind]:
            self.downloads[video.video_id] += 1
        headers = {"Content-Length": str(last - first + 1), "Accept-Ranges": "bytes"}
        if wished:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        transfer = Transfer(video.video_id, path.name, time.time())
        self.transfers.append(transfer)
        stream = self._stream(video, body[first : last + 1], transfer)
        return StreamingResponse(stream, 206 if wished else 200, headers, _TYPES.get(path.suffix))

    async def _stream(self, video: Video, body: bytes, transfer: Transfer) -> AsyncIterator[bytes]:
        self.under_way[video.video_id] += 1
        self.most_at_once[video.video_id] = max(self.most_at_once[video.video_id], self.under_way[video.video_id])
        self.most_in_all = max(self.most_in_all, self.under_way.total())
        try:
            end = len(body) // 2 if video.cut or video.hang else len(body)
            for start in range(0, end, CHUNK):
                yield body[start : min(start + CHUNK, end)]
                if video.rate and start + CHUNK < end:
                    await asyncio.sleep(CHUNK / video.rate)
            if video.hang:
                await asyncio.sleep(FOR_EVER)
            if video.cut:
                message = "cut"
                raise ConnectionAbortedError(message)
        finally:
            self.under_way[video.video_id] -= 1
            transfer.ended = time.time()


if __name__ == "__main__":
    from tests.simulators.video_process import main

    sys.exit(main())
