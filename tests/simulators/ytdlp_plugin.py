"""A yt-dlp plugin that leads YouTube addresses and searches to the video host, for unchanged production code."""

from __future__ import annotations

from pathlib import Path

_SOURCE = '''"""YouTube as the video host of the tests serves it."""

import urllib.parse

from yt_dlp.extractor.youtube import YoutubeIE, YoutubeSearchIE
from yt_dlp.utils import ExtractorError

HOST = {host!r}


class _VideoHostIE(YoutubeIE, plugin_name="videohost"):
    def _real_extract(self, url):
        video_id = self._match_id(url)
        facts = self._download_json(f"{{HOST}}/api/video/{{video_id}}", video_id, expected_status=(403, 404))
        if "error" in facts:
            if facts.get("geo"):
                self.raise_geo_restricted(facts["error"], countries=["US"])
            raise ExtractorError(facts["error"], expected=True)
        return {{**facts, "is_live": False}}


class _VideoHostSearchIE(YoutubeSearchIE, plugin_name="videohost"):
    def _search_results(self, query):
        text = urllib.parse.quote(query)
        for hit in self._download_json(f"{{HOST}}/api/search?q={{text}}", query):
            yield self.url_result(f"https://www.youtube.com/watch?v={{hit['id']}}", YoutubeIE, hit["id"], hit["title"],
                                  duration=hit["duration"], channel=hit["channel"])
'''


def write_plugin(directory: Path, host_url: str) -> Path:
    """Write the plugin; a child with PYTHONPATH=directory uses it. Gives the directory."""
    package = directory / "yt_dlp_plugins" / "extractor"
    package.mkdir(parents=True, exist_ok=True)
    (package / "videohost.py").write_text(_SOURCE.format(host=host_url))
    return directory
