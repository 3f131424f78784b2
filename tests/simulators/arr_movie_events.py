"""The webhook bodies that Radarr sends for a movie as it is now."""

from __future__ import annotations

from typing import Any

from tests.simulators.arr_events import CLIENT, CUSTOM_FORMATS, MEDIA_INFO, event, exact_now, stuck_download

JSON = dict[str, Any]


def added(item: JSON) -> JSON:
    return _event("MovieAdded", item, addMethod="manual")


def grabbed(item: JSON) -> JSON:
    release = {
        "quality": "Bluray-1080p",
        "qualityVersion": 1,
        "releaseGroup": "OPEN",
        "releaseTitle": _release_title(item),
        "indexer": "Open",
        "size": 5_000_000_000,
        "customFormatScore": 0,
        "customFormats": [],
        "languages": [item["originalLanguage"]],
        "indexerFlags": [],
    }
    own = {"remoteMovie": _remote(item), "release": release, **CLIENT, "customFormatInfo": CUSTOM_FORMATS}
    return _event("Grab", item, **own)


def imported(item: JSON, replaced: JSON | None = None) -> JSON:
    """Compose a Download; with a replaced file it is an upgrade."""
    source = f"/downloads/{_release_title(item)}"
    return _event(
        "Download",
        item,
        remoteMovie=_remote(item),
        movieFile={**_file(item["movieFile"]), "sourcePath": source},
        isUpgrade=replaced is not None,
        **CLIENT,
        deletedFiles=None if replaced is None else [_file(replaced)],
        customFormatInfo=CUSTOM_FORMATS,
        release=_grabbed_release(item),
    )


def renamed(item: JSON, previous: JSON) -> JSON:
    before = {"previousRelativePath": previous["relativePath"], "previousPath": previous["path"]}
    return _event("Rename", item, renamedMovieFiles=[{**before, **_file(item["movieFile"])}])


def file_deleted(item: JSON, file: JSON, reason: str) -> JSON:
    return _event("MovieFileDelete", item, movieFile=_file(file), deleteReason=reason)


def deleted(item: JSON, *, files: bool) -> JSON:
    return _event("MovieDelete", item, deletedFiles=files, movieFolderSize=item["sizeOnDisk"])


def stuck(item: JSON) -> JSON:
    own = {**stuck_download(_release_title(item)), "release": _grabbed_release(item)}
    return _event("ManualInteractionRequired", item, **own)


def test() -> JSON:
    """Compose the constant body of a Test; its id 1 usually belongs to a real movie."""
    item = {"id": 1, "title": "Test Title", "year": 1970, "releaseDate": "1970-01-01", "folderPath": "C:\\testpath"}
    release = {
        "quality": "Test Quality",
        "qualityVersion": 1,
        "releaseGroup": "Test Group",
        "releaseTitle": "Test Title",
        "indexer": "Test Indexer",
        "size": 9999999,
        "customFormatScore": 0,
    }
    own = {
        "movie": {**item, "tmdbId": 0, "tags": ["test-tag"]},
        "remoteMovie": {"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970},
        "release": release,
    }
    return event("Radarr", "Test", own)


def _event(event_type: str, item: JSON, **own: Any) -> JSON:
    return event("Radarr", event_type, {"movie": _movie(item), **own})


def _movie(item: JSON) -> JSON:
    return {
        "id": item["id"],
        "title": item["title"],
        "year": item["year"],
        "releaseDate": item.get("physicalRelease", "9999-12-31")[:10],
        "folderPath": item["path"],
        "tmdbId": item["tmdbId"],
        **{name: item[name] for name in ("imdbId", "overview") if name in item},
        "genres": item["genres"],
        "images": item["images"],
        "tags": item["tags"],
        "originalLanguage": item["originalLanguage"],
    }


def _remote(item: JSON) -> JSON:
    return {name: item[name] for name in ("tmdbId", "imdbId", "title", "year") if name in item}


def _file(file: JSON) -> JSON:
    return {
        "id": file["id"],
        "relativePath": file["relativePath"],
        "path": file["path"],
        "quality": file["quality"]["quality"]["name"],
        "qualityVersion": 1,
        "releaseGroup": file["releaseGroup"],
        "indexerFlags": "0",
        "size": file["size"],
        "dateAdded": exact_now(),
        "languages": file["languages"],
        "mediaInfo": MEDIA_INFO,
    }


def _grabbed_release(item: JSON) -> JSON:
    return {"releaseTitle": _release_title(item), "indexer": "Open", "size": 5_000_000_000, "indexerFlags": []}


def _release_title(item: JSON) -> str:
    return f"{item['title']}.{item['year']}.1080p.BluRay.x264-OPEN".replace(" ", ".")
