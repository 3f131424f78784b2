"""Webhook bytes in, the few facts we act on out: event type and item id. Everything else is read from the Arr."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import from_json

from schemas.base import ArrType, EventAction
from schemas.webhooks import json_text, radarr, sonarr

MAX_ITEM_ID = 2**31 - 1
MAX_EVENT_TYPE_LENGTH = 100
_ITEM_KEYS = {ArrType.RADARR: radarr.ITEM_KEY, ArrType.SONARR: sonarr.ITEM_KEY}
_DELETE_EVENTS = {ArrType.RADARR: radarr.DELETE_EVENT, ArrType.SONARR: sonarr.DELETE_EVENT}


class NotAnEvent(ValueError):
    """The body is no JSON object in UTF-8."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a body says: `arr_id` is set exactly where the action is SYNC."""

    event_type: str | None
    arr_id: int | None
    action: EventAction


IGNORED = WebhookEvent(None, None, EventAction.IGNORED)


def parse_event(arr_type: ArrType, body: bytes) -> WebhookEvent:
    """Read a webhook body; unknown types with an item are synced, for asking the Arr again does no harm.

    Raises NotAnEvent for anything but a JSON object. An object that no parser takes (too deep, lone surrogates) is
    IGNORED: it must be acknowledged, for an Arr that gets errors mutes us (contract: back-off after failures).
    """
    try:
        parsed = from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError:
        if json_text.is_object(body):
            return IGNORED
        message = "the body is not a JSON object in UTF-8"
        raise NotAnEvent(message) from None
    if not isinstance(parsed, dict):
        message = "the body is JSON, but not an object"
        raise NotAnEvent(message)
    event_type = _usable_text(parsed.get("eventType"))
    if event_type is None:
        return IGNORED
    if event_type == "Test":
        return WebhookEvent(event_type, None, EventAction.TEST)
    arr_id = _item_id(parsed.get(_ITEM_KEYS[arr_type]))
    return WebhookEvent(event_type, arr_id, EventAction.IGNORED if arr_id is None else EventAction.SYNC)


def delete_event_type(arr_type: ArrType) -> str:
    """Give the type of the event that announces that an item left the Arr."""
    return _DELETE_EVENTS[arr_type]


def _usable_text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_EVENT_TYPE_LENGTH or "\x00" in value:
        return None
    return value


def _item_id(item: object) -> int | None:
    value = item.get("id") if isinstance(item, dict) else None
    if type(value) is not int or not 1 <= value <= MAX_ITEM_ID:
        return None
    return value
