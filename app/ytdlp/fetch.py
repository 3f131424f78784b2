"""The child process that runs yt-dlp: one job on standard input, JSON lines on standard output, then it ends.

Failures are told raw; the worker knows what they mean. Start-up time counts, so this imports nothing of the project
that needs pydantic, and PyAV only once there is a file.
"""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yt_dlp  # type: ignore[import-untyped]  # yt-dlp has no types
from yt_dlp.utils import (  # type: ignore[import-untyped]  # yt-dlp has no types
    DownloadCancelled,
    DownloadError,
)

from app.ytdlp.cookies import read_cookies
from app.ytdlp.guard import die_with_stdin, lead_own_group, limit_resources, read_line
from app.ytdlp.job import Job
from app.ytdlp.options import ytdlp_options
from app.ytdlp.talk import Talk

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_NO_SUBTITLES = "unable to download video subtitles"
_DOWNLOAD_SHARE = 0.3
Info = Mapping[str, Any]


class VideoRefused(DownloadCancelled):  # type: ignore[misc]  # yt-dlp has no types
    """The policy rules the video out; yt-dlp lets this kind of error pass unchanged."""


class VideoTooShort(VideoRefused):
    """The page says that the video is shorter than the policy allows."""


class VideoTooLong(VideoRefused):
    """The page says that the video is longer than the policy allows."""


class VideoIsLive(VideoRefused):
    """It is a live stream, running or over."""


class VideoIsAnnounced(VideoRefused):
    """It is a premiere or a live stream to come; `seconds_left` until then, None where the page does not say."""

    seconds_left: float | None = None


class VideoTooLow(VideoRefused):
    """Its best format has fewer lines than the policy asks for."""


class VideoTooHigh(VideoRefused):
    """Its least format has more lines than the policy allows."""


class VideoTooLarge(VideoRefused):
    """It has more bytes than a trailer can have."""


class NoFile(Exception):
    """yt-dlp called it a success and left no file."""


def main() -> int:
    """Do the job of standard input; 0 where its result was told, 1 where its failure was."""
    lead_own_group()
    talk = Talk()
    try:
        job = Job.from_line(read_line())
        die_with_stdin()
        limit_resources(job.max_bytes)
        talk.result(_do(job, talk))
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - every failure goes to the worker, which knows what it means
        talk.failure(error)
        return 1
    return 0


def _do(job: Job, talk: Talk) -> dict[str, object]:
    cookies = None if job.cookies_file is None else read_cookies(job.cookies_file)
    if job.op == "search":
        with _open(job, talk, cookies) as ydl:
            return _found(ydl.extract_info(f"ytsearch{job.max_hits}:{job.target}", download=False) or {})
    watch = _Watch(job, talk)
    hooks = {"progress_hooks": [watch.on_bytes], "postprocessor_hooks": [watch.on_step], "match_filter": watch.choose}
    try:
        info = _download(job, talk, cookies, hooks)
    except VideoIsAnnounced as error:  # yt-dlp makes it anew
        error.seconds_left = watch.seconds_left
        raise
    return _verified(job, info, watch)


def _open(job: Job, talk: Talk, cookies: str | None, hooks: Info | None = None) -> Any:
    """Make a YoutubeDL; it writes its cookies back at its end: here, into memory."""
    jar = None if cookies is None else io.StringIO(cookies)
    return yt_dlp.YoutubeDL({**ytdlp_options(job), "logger": talk, "cookiefile": jar, **(hooks or {})})


def _download(job: Job, talk: Talk, cookies: str | None, hooks: Info) -> Info:
    """Fetch the video; subtitles that cannot be had are done without, for yt-dlp would give the video up for them."""
    try:
        with _open(job, talk, cookies, hooks) as ydl:
            return ydl.extract_info(job.target) or {}
    except DownloadError as error:
        if not job.subtitles or _NO_SUBTITLES not in str(error).lower():
            raise
    return _download(replace(job, subtitles=()), talk, cookies, hooks)


class _Watch:
    """Looks at the video before it is fetched and at every piece that comes."""

    def __init__(self, job: Job, talk: Talk) -> None:
        self._job, self._talk = job, talk
        self._parts: Sequence[Info] = ()
        self._done: dict[str, int] = {}
        self._percent: float | None = None
        self._share = 1.0
        self.seconds_left: float | None = None

    def choose(self, info: Info, *, incomplete: bool = False) -> None:
        """Refuse what the policy rules out; called again and again while yt-dlp learns more of the video."""
        if info.get("release_timestamp") is not None:
            self.seconds_left = info["release_timestamp"] - time.time()
        _refuse_live(info)
        seconds = info.get("duration")
        if seconds is not None and seconds < self._job.min_seconds:
            raise VideoTooShort
        if seconds is not None and seconds > self._job.max_seconds:
            raise VideoTooLong
        if incomplete:
            return
        _refuse_height(info.get("height"), self._job)
        self._parts = info.get("requested_formats") or ()
        if self._job.convert and not _plays_everywhere(info):
            self._share = _DOWNLOAD_SHARE

    def on_bytes(self, state: Info) -> None:
        """Tell the percentage, over all parts; stop at the byte limit."""
        info = state["info_dict"]
        part, got = str(info.get("format_id")), int(state.get("downloaded_bytes") or 0)
        self._done[part] = got
        if sum(self._done.values()) > self._job.max_bytes:
            raise VideoTooLarge
        total = state.get("total_bytes") or state.get("total_bytes_estimate")
        if total:
            self._reach(self._overall(part, min(got / total, 1.0)) * self._share)
        self._talk.progress(self._percent)

    def on_step(self, _state: Info) -> None:
        self._talk.progress(self._percent)

    def on_polish(self, share: float) -> None:
        """Tell how far the conversion is, which comes after the download."""
        self._reach(self._share + (1 - self._share) * share)
        self._talk.progress(self._percent)

    def _reach(self, share: float) -> None:
        self._percent = round(max(share * 100, self._percent or 0.0), 1)

    def _overall(self, part: str, share: float) -> float:
        """Weigh the share of one part with its bit rate: picture and sound come one after the other."""
        weights = {str(each.get("format_id")): float(each.get("tbr") or 1) for each in self._parts}
        if part not in weights:
            return share
        before = sum(weight for other, weight in weights.items() if other in self._done and other != part)
        return (before + weights[part] * share) / sum(weights.values())


def _refuse_live(info: Info) -> None:
    if info.get("live_status") == "is_upcoming":
        raise VideoIsAnnounced
    if info.get("is_live") or info.get("live_status") in {"is_live", "post_live"}:
        raise VideoIsLive


def _refuse_height(height: int | None, job: Job) -> None:
    if height is not None and height < job.min_height:
        raise VideoTooLow
    if height is not None and height > job.max_height:
        raise VideoTooHigh


def _plays_everywhere(info: Info) -> bool:
    picture, sound = str(info.get("vcodec")), str(info.get("acodec"))
    return picture.startswith(("avc1", "h264")) and sound.startswith(("mp4a", "aac", "none"))


def _verified(job: Job, info: Info, watch: _Watch) -> dict[str, object]:
    # Most failed jobs never need PyAV, which loads slowly.
    from app.ytdlp.polish import polish  # noqa: PLC0415
    from app.ytdlp.verify import Wanted, verify  # noqa: PLC0415

    downloads = info.get("requested_downloads") or ()
    path = Path(downloads[0]["filepath"]) if downloads else None
    if path is None or path.is_symlink() or not path.is_file():
        message = "no file was left"
        raise NoFile(message)
    parts = info.get("requested_formats") or (info,)
    has_audio = any(part.get("acodec") not in {None, "none"} for part in parts)
    wanted = Wanted(
        min_seconds=job.min_seconds,
        max_seconds=job.max_seconds,
        min_height=job.min_height,
        max_height=job.max_height,
        seconds=info.get("duration"),
        audio=has_audio,
    )
    if job.loudness or job.convert:
        verify(path, wanted)
        polish(path, job, watch.on_polish)
    found = verify(path, wanted)
    watch.on_polish(1.0)
    return {
        "event": "fetched",
        "file": path.name,
        "video_id": str(info["id"]),
        "title": str(info.get("title") or ""),
        "size": path.stat().st_size,
        **asdict(found),
    }


def _found(info: Info) -> dict[str, object]:
    entries = [entry for entry in info.get("entries") or () if _VIDEO_ID.fullmatch(str(entry.get("id")))]
    return {"event": "found", "hits": [_hit(entry) for entry in entries]}


def _hit(entry: Info) -> dict[str, object]:
    return {
        "video_id": entry["id"],
        "title": str(entry.get("title") or ""),
        "channel": entry.get("channel") or entry.get("uploader"),
        "seconds": entry.get("duration"),
        "is_live": entry.get("live_status") in {"is_live", "is_upcoming"},
        "view_count": entry.get("view_count"),
        "upload_date": _day(entry.get("timestamp")),
    }


def _day(timestamp: float | None) -> str | None:
    """Give the day; YouTube's search only says "3 years ago", so it may be a year too late."""
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
