"""yt-dlp's options for a job, in the child."""

from __future__ import annotations

from app.ytdlp.job import Job

FILE_STEM = "trailer"
COOKIES_COPY = "cookies.txt"
_EXTRACTORS = ("youtube", "youtube:search", "vimeo")


def ytdlp_options(job: Job) -> dict[str, object]:
    """Give the parameters of YoutubeDL; hooks, filter and logger are added by the child.

    Files land in the current directory: yt-dlp would expand `~` and `$` in any other path. `ignoreerrors` is never
    set, it hides why a video failed; `max_filesize` is never set, it leaves an audio-only file and calls it success.
    """
    return {
        "allowed_extractors": list(_EXTRACTORS),
        "cachedir": job.cache_dir or False,
        "cookiefile": COOKIES_COPY if job.cookies_file else None,
        "ffmpeg_location": job.ffmpeg,
        "noprogress": True,
        "proxy": job.proxy,
        "quiet": True,
        "extractor_retries": 2,
        "retries": 3,
        "socket_timeout": 20,
        "color": {"stdout": "no_color", "stderr": "no_color"},
        **(_search_options() if job.op == "search" else _fetch_options(job)),
    }


def _search_options() -> dict[str, object]:
    return {"extract_flat": True, "skip_download": True}


def _fetch_options(job: Job) -> dict[str, object]:
    return {
        "format": "bv*+ba/b",
        # H.264 before height: it plays everywhere without transcoding, and YouTube has it up to 1080 lines.
        "format_sort": ["vcodec:h264", f"res:{job.max_height}", "acodec:aac", "ext:mp4:m4a"],
        "merge_output_format": "mp4",
        "postprocessors": [{"key": "FFmpegVideoRemuxer", "preferedformat": "mp4"}],
        "outtmpl": {"default": f"{FILE_STEM}.%(ext)s"},
        "noplaylist": True,
        "fragment_retries": 3,
        "skip_unavailable_fragments": False,
        "updatetime": False,
        "overwrites": True,
        "sleep_interval_requests": 0.75,
    }
