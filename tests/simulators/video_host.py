"""A video host: serves clips whole, as HLS and as separate streams, knows its catalogue, and can break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.simulators.clips import HEIGHT, WIDTH, make_clip
from tests.simulators.server import ThreadedServer

CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class Video:
    """One video of the catalogue.

    `kind`: mp4 (one file), hls, dash (video and audio apart), audio (no picture). `error` is the text that YouTube's
    page would give; `status` breaks the media; `cut` and `hang` break it half way; `rate` limits it to bytes a second.
    """

    video_id: str
    title: str
    seconds: int = 30
    kind: str = "dash"
    channel: str = "Blender"
    claimed_seconds: int | None = None
    error: str | None = None
    geo: bool = False
    status: int | None = None
    cut: bool = False
    hang: bool = False
    rate: int | None = None


class VideoHost:
    """Serves on loopback; `downloads` counts the media requests of each video that began at its first byte."""

    def __init__(self, ffmpeg: Path, cache: Path, port: int = 0) -> None:
        self.videos: dict[str, Video] = {}
        self.downloads: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._ffmpeg = ffmpeg
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
        """Put a video into the catalogue; its clip is made now."""
        video = Video(video_id, title, **facts)
        self._clip(video)
        self.videos[video_id] = video
        return video

    def _clip(self, video: Video) -> Path:
        return make_clip(self._ffmpeg, self._cache, video.seconds)

    async def _describe(self, request: Request) -> Response:
        video = self.videos.get(request.path_params["video_id"])
        if video is None:
            return JSONResponse({"error": "Video unavailable. This video has been removed by the uploader"}, 404)
        if video.error is not None:
            return JSONResponse({"error": video.error, "geo": video.geo}, 403)
        document = {
            "id": video.video_id,
            "title": video.title,
            "channel": video.channel,
            "duration": video.claimed_seconds or video.seconds,
            "formats": self._formats(video),
        }
        return JSONResponse(document)

    def _formats(self, video: Video) -> list[dict[str, Any]]:
        media = f"{self.url}/media/{video.video_id}"
        picture = {"width": WIDTH, "height": HEIGHT, "vcodec": "avc1.42c01f", "fps": 5, "ext": "mp4"}
        sound = {"acodec": "mp4a.40.2", "ext": "m4a", "vcodec": "none"}
        if video.kind == "audio":
            return [{"format_id": "140", "url": f"{media}/audio.m4a", **sound}]
        if video.kind == "hls":
            return [
                {"format_id": "95", "url": f"{media}/variant.m3u8", "protocol": "m3u8_native", "acodec": "mp4a.40.2"}
                | picture
            ]
        if video.kind == "mp4":
            return [{"format_id": "22", "url": f"{media}/clip.mp4", "acodec": "mp4a.40.2", **picture}]
        decoy = {"format_id": "399", "url": f"{media}/never.mp4", "acodec": "none", **picture}
        return [
            {"format_id": "140", "url": f"{media}/audio.m4a", **sound},
            {"format_id": "136", "url": f"{media}/video.mp4", "acodec": "none", **picture},
            {**decoy, "vcodec": "av01.0.08M.08", "width": 1920, "height": 1080},
        ]

    async def _search(self, request: Request) -> Response:
        words = request.query_params.get("q", "").lower().split()
        found = [video for video in self.videos.values() if all(word in video.title.lower() for word in words[:2])]
        hits = [
            {"id": video.video_id, "title": video.title, "channel": video.channel, "duration": video.seconds}
            for video in found
        ]
        return JSONResponse(hits)

    async def _media(self, request: Request) -> Response:
        video = self.videos.get(request.path_params["video_id"])
        if video is None:
            return Response(None, 404)
        if video.status is not None:
            return Response(None, video.status)
        path = self._clip(video) / Path(request.path_params["name"]).name
        if not path.exists():
            return Response(None, 404)
        if request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
            self.downloads[video.video_id] += 1
        if video.cut or video.hang or video.rate:
            size = path.stat().st_size
            return StreamingResponse(self._broken(video, path.read_bytes()), headers={"Content-Length": str(size)})
        return FileResponse(path)

    async def _broken(self, video: Video, body: bytes) -> AsyncIterator[bytes]:
        self.under_way[video.video_id] += 1
        self.most_at_once[video.video_id] = max(self.most_at_once[video.video_id], self.under_way[video.video_id])
        try:
            end = len(body) // 2 if video.cut or video.hang else len(body)
            for start in range(0, end, CHUNK):
                yield body[start : min(start + CHUNK, end)]
                if video.rate:
                    await asyncio.sleep(CHUNK / video.rate)
            if video.hang:
                await asyncio.sleep(3600)
            if video.cut:
                message = "cut"
                raise ConnectionAbortedError(message)
        finally:
            self.under_way[video.video_id] -= 1
