"""Radarr's webhook: the event types we have words for, and where the item's id stands."""

from __future__ import annotations

EVENT_TYPES = frozenset(
    {
        "Test",
        "Grab",
        "Download",
        "Rename",
        "MovieAdded",
        "MovieDelete",
        "MovieFileDelete",
        "Health",
        "HealthRestored",
        "ApplicationUpdate",
        "ManualInteractionRequired",
    }
)
ITEM_KEY = "movie"
DELETE_EVENT = "MovieDelete"
