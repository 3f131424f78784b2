"""Which events our entry in an Arr's Connect list asks for, by app and version."""

from __future__ import annotations

import re

from schemas.base import ArrType

Version = tuple[int, ...]

# Version from which an app has a flag; every flag is sent, so that saving again also turns off what others turned on.
_FLAGS: dict[ArrType, dict[str, tuple[bool, Version]]] = {
    ArrType.RADARR: {
        "onGrab": (False, ()),
        "onDownload": (True, ()),
        "onUpgrade": (True, ()),
        "onRename": (True, ()),
        "onMovieAdded": (True, (4, 2, 0, 6438)),
        "onMovieDelete": (True, (3, 1, 0, 4893)),
        "onMovieFileDelete": (True, (3, 1, 0, 4893)),
        "onMovieFileDeleteForUpgrade": (True, (3, 1, 0, 4893)),
        "onHealthIssue": (False, ()),
        "includeHealthWarnings": (False, ()),
        "onHealthRestored": (False, (4, 5, 1, 7282)),
        "onApplicationUpdate": (False, (4, 0, 0, 5745)),
        "onManualInteractionRequired": (False, (4, 5, 1, 7282)),
    },
    ArrType.SONARR: {
        "onGrab": (False, ()),
        "onDownload": (True, ()),
        "onUpgrade": (True, ()),
        "onImportComplete": (True, (4, 0, 6, 1847)),
        "onRename": (True, ()),
        "onSeriesAdd": (True, (4, 0, 0, 741)),
        "onSeriesDelete": (True, ()),
        "onEpisodeFileDelete": (True, ()),
        "onEpisodeFileDeleteForUpgrade": (True, ()),
        "onHealthIssue": (False, ()),
        "includeHealthWarnings": (False, ()),
        "onHealthRestored": (False, (4, 0, 0, 741)),
        "onApplicationUpdate": (False, ()),
        "onManualInteractionRequired": (False, (4, 0, 0, 741)),
    },
}


def parse_version(text: str) -> Version | None:
    """Read a version such as 6.0.3.10276; None for anything else."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,5}", text, re.ASCII):
        return None
    return tuple(int(part) for part in text.split("."))


def wanted_events(arr_type: ArrType, version: Version | None) -> dict[str, bool]:
    """Give every flag that the version has with what it shall be; no version means the newest."""
    return {name: wanted for name, (wanted, since) in _FLAGS[arr_type].items() if version is None or version >= since}
