"""Our payload files cover every event type of both apps in the documented shape, and each is named for its event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.base import ArrType, EventAction
from schemas.webhooks import parse_event, radarr, sonarr

FILES = sorted((Path(__file__).parent.parent / "payloads").rglob("*.json"))
TYPES = {"radarr": radarr.EVENT_TYPES, "sonarr": sonarr.EVENT_TYPES}
WITHOUT_ITEM = {"Health", "HealthRestored", "ApplicationUpdate"}
SHARED = {"Test", "Grab", "Download", "Rename", "ManualInteractionRequired", *WITHOUT_ITEM}
# Written down here once more, from the apps' own enumerations: the code under test must not say what is complete.
DOCUMENTED = {
    "radarr": SHARED | {"MovieAdded", "MovieFileDelete", "MovieDelete"},
    "sonarr": SHARED | {"SeriesAdd", "EpisodeFileDelete", "SeriesDelete"},
}
ITEM_WORD = {"radarr": "movie", "sonarr": "series"}
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def event_of(path: Path) -> str:
    return path.stem.split("-")[0]


@pytest.mark.parametrize("app", sorted(DOCUMENTED))
def test_every_event_type_has_a_file(app: str) -> None:
    assert {event_of(path) for path in FILES if path.parent.name == app} == DOCUMENTED[app]
    assert TYPES[app] == DOCUMENTED[app]


@every_file
def test_a_payload_is_named_for_its_event_and_names_its_item(path: Path) -> None:
    document, word = read(path), ITEM_WORD[path.parent.name]
    assert document["eventType"] == event_of(path)
    assert ({"movie", "series"} - {word}).isdisjoint(document)
    if event_of(path) in WITHOUT_ITEM or path.stem.endswith("-no-movie"):
        assert word not in document
    else:
        assert type(document[word]["id"]) is int


@every_file
def test_a_payload_has_the_keys_that_tell_shapes_apart(path: Path) -> None:
    document = read(path)
    deleted = document.get("deletedFiles")
    match event_of(path):
        case "Download":
            assert len({"movieFile", "episodeFile", "episodeFiles"} & document.keys()) == 1
            assert isinstance(deleted, list) is bool(document.get("isUpgrade"))
        case "MovieDelete" | "SeriesDelete":
            assert isinstance(deleted, bool)
        case "MovieFileDelete" | "EpisodeFileDelete":
            assert document["deleteReason"] in {"manual", "upgrade", "missingFromDisk"}
        case _:
            assert deleted is None


def test_the_odd_shapes_are_there() -> None:
    bodies = {f"{path.parent.name}/{path.stem}": read(path) for path in FILES}
    folders = [body["movie"].get("folderPath", "") for body in bodies.values() if "movie" in body]
    assert any("\\" in folder for folder in folders)
    assert any(folder.endswith("/") for folder in folders)
    assert any(not folder.isascii() for folder in folders)
    assert isinstance(bodies["sonarr/EpisodeFileDelete-v3"]["episodeFile"]["quality"], dict)
    complete = bodies["sonarr/Download-import-complete"]
    assert len(complete["episodeFiles"]) == complete["fileCount"]


@every_file
def test_a_payload_parses_to_its_event_and_item(path: Path) -> None:
    arr_type = ArrType(path.parent.name)
    event = parse_event(arr_type, path.read_bytes())
    item = read(path).get(arr_type.item_word)
    assert event.event_type == event_of(path)
    if event.event_type == "Test":
        assert (event.action, event.arr_id) == (EventAction.TEST, None)
    elif item is None:
        assert (event.action, event.arr_id) == (EventAction.IGNORED, None)
    else:
        assert (event.action, event.arr_id) == (EventAction.SYNC, item["id"])
