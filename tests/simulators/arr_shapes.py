"""Radarr's and Sonarr's REST resources, in the full shape of the current releases."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]
LANGUAGE = {"id": 1, "name": "English"}
QUALITIES = {
    "Bluray-1080p": {"id": 7, "name": "Bluray-1080p", "source": "bluray", "resolution": 1080},
    "Bluray-2160p": {"id": 19, "name": "Bluray-2160p", "source": "bluray", "resolution": 2160},
}
EPISODES = 6
_ALIASES = {"youtube_trailer_id": "youTubeTrailerId"}
_HOSTS = {"movie": "image.tmdb.org", "series": "artworks.thetvdb.com"}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def join(folder: str, *names: str) -> str:
    """Join in the folder's own form: Windows where it has backslashes only; a trailing separator is dropped."""
    separator = "\\" if "\\" in folder and "/" not in folder else "/"
    return separator.join([folder.rstrip("/\\"), *names])


def folder_name(text: str) -> str:
    """Drop what no file system takes, as the apps do: titles have colons that folders lack."""
    return re.sub(r'[\\/:*?"<>|]', "", text)


def images(word: str, item_id: int, *, saved: bool) -> list[JSON]:
    """Compose poster and fan art; the local address gets its time once the cover is `saved` on disk."""
    written = "?lastWrite=638680206775323135" if saved else ""
    return [
        {
            "coverType": kind,
            "url": f"/MediaCover/{item_id}/{kind}.jpg{written}",
            "remoteUrl": f"https://{_HOSTS[word]}/{kind}/{item_id}.jpg",
        }
        for kind in ("poster", "fanart")
    ]


def movie(item_id: int, title: str, year: int, root: str, known: JSON) -> JSON:
    """Compose a movie that was just added: no file, no folder yet. `known` overrides by REST name in snake case."""
    path = known.get("path") or join(root, folder_name(f"{title} ({year or ''})"))
    tmdb_id = known.get("tmdb_id", 700_000 + item_id)
    base = {
        "title": title,
        "originalTitle": title,
        "originalLanguage": LANGUAGE,
        "alternateTitles": [],
        "secondaryYearSourceId": 0,
        "sortTitle": title.lower(),
        "sizeOnDisk": 0,
        "status": "released",
        "overview": f"{title} is an open movie.",
        "inCinemas": _day(year, "09-27T00:00:00Z"),
        "physicalRelease": _day(year, "12-22T00:00:00Z"),
        "digitalRelease": _day(year, "09-30T00:00:00Z"),
        "releaseDate": _day(year, "09-27T00:00:00Z"),
        "images": images("movie", item_id, saved=False),
        "website": "https://studio.blender.org",
        "year": year,
        "studio": "Blender Foundation",
        "path": path,
        "qualityProfileId": 4,
        "hasFile": False,
        "movieFileId": 0,
        "monitored": True,
        "minimumAvailability": "released",
        "isAvailable": True,
        "folderName": path,
        "runtime": 15,
        "cleanTitle": _clean(title),
        "imdbId": f"tt{1_000_000 + tmdb_id}",
        "tmdbId": tmdb_id,
        "titleSlug": str(tmdb_id),
        "rootFolderPath": root,
        "certification": "PG",
        "genres": ["Animation", "Fantasy"],
        "keywords": [],
        "tags": [],
        "added": now(),
        "addOptions": {
            "monitor": "movieOnly",
            "searchForMovie": True,
            "addMethod": "manual",
            "ignoreEpisodesWithFiles": False,
            "ignoreEpisodesWithoutFiles": False,
        },
        "ratings": {"tmdb": {"votes": 900, "value": 7.5, "type": "user"}},
        "popularity": 12.3,
        "statistics": {"movieFileCount": 0, "sizeOnDisk": 0, "releaseGroups": []},
    }
    return _finished(item_id, base, known)


def movie_with_file(item: JSON, file: JSON | None) -> JSON:
    """Give the movie with this file, or without any."""
    bare = {name: value for name, value in item.items() if name not in {"addOptions", "movieFile"}}
    size = 0 if file is None else file["size"]
    groups = [] if file is None else [file["releaseGroup"]]
    return bare | {
        "images": images("movie", item["id"], saved=True),
        "hasFile": file is not None,
        "movieFileId": 0 if file is None else file["id"],
        "sizeOnDisk": size,
        "statistics": {"movieFileCount": len(groups), "sizeOnDisk": size, "releaseGroups": groups},
        **({} if file is None else {"movieFile": file}),
    }


def movie_file(item: JSON, file_id: int, name: str, quality: str, size: int) -> JSON:
    """Compose the `movieFile` of an imported movie."""
    return {
        "movieId": item["id"],
        "relativePath": name,
        "path": join(item["path"], name),
        "size": size,
        "dateAdded": now(),
        "indexerFlags": 0,
        "quality": {
            "quality": {**QUALITIES[quality], "modifier": "none"},
            "revision": {"version": 1, "real": 0, "isRepack": False},
        },
        "customFormatScore": 0,
        "mediaInfo": {
            "audioBitrate": 0,
            "audioChannels": 5.1,
            "audioCodec": "AC3",
            "audioLanguages": "eng",
            "audioStreamCount": 1,
            "videoBitDepth": 8,
            "videoBitrate": 0,
            "videoCodec": "h264",
            "videoFps": 24,
            "videoDynamicRange": "",
            "videoDynamicRangeType": "",
            "resolution": "1920x1080",
            "runTime": "14:48",
            "scanType": "Progressive",
            "subtitles": "eng",
        },
        "qualityCutoffNotMet": False,
        "languages": [LANGUAGE],
        "releaseGroup": "OPEN",
        "edition": "",
        "id": file_id,
    }


def series(item_id: int, title: str, year: int, root: str, known: JSON) -> JSON:
    """Compose a series that was just added: episodes known, no file yet."""
    base = {
        "title": title,
        "alternateTitles": [],
        "sortTitle": title.lower(),
        "status": "ended",
        "ended": True,
        "overview": f"{title} is freely shared.",
        "previousAiring": _day(year, "12-13T02:00:00Z"),
        "network": "VODO",
        "airTime": "21:00",
        "images": images("series", item_id, saved=True),
        "originalLanguage": LANGUAGE,
        "seasons": _seasons(0),
        "year": year,
        "path": known.get("path") or join(root, folder_name(title)),
        "qualityProfileId": 4,
        "seasonFolder": True,
        "monitored": True,
        "monitorNewItems": "all",
        "useSceneNumbering": False,
        "runtime": 33,
        "tvdbId": 800_000 + item_id,
        "tvRageId": 0,
        "tvMazeId": 0,
        "tmdbId": 0,
        "firstAired": _day(year, "06-16T00:00:00Z"),
        "lastAired": _day(year, "12-13T00:00:00Z"),
        "seriesType": "standard",
        "cleanTitle": _clean(title),
        "imdbId": f"tt{2_000_000 + item_id}",
        "titleSlug": re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"),
        "rootFolderPath": root,
        "certification": "TV-14",
        "genres": ["Drama"],
        "tags": [],
        "added": now(),
        "ratings": {"votes": 0, "value": 0},
        "statistics": {"seasonCount": 1, **_statistics(0, EPISODES + 1)},
        "languageProfileId": 1,
    }
    return _finished(item_id, base, known)


def series_with_files(item: JSON, files: int) -> JSON:
    """Give the series with that many files imported."""
    statistics = {"seasonCount": 1, **_statistics(files, EPISODES + 1)}
    return {**item, "seasons": _seasons(files), "statistics": statistics}


def _seasons(files: int) -> list[JSON]:
    specials = {**_statistics(0, 1), "episodeCount": 0}
    return [
        {"seasonNumber": 0, "monitored": False, "statistics": specials},
        {"seasonNumber": 1, "monitored": True, "statistics": _statistics(files, EPISODES)},
    ]


def _statistics(files: int, total: int) -> JSON:
    return {
        "episodeFileCount": files,
        "episodeCount": EPISODES,
        "totalEpisodeCount": total,
        "sizeOnDisk": files * 1000,
        "releaseGroups": ["OPEN"] if files else [],
        "percentOfEpisodes": files / EPISODES * 100,
    }


def _finished(item_id: int, base: JSON, known: JSON) -> JSON:
    """Lay what is known over it, as the wire has it: camel case, and null is absent."""
    named = {_ALIASES.get(name) or re.sub(r"_(.)", lambda hit: hit[1].upper(), name): known[name] for name in known}
    return {name: value for name, value in (base | named).items() if value is not None} | {"id": item_id}


def _day(year: int, rest: str) -> str | None:
    return f"{year}-{rest}" if year else None


def _clean(title: str) -> str:
    return "".join(char for char in title.lower() if char.isalnum())


def system_status(app_name: str, version: str, url_base: str) -> JSON:
    return {
        "appName": app_name,
        "instanceName": app_name,
        "version": version,
        "buildTime": "2025-11-16T15:00:00Z",
        "isDebug": False,
        "isProduction": True,
        "isAdmin": False,
        "isUserInteractive": False,
        "startupPath": f"/app/{app_name.lower()}/bin",
        "appData": "/config",
        "osName": "alpine",
        "osVersion": "3.22.2",
        "isNetCore": True,
        "isLinux": True,
        "isOsx": False,
        "isWindows": False,
        "isDocker": False,
        "mode": "console",
        "branch": "master" if app_name == "Radarr" else "main",
        "databaseType": "sqLite",
        "databaseVersion": "3.50.4",
        "authentication": "forms",
        "migrationVersion": 242,
        "urlBase": url_base,
        "runtimeVersion": "8.0.12",
        "runtimeName": "netcore",
        "startTime": "2026-11-20T08:00:00Z",
        "packageVersion": version,
        "packageAuthor": "",
        "packageUpdateMechanism": "builtIn",
    }
