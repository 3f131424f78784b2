"""The webhook bodies that Radarr and Sonarr send for an item as it is now."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


def common(app_name: str) -> JSON:
    return {"instanceName": app_name, "applicationUrl": ""}


def movie_part(item: JSON) -> JSON:
    return {
        "id": item["id"],
        "title": item["title"],
        "year": item["year"],
        "releaseDate": f"{item['year']}-09-30",
        "folderPath": item["path"],
        "tmdbId": item["tmdbId"],
        "imdbId": item["imdbId"],
        "overview": item["overview"],
        "genres": item["genres"],
        "images": item["images"],
        "tags": [],
        "originalLanguage": item["originalLanguage"],
    }


def remote_movie(item: JSON) -> JSON:
    return {name: item[name] for name in ("tmdbId", "imdbId", "title", "year")}


def movie_file_part(file: JSON) -> JSON:
    return {
        "id": file["id"],
        "relativePath": file["relativePath"],
        "path": file["path"],
        "quality": file["quality"]["quality"]["name"],
        "qualityVersion": 1,
        "releaseGroup": file["releaseGroup"],
        "indexerFlags": "0",
        "size": file["size"],
        "dateAdded": "2026-11-21T09:10:11.7111117Z",
        "languages": file["languages"],
    }


def movie_event(event_type: str, item: JSON, **more: Any) -> JSON:
    return {"movie": movie_part(item), **more, "eventType": event_type, **common("Radarr")}


def movie_added(item: JSON) -> JSON:
    return movie_event("MovieAdded", item, addMethod="manual")


def movie_download(item: JSON, replaced: JSON | None = None) -> JSON:
    return movie_event(
        "Download",
        item,
        remoteMovie=remote_movie(item),
        movieFile=movie_file_part(item["movieFile"]),
        isUpgrade=replaced is not None,
        downloadClient="transmission",
        downloadClientType="Transmission",
        downloadId="9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B",
        **({} if replaced is None else {"deletedFiles": [movie_file_part(replaced)]}),
        customFormatInfo={"customFormats": [], "customFormatScore": 0},
        release={"releaseTitle": item["title"], "indexer": "Open", "size": 5, "indexerFlags": []},
    )


def movie_deleted(item: JSON, *, files: bool) -> JSON:
    return movie_event("MovieDelete", item, deletedFiles=files, movieFolderSize=0)


def movie_test() -> JSON:
    item = {"id": 1, "title": "Test Title", "year": 1970, "releaseDate": "1970-01-01", "folderPath": "C:\\testpath"}
    return {
        "movie": {**item, "tmdbId": 0, "tags": ["test-tag"]},
        "remoteMovie": {"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970},
        "release": {
            "quality": "Test Quality",
            "qualityVersion": 1,
            "releaseGroup": "Test Group",
            "releaseTitle": "Test Title",
            "indexer": "Test Indexer",
            "size": 9999999,
            "customFormatScore": 0,
        },
        "eventType": "Test",
        **common("Radarr"),
    }


def series_part(item: JSON) -> JSON:
    return {
        "id": item["id"],
        "title": item["title"],
        "titleSlug": item["titleSlug"],
        "path": item["path"],
        "tvdbId": item["tvdbId"],
        "tvMazeId": 0,
        "tmdbId": item["tmdbId"],
        "type": "standard",
        "year": item["year"],
        "genres": item["genres"],
        "images": item["images"],
        "tags": [],
        "originalLanguage": item["originalLanguage"],
    }


def episode(item: JSON, number: int) -> JSON:
    return {
        "id": 4000 + number,
        "episodeNumber": number,
        "seasonNumber": 1,
        "title": f"Episode {number}",
        "seriesId": item["id"],
        "tvdbId": 0,
    }


def episode_file(item: JSON, number: int) -> JSON:
    name = f"Season 01/{item['title']} - S01E{number:02}.mkv"
    return {
        "id": 6000 + number,
        "relativePath": name,
        "path": f"{item['path']}/{name}",
        "quality": "WEBDL-720p",
        "qualityVersion": 1,
        "size": 7,
        "dateAdded": "2026-11-21T09:10:11.5Z",
        "languages": [item["originalLanguage"]],
    }


def series_event(event_type: str, item: JSON, **more: Any) -> JSON:
    return {"series": series_part(item), **more, "eventType": event_type, **common("Sonarr")}


def series_added(item: JSON) -> JSON:
    return series_event("SeriesAdd", item)


def series_download(item: JSON, number: int) -> JSON:
    return series_event(
        "Download",
        item,
        episodes=[episode(item, number)],
        episodeFile=episode_file(item, number),
        isUpgrade=False,
        downloadClient="transmission",
        downloadClientType="Transmission",
        downloadId="0A1B2C",
        customFormatInfo={"customFormats": [], "customFormatScore": 0},
        release={"releaseTitle": item["title"], "indexer": "Open", "size": 7, "releaseType": "singleEpisode"},
    )


def import_complete(item: JSON, numbers: range) -> JSON:
    return series_event(
        "Download",
        item,
        episodes=[episode(item, number) for number in numbers],
        episodeFiles=[episode_file(item, number) for number in numbers],
        downloadClient="transmission",
        downloadClientType="Transmission",
        downloadId="0A1B2C",
        release={"releaseTitle": item["title"], "indexer": "Open", "size": 42, "releaseType": "seasonPack"},
        fileCount=len(numbers),
        sourcePath="/downloads/pack",
        destinationPath=f"{item['path']}/Season 01",
    )


def series_deleted(item: JSON, *, files: bool) -> JSON:
    return series_event("SeriesDelete", item, deletedFiles=files)


def series_test() -> JSON:
    return {
        "series": {
            "id": 1,
            "title": "Test Title",
            "path": "C:\\testpath",
            "tvdbId": 1234,
            "tvMazeId": 0,
            "tmdbId": 0,
            "type": "standard",
            "year": 0,
            "tags": ["test-tag"],
        },
        "episodes": [
            {"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title", "seriesId": 0, "tvdbId": 0}
        ],
        "eventType": "Test",
        **common("Sonarr"),
    }
