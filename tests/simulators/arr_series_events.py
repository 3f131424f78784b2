"""The webhook bodies that Sonarr sends for a series and its episode files as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulators.arr_events import CLIENT, CUSTOM_FORMATS, MEDIA_INFO, event, exact_now, stuck_download
from tests.simulators.arr_shapes import LANGUAGE, join

JSON = dict[str, Any]


def episode_file(item: JSON, file_id: int, name: str, quality: str, size: int) -> JSON:
    """Compose a file in the webhooks' shape; the name is relative and in the form of the series' path."""
    return {
        "id": file_id,
        "relativePath": name,
        "path": join(item["path"], name),
        "quality": quality,
        "qualityVersion": 1,
        "releaseGroup": "OPEN",
        "size": size,
        "dateAdded": exact_now(),
        "languages": [LANGUAGE],
        "mediaInfo": MEDIA_INFO,
    }


def added(item: JSON) -> JSON:
    return _event("SeriesAdd", item)


def grabbed(item: JSON, numbers: Sequence[int]) -> JSON:
    release = {
        "quality": "WEBDL-720p",
        "qualityVersion": 1,
        "releaseGroup": "OPEN",
        "releaseTitle": _release_title(item),
        "indexer": "Open",
        "size": 5_000_000_000,
        "customFormatScore": 0,
        "customFormats": [],
        "languages": [item["originalLanguage"]],
    }
    own = {"episodes": _episodes(item, numbers), "release": release, **CLIENT, "customFormatInfo": CUSTOM_FORMATS}
    return _event("Grab", item, **own)


def imported(item: JSON, number: int, file: JSON, replaced: JSON | None = None) -> JSON:
    """Compose the Download of one file; with a replaced file it is an upgrade."""
    return _event(
        "Download",
        item,
        episodes=_episodes(item, [number]),
        episodeFile={**file, "sourcePath": f"/downloads/{_release_title(item)}/{number}.mkv"},
        isUpgrade=replaced is not None,
        **CLIENT,
        deletedFiles=None if replaced is None else [replaced],
        customFormatInfo=CUSTOM_FORMATS,
        release=_grabbed_release(item, "singleEpisode"),
    )


def import_complete(item: JSON, files: Mapping[int, JSON]) -> JSON:
    """Compose the Download of a whole finished download: `episodeFiles` instead of `episodeFile`."""
    return _event(
        "Download",
        item,
        episodes=_episodes(item, list(files)),
        episodeFiles=list(files.values()),
        **CLIENT,
        release=_grabbed_release(item, "seasonPack" if len(files) > 1 else "singleEpisode"),
        fileCount=len(files),
        sourcePath=f"/downloads/{_release_title(item)}",
        destinationPath=join(item["path"], "Season 01"),
    )


def renamed(item: JSON, previous: Mapping[int, JSON], files: Mapping[int, JSON]) -> JSON:
    pairs = [
        {"previousRelativePath": previous[number]["relativePath"], "previousPath": previous[number]["path"], **file}
        for number, file in files.items()
    ]
    return _event("Rename", item, renamedEpisodeFiles=pairs)


def file_deleted(item: JSON, number: int, file: JSON, reason: str) -> JSON:
    return _event("EpisodeFileDelete", item, episodes=_episodes(item, [number]), episodeFile=file, deleteReason=reason)


def deleted(item: JSON, *, files: bool) -> JSON:
    return _event("SeriesDelete", item, deletedFiles=files)


def stuck(item: JSON) -> JSON:
    own = {**stuck_download(_release_title(item)), "release": _grabbed_release(item, "singleEpisode")}
    return _event("ManualInteractionRequired", item, episodes=_episodes(item, [1]), **own)


def test() -> JSON:
    """Compose the constant body of a Test; its id 1 usually belongs to a real series."""
    series = {
        "id": 1,
        "title": "Test Title",
        "path": "C:\\testpath",
        "tvdbId": 1234,
        "tvMazeId": 0,
        "tmdbId": 0,
        "type": "standard",
        "year": 0,
        "tags": ["test-tag"],
    }
    episode = {"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title", "seriesId": 0, "tvdbId": 0}
    return event("Sonarr", "Test", {"series": series, "episodes": [episode]})


def _event(event_type: str, item: JSON, **own: Any) -> JSON:
    return event("Sonarr", event_type, {"series": _series(item), **own})


def _series(item: JSON) -> JSON:
    names = ("id", "title", "titleSlug", "path", "tvdbId", "tvMazeId", "tmdbId", "imdbId")
    return {
        **{name: item[name] for name in names if name in item},
        "type": item["seriesType"],
        "year": item["year"],
        "genres": item["genres"],
        "images": item["images"],
        "tags": item["tags"],
        "originalLanguage": item["originalLanguage"],
    }


def _episodes(item: JSON, numbers: Sequence[int]) -> list[JSON]:
    return [
        {
            "id": item["id"] * 1000 + number,
            "episodeNumber": number,
            "seasonNumber": 1,
            "title": f"Episode {number}",
            "airDate": f"2010-06-{number:02}",
            "airDateUtc": f"2010-06-{number:02}T22:00:00Z",
            "seriesId": item["id"],
            "tvdbId": 0,
        }
        for number in numbers
    ]


def _grabbed_release(item: JSON, release_type: str) -> JSON:
    size = 5_000_000_000
    return {"releaseTitle": _release_title(item), "indexer": "Open", "size": size, "releaseType": release_type}


def _release_title(item: JSON) -> str:
    return f"{item['title']}.S01.720p.WEB-DL-OPEN".replace(" ", ".")
