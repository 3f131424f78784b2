"""A yt-dlp plugin that leads YouTube and Vimeo addresses and searches to the video host, for unchanged production code.

Its classes bear the names of yt-dlp's own. A plugin class of the same name takes the place of the built-in one in
yt-dlp's table, and what it inherits (IE_NAME, _VALID_URL) keeps `allowed_extractors` as they are for the real one. A
class with `plugin_name=` would be called `youtube+name` instead, which `allowed_extractors=["youtube"]` rules out.
"""

from __future__ import annotations

from pathlib import Path

_SOURCE = '''"""YouTube and Vimeo as the video host of the tests serves them."""

import urllib.parse

from yt_dlp.extractor.vimeo import VimeoIE as _Vimeo
from yt_dlp.extractor.youtube import YoutubeIE as _Youtube
from yt_dlp.extractor.youtube import YoutubeSearchIE as _YoutubeSearch
from yt_dlp.utils import ExtractorError, remove_end

HOST = {host!r}
RATE_LIMITED = (
    "The current session has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to "
    "add a delay between video requests to avoid exceeding the rate limit."
)


def facts_of(extractor, video_id):
    address = f"{{HOST}}/api/video/{{video_id}}"
    facts = extractor._download_json(address, video_id, expected_status=(403, 404))
    if "error" in facts:
        refuse(extractor, facts["error"], geo=facts.get("geo"), refusal=facts.get("refusal"), video_id=video_id)
    if facts["warning"]:
        extractor.report_warning(facts["warning"])
    formats = []
    for one in facts["formats"]:
        if "manifest" in one:
            formats += extractor._extract_m3u8_formats(one["manifest"], video_id, "mp4", m3u8_id="hls")
        else:
            formats.append(one)
    return {{**facts, "formats": formats}}


def refuse(extractor, reason, geo=False, refusal="", video_id=None):
    """Raise as yt-dlp's own extractor does for this reason."""
    if refusal == "drm":
        extractor.report_drm(video_id)
    if refusal == "login":
        extractor.raise_login_required()
    if refusal == "ip":
        text = "All player responses are invalid. Your IP is likely being blocked by Youtube"
        raise ExtractorError(text, expected=True)
    if refusal == "player":
        raise ExtractorError("Failed to extract any player response")
    if refusal == "dns":
        extractor._download_json("http://www.youtube.invalid/youtubei/v1/player", video_id)
    if geo:
        extractor.raise_geo_restricted(reason, ["US"])
    if "sign in" in reason.lower() and isinstance(extractor, _Youtube | _YoutubeSearch):
        reason = remove_end(reason, "This helps protect our community. Learn more").strip()
        reason = f'{{remove_end(reason, ".")}}. {{extractor._youtube_login_hint}}'
    elif refusal == "captcha":
        reason += ". YouTube is requiring a captcha challenge before playback"
    elif "This content isn't available, try again later" in reason:
        reason = f'{{remove_end(reason, ".")}}. {{RATE_LIMITED}}'
    extractor.raise_no_formats(reason, expected=True)


class YoutubeIE(_Youtube):
    def _real_extract(self, url):
        return facts_of(self, self._match_id(url))


class VimeoIE(_Vimeo):
    def _real_extract(self, url):
        return facts_of(self, self._match_id(url))


class YoutubeSearchIE(_YoutubeSearch):
    def _search_results(self, query):
        text = urllib.parse.quote(query)
        found = self._download_json(f"{{HOST}}/api/search?q={{text}}", query, expected_status=403)
        if "error" in found:
            refuse(self, found["error"])
        for hit in found["hits"]:
            facts = {{name: hit[name] for name in ("duration", "channel", "view_count")}}
            yield self.url_result(
                f"https://www.youtube.com/watch?v={{hit['id']}}", "Youtube", hit["id"], hit["title"], **facts
            )
'''


def write_plugin(directory: Path, host_url: str) -> Path:
    """Write the plugin; a child with PYTHONPATH=directory uses it. Gives the directory."""
    package = directory / "yt_dlp_plugins" / "extractor"
    package.mkdir(parents=True, exist_ok=True)
    (package / "videohost.py").write_text(_SOURCE.format(host=host_url))
    return directory
