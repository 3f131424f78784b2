"""Radarr's and Sonarr's REST resources, in the full shape of the current releases."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
ADDED = "2026-11-20T08:00:00Z"
LANGUAGE = {"id": 1, "name": "English"}


def image(kind: str, item_id: int, host: str) -> JSON:
    return {
        "coverType": kind,
        "url": f"/MediaCover/{item_id}/{kind}.jpg?lastWrite=638680206775323135",
        "remoteUrl": f"https://{host}/{kind}/{item_id}.jpg",
    }


def movie(item_id: int, title: str, year: int, root: str, **known: Any) -> JSON:
    """Compose a movie that was just added: no file, no folder yet."""
    folder = f"{root}/{title} ({year})"
    clean = "".join(char for char in title.lower() if char.isalnum())
    tmdb_id = known.get("tmdb_id", 700_000 + item_id)
    return {
        "title": title,
        "originalTitle": title,
        "originalLanguage": LANGUAGE,
        "alternateTitles": [],
        "secondaryYearSourceId": 0,
        "sortTitle": title.lower(),
        "sizeOnDisk": 0,
        "status": "released",
        "overview": f"{title} is an open movie.",
        "inCinemas": f"{year}-09-27T00:00:00Z",
        "digitalRelease": f"{year}-09-30T00:00:00Z",
        "releaseDate": f"{year}-09-30T00:00:00Z",
        "images": [image("poster", item_id, "image.tmdb.org"), image("fanart", item_id, "image.tmdb.org")],
        "website": "https://studio.blender.org",
        "year": year,
        **({"youTubeTrailerId": known["youtube_trailer_id"]} if known.get("youtube_trailer_id") else {}),
        "studio": "Blender Foundation",
        "path": folder,
        "qualityProfileId": 4,
        "hasFile": False,
        "movieFileId": 0,
        "monitored": True,
        "minimumAvailability": "released",
        "isAvailable": True,
        "folderName": folder,
        "runtime": 15,
        "cleanTitle": clean,
        "imdbId": f"tt{1_000_000 + tmdb_id}",
        "tmdbId": tmdb_id,
        "titleSlug": str(tmdb_id),
        "rootFolderPath": root,
        "certification": "PG",
        "genres": ["Animation", "Fantasy"],
        "keywords": [],
        "tags": [],
        "added": ADDED,
        "addOptions": {"monitor": "movieOnly", "searchForMovie": True, "addMethod": "manual"},
        "ratings": {"tmdb": {"votes": 900, "value": 7.5, "type": "user"}},
        "popularity": 12.3,
        "statistics": {"movieFileCount": 0, "sizeOnDisk": 0, "releaseGroups": []},
        "id": item_id,
    }


def movie_file(item: JSON, size: int) -> JSON:
    """Compose the `movieFile` of an imported movie."""
    name = f"{item['title']} ({item['year']}) Bluray-1080p.mkv"
    return {
        "movieId": item["id"],
        "relativePath": name,
        "path": f"{item['path']}/{name}",
        "size": size,
        "dateAdded": "2026-11-21T09:10:11Z",
        "indexerFlags": 0,
        "quality": {
            "quality": {
                "id": 7,
                "name": "Bluray-1080p",
                "source": "bluray",
                "resolution": 1080,
                "modifier": "none",
            },
            "revision": {"version": 1, "real": 0, "isRepack": False},
        },
        "customFormatScore": 0,
        "mediaInfo": {"audioChannels": 5.1, "audioLanguages": "eng", "videoCodec": "h264", "resolution": "1920x1080"},
        "qualityCutoffNotMet": False,
        "languages": [LANGUAGE],
        "releaseGroup": "OPEN",
        "edition": "",
        "id": 500 + int(item["id"]),
    }


def series(item_id: int, title: str, year: int, root: str, **known: Any) -> JSON:
    """Compose a series that was just added: episodes known, no file yet."""
    return {
        "title": title,
        "alternateTitles": [],
        "sortTitle": title.lower(),
        "status": "ended",
        "ended": True,
        "overview": f"{title} is freely shared.",
        "previousAiring": f"{year}-12-13T02:00:00Z",
        "network": "VODO",
        "airTime": "21:00",
        "images": [image("poster", item_id, "artworks.thetvdb.com"), image("fanart", item_id, "artworks.thetvdb.com")],
        "originalLanguage": LANGUAGE,
        "seasons": [{"seasonNumber": 1, "monitored": True, "statistics": _statistics(0)}],
        "year": year,
        "path": f"{root}/{title}",
        "qualityProfileId": 4,
        "seasonFolder": True,
        "monitored": True,
        "monitorNewItems": "all",
        "useSceneNumbering": False,
        "runtime": 33,
        "tvdbId": known.get("tvdb_id", 800_000 + item_id),
        "tvRageId": 0,
        "tvMazeId": 0,
        "tmdbId": known.get("tmdb_id", 0),
        "firstAired": f"{year}-06-16T00:00:00Z",
        "lastAired": f"{year}-12-13T00:00:00Z",
        "seriesType": "standard",
        "cleanTitle": "".join(char for char in title.lower() if char.isalnum()),
        "titleSlug": title.lower().replace(" ", "-"),
        "rootFolderPath": f"{root}/",
        "certification": "TV-14",
        "genres": ["Drama"],
        "tags": [],
        "added": ADDED,
        "ratings": {"votes": 0, "value": 0},
        "statistics": {"seasonCount": 1, **_statistics(0)},
        "languageProfileId": 1,
        "id": item_id,
    }


def with_episodes(item: JSON, files: int) -> JSON:
    """Give the series with that many files imported."""
    seasons = [{**season, "statistics": _statistics(files)} for season in item["seasons"]]
    return {**item, "seasons": seasons, "statistics": {"seasonCount": 1, **_statistics(files)}}


def _statistics(files: int) -> JSON:
    return {
        "episodeFileCount": files,
        "episodeCount": 6,
        "totalEpisodeCount": 6,
        "sizeOnDisk": files * 1000,
        "releaseGroups": [],
        "percentOfEpisodes": files / 6 * 100,
    }


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
        "branch": "master",
        "databaseType": "sqLite",
        "databaseVersion": "3.50.4",
        "authentication": "forms",
        "migrationVersion": 242,
        "urlBase": url_base,
        "runtimeVersion": "8.0.12",
        "runtimeName": "netcore",
        "startTime": "2026-11-20T08:00:00Z",
    }
