"""yt-dlp's options for a job, in the child."""

from __future__ import annotations

import re

from app.ytdlp.job import Job

FILE_STEM = "trailer"
_EXTRACTORS = ("youtube", "youtube:search", "vimeo")
# yt-dlp takes the first of these that it finds: deno, which runs YouTube's scripts locked in, before the others.
_JS_RUNTIMES = ("deno", "node", "quickjs", "bun")


def ytdlp_options(job: Job) -> dict[str, object]:
    """Give the parameters of YoutubeDL; hooks, filter, logger and cookies are added by the child.

    Files land in the current directory: yt-dlp would expand `~` and `$` in any other path. `ignoreerrors` is never
    set, it hides why a video failed; `max_filesize` is never set, it leaves an audio-only file and calls it success.
    """
    return {
        "allowed_extractors": list(_EXTRACTORS),
        "cachedir": job.cache_dir or False,
        "ffmpeg_location": job.ffmpeg,
        "js_runtimes": {name: {} for name in _JS_RUNTIMES},
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
    approximate = {"youtubetab": {"approximate_date": ["true"]}}  # the name under which the search reads it, too
    return {"extract_flat": True, "skip_download": True, "extractor_args": approximate}


def _fetch_options(job: Job) -> dict[str, object]:
    return {
        "format": _formats(job),
        "format_sort": _order(job),
        "merge_output_format": "mp4",
        "postprocessors": [{"key": "FFmpegVideoRemuxer", "preferedformat": "mp4"}, *_embedding(job)],
        "outtmpl": {"default": f"{FILE_STEM}.%(ext)s"},
        "noplaylist": True,
        "fragment_retries": 3,
        "skip_unavailable_fragments": False,
        "updatetime": False,
        "overwrites": True,
        "sleep_interval_requests": 0.75,
        **_subtitles(job),
    }


def _formats(job: Job) -> str:
    """Ask for what the policy allows; where there is none take any, for the child says best why it is refused."""
    allowed = f"[height<=?{job.max_height}][height>=?{job.min_height}]"
    return f"bv*{allowed}+ba/b{allowed}/bv*+ba/b"


def _order(job: Job) -> list[str]:
    """Rank the formats. H.264 plays everywhere without transcoding; YouTube has it up to 1080 lines."""
    codec, lines = "vcodec:h264", f"res:{job.max_height}"
    first = [codec, lines] if job.compatible else [lines, codec]
    # Converting HDR to H.264 without mapping its tones would make it pale.
    plain = ["hdr:sdr"] if job.convert else []
    return [*plain, *first, "acodec:aac", "ext:mp4:m4a"]


def _embedding(job: Job) -> list[dict[str, object]]:
    """Put subtitles into the file: beside it they would be taken for the movie's own, and could be left behind."""
    return [{"key": "FFmpegEmbedSubtitle", "already_have_subtitle": False}] if job.subtitles else []


def _subtitles(job: Job) -> dict[str, object]:
    """Ask for subtitles that people wrote; those that YouTube made itself cost more requests than they are worth."""
    if not job.subtitles:
        return {}
    return {
        "writesubtitles": True,
        "subtitleslangs": [f"(?i:{re.escape(language)}(-.+)?)" for language in job.subtitles],
        "subtitlesformat": "vtt/srt/best",
        "sleep_interval_subtitles": 1,
    }
