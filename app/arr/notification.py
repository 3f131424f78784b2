"""Builds our own entry in the Arr's Connect list, as each app and version knows it."""

from __future__ import annotations

from collections.abc import Mapping

from app.context import WebhookEntry
from app.domain.webhook_events import Version, wanted_events
from schemas.base import ArrType

IMPLEMENTATION = "Webhook"
_METHOD_POST = 1


def notification_body(
    arr_type: ArrType, version: Version | None, entry: WebhookEntry, present: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Give the whole body to create the entry or, with the `present` one, to give it our address, password and events.

    It holds the password. No version means the newest.
    """
    kept: dict[str, object] = dict(present or {"name": entry.name, "tags": []})
    return {
        **kept,
        "implementation": IMPLEMENTATION,
        "implementationName": IMPLEMENTATION,
        "configContract": "WebhookSettings",
        **wanted_events(arr_type, version),
        "fields": _fields(entry, kept.get("fields")),
    }


def _fields(entry: WebhookEntry, present: object) -> list[dict[str, object]]:
    """Lay ours over those that are there; one without a value is left out, for a null makes some versions fail."""
    known = [field for field in present if isinstance(field, dict)] if isinstance(present, list) else []
    values = {str(field.get("name")): field.get("value") for field in known}
    ours = {
        "url": entry.url,
        "method": _METHOD_POST,
        "username": entry.user,
        "password": entry.password.get_secret_value(),
    }
    return [{"name": name, "value": value} for name, value in {**values, **ours}.items() if value is not None]
