"""What the webhook bodies of both apps share, and the events that name no item."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]
CUSTOM_FORMATS: JSON = {"customFormats": [], "customFormatScore": 0}
CLIENT: JSON = {
    "downloadClient": "transmission",
    "downloadClientType": "Transmission",
    "downloadId": "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B",
}
MEDIA_INFO: JSON = {
    "audioChannels": 5.1,
    "audioCodec": "AC3",
    "audioLanguages": ["eng"],
    "height": 1080,
    "width": 1920,
    "subtitles": ["eng"],
    "videoCodec": "h264",
    "videoDynamicRange": "",
    "videoDynamicRangeType": "",
}
_WITHOUT_URL = {("Radarr", "HealthRestored")} | {
    ("Sonarr", event_type) for event_type in ("Health", "HealthRestored", "ApplicationUpdate")
}


def event(app_name: str, event_type: str, own: JSON) -> JSON:
    """Compose a body: the event's own fields, then what every event has; a null is left out."""
    common = {"eventType": event_type, "instanceName": app_name}
    if (app_name, event_type) not in _WITHOUT_URL:
        common["applicationUrl"] = ""
    return {name: value for name, value in own.items() if value is not None} | common


def exact_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"


def health(app_name: str, event_type: str, message: str, level: str) -> JSON:
    wiki = f"https://wiki.servarr.com/{app_name.lower()}/system#indexers-are-unavailable-due-to-failures"
    own = {"level": level, "message": message, "type": "IndexerStatusCheck", "wikiUrl": wiki}
    return event(app_name, event_type, own)


def application_update(app_name: str, old: str, new: str) -> JSON:
    message = f"{app_name} updated from {old} to {new}"
    return event(app_name, "ApplicationUpdate", {"message": message, "previousVersion": old, "newVersion": new})


def stuck_download(title: str) -> JSON:
    """Compose what ManualInteractionRequired says of the download."""
    return {
        "downloadInfo": {"quality": "Bluray-1080p", "qualityVersion": 1, "title": title, "size": 5_000_000_000},
        **CLIENT,
        "downloadStatus": "Warning",
        "downloadStatusMessages": [{"title": title, "messages": ["No files found are eligible for import"]}],
        "customFormatInfo": CUSTOM_FORMATS,
    }
