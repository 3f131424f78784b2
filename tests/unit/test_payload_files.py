"""Our payload files cover every event type of both apps, and each is named for its event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.base import ArrType, EventAction
from schemas.webhooks import parse_event, radarr, sonarr

FILES = sorted((Path(__file__).parent.parent / "payloads").rglob("*.json"))
TYPES = {"radarr": radarr.EVENT_TYPES, "sonarr": sonarr.EVENT_TYPES}


@pytest.mark.parametrize("app", sorted(TYPES))
def test_every_event_type_has_a_file(app: str) -> None:
    assert {path.stem.split("-")[0] for path in FILES if path.parent.name == app} == TYPES[app]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_payload_parses_to_its_event_and_item(path: Path) -> None:
    arr_type = ArrType(path.parent.name)
    document = json.loads(path.read_bytes())
    event = parse_event(arr_type, path.read_bytes())
    item = document.get(arr_type.item_word)
    assert event.event_type == path.stem.split("-")[0]
    if event.event_type == "Test":
        assert (event.action, event.arr_id) == (EventAction.TEST, None)
    elif item is None:
        assert (event.action, event.arr_id) == (EventAction.IGNORED, None)
    else:
        assert (event.action, event.arr_id) == (EventAction.SYNC, item["id"])
