"""Which events a Connect entry of which version is asked for: the on* flags."""

from __future__ import annotations

from typing import Any

from tests.simulators.arr_shapes import version_of

JSON = dict[str, Any]
OPTIONS = {"includeHealthWarnings"}
"""Settings beside the flags that say nothing on their own."""
HEADERS_SINCE = {"Radarr": "5.16.0.9485", "Sonarr": "4.0.10.2656"}
_FLAG_OF = {
    "Grab": "onGrab",
    "Download": "onDownload",
    "Rename": "onRename",
    "MovieAdded": "onMovieAdded",
    "MovieDelete": "onMovieDelete",
    "MovieFileDelete": "onMovieFileDelete",
    "SeriesAdd": "onSeriesAdd",
    "SeriesDelete": "onSeriesDelete",
    "EpisodeFileDelete": "onEpisodeFileDelete",
    "Health": "onHealthIssue",
    "HealthRestored": "onHealthRestored",
    "ApplicationUpdate": "onApplicationUpdate",
    "ManualInteractionRequired": "onManualInteractionRequired",
}
_SINCE = {
    "Radarr": {
        "onGrab": "0",
        "onDownload": "0",
        "onUpgrade": "0",
        "onRename": "0",
        "onMovieAdded": "4.2.0.6438",
        "onMovieDelete": "3.1.0.4893",
        "onMovieFileDelete": "3.1.0.4893",
        "onMovieFileDeleteForUpgrade": "3.1.0.4893",
        "onHealthIssue": "0",
        "includeHealthWarnings": "0",
        "onHealthRestored": "4.5.1.7282",
        "onApplicationUpdate": "4.0.0.5745",
        "onManualInteractionRequired": "4.5.1.7282",
    },
    "Sonarr": {
        "onGrab": "0",
        "onDownload": "0",
        "onUpgrade": "0",
        "onImportComplete": "4.0.6.1847",
        "onRename": "0",
        "onSeriesAdd": "4.0.0.741",
        "onSeriesDelete": "0",
        "onEpisodeFileDelete": "0",
        "onEpisodeFileDeleteForUpgrade": "0",
        "onHealthIssue": "0",
        "includeHealthWarnings": "0",
        "onHealthRestored": "4.0.0.741",
        "onApplicationUpdate": "0",
        "onManualInteractionRequired": "4.0.0.741",
    },
}


def known_flags(app_name: str, version: str) -> list[str]:
    """List the flags that this version has; it ignores all others."""
    return [flag for flag, since in _SINCE[app_name].items() if version_of(version) >= version_of(since)]


def knows_headers(app_name: str, version: str) -> bool:
    return version_of(version) >= version_of(HEADERS_SINCE[app_name])


def needed_flags(body: JSON) -> set[str]:
    """Give the flags that must all be on for an event to be sent; unknown events need one that nobody has."""
    event_type = body["eventType"]
    if event_type == "Download" and "episodeFiles" in body:
        return {"onImportComplete"}
    needed = {_FLAG_OF.get(event_type, "")}
    if body.get("isUpgrade"):
        needed.add("onUpgrade")
    if body.get("deleteReason") == "upgrade":
        needed.add(f"{_FLAG_OF[event_type]}ForUpgrade")
    if body.get("level") == "warning":
        needed.add("includeHealthWarnings")
    return needed
