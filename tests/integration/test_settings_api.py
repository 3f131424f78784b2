"""Settings are changed by the API while everything runs, and what they govern follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import instance
from app.pipeline.connection_manager import claim_next_run
from app.pipeline.housekeeping import prune_events, request_what_is_due
from app.pipeline.settings import change_settings, get_settings
from app.settings import Settings
from schemas.base import Reason, RunOutcome
from tests.fakes import FakeArr, movie_item, put_movie_on_disk
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from workers.pace import Pace
from workers.sweep import Sweep
from workers.workshop import Workshop

HOUR = timedelta(hours=1)
RUNS_DONE = "UPDATE run SET started_at = now(), finished_at = now(), outcome = 'completed' RETURNING 1"


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def shown(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/api/v1/settings")
    assert answer.status_code == 200
    return {item["key"]: item for item in answer.json()["items"]}


async def change(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.patch("/api/v1/settings", json=changes)


def fixed(bench: Bench, **settings: Any) -> Bench:
    """Give the bench as a process with these settings in its environment sees it."""
    deps = replace(bench.deps, settings=Settings(data_dir=bench.deps.settings.data_dir, **settings))
    return replace(bench, deps=deps)


async def waiting(bench: Bench) -> list[tuple[int, str]]:
    rows = await bench.rows("SELECT connection_id, trigger FROM run WHERE started_at IS NULL ORDER BY connection_id")
    return [tuple(row) for row in rows]


async def test_each_setting_shows_all_that_a_form_needs(client: httpx.AsyncClient) -> None:
    settings = await shown(client)
    assert settings["download_gap"] == {
        "key": "download_gap",
        "value": "10s",
        "default": "10s",
        "source": "default",
        "variable": "TRAILHOOK_DOWNLOAD_GAP",
        "description": "The pause after a download, of each worker.",
        "type": "duration",
        "unit": None,
        "minimum": "0s",
        "maximum": "1d",
        "choices": None,
    }
    prefer, languages = settings["policy_prefer"], settings["policy_languages"]
    assert (prefer["type"], prefer["value"], prefer["choices"]) == (
        "choice",
        "compatibility",
        ["compatibility", "quality"],
    )
    assert (languages["type"], languages["value"]) == ("list", ["original", "en"])
    height = settings["policy_max_height"]
    assert [height[name] for name in ("value", "type", "unit", "minimum", "maximum")] == [
        1080,
        "integer",
        "lines",
        240,
        4320,
    ]
    assert (settings["policy_search"]["value"], settings["policy_search"]["type"]) == (True, "boolean")
    assert (settings["max_delete_share"]["value"], settings["max_delete_share"]["type"]) == (0.2, "number")


async def test_every_setting_takes_back_the_value_that_it_shows(client: httpx.AsyncClient) -> None:
    before = await shown(client)
    answer = await change(client, **{key: setting["value"] for key, setting in before.items()})
    assert answer.status_code == 200
    after = {item["key"]: item for item in answer.json()["items"]}
    assert after == {key: {**setting, "source": "database"} for key, setting in before.items()}


async def test_a_change_is_kept_and_null_brings_the_default_back(bench: Bench, client: httpx.AsyncClient) -> None:
    answer = await change(client, reconcile_interval="90m", max_delete_share=0.5, policy_search=False)
    assert answer.status_code == 200
    settings = await shown(client)
    assert answer.json()["items"] == list(settings.values())
    kept = {key: (one["value"], one["source"]) for key, one in settings.items() if one["source"] != "default"}
    assert kept == {
        "reconcile_interval": ("90m", "database"),
        "max_delete_share": (0.5, "database"),
        "policy_search": (False, "database"),
    }
    assert (await change(client, max_delete_share=None, policy_search=None)).status_code == 200
    assert (await change(client)).status_code == 200
    settings = await shown(client)
    assert (settings["max_delete_share"]["value"], settings["max_delete_share"]["source"]) == (0.2, "default")
    assert settings["reconcile_interval"]["value"] == "90m"
    assert await bench.rows("SELECT value FROM setting WHERE key = 'tunables'") == [({"reconcile_interval": "90m"},)]


async def test_changes_at_the_same_time_lose_nothing_and_leave_the_fingerprint_alone(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    async with bench.deps.db.transaction() as tx:
        await instance.secret_key_fingerprint(tx, "the first key")
    changes: list[dict[str, Any]] = [
        {"download_gap": "1s"},
        {"backfill_gap": "2s"},
        {"event_retention": "7d"},
        {"policy_max_height": 720},
    ]
    answers = await asyncio.gather(*(change(client, **one) for one in changes))
    assert [answer.status_code for answer in answers] == [200] * 4
    settings = await shown(client)
    assert {key: settings[key]["value"] for one in changes for key in one} == {
        key: value for one in changes for key, value in one.items()
    }
    async with bench.deps.db.transaction() as tx:
        assert await instance.stored_fingerprint(tx) == "the first key"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"unknown": 1}, {"unknown"}),
        ({"DOWNLOAD_GAP": "1s"}, {"DOWNLOAD_GAP"}),
        ({"api_key": "a secret of sixteen"}, {"api_key"}),
        ({"download_concurrency": 2}, {"download_concurrency"}),
        (
            {"download_gap": "often", "backfill_gap": 3, "policy_search": "no"},
            {"download_gap", "backfill_gap", "policy_search"},
        ),
        ({"download_gap": "-1s"}, {"download_gap"}),
        ({"download_gap": ""}, {"download_gap"}),
        ({"reconcile_interval": "10s"}, {"reconcile_interval"}),
        ({"event_retention": "99999999999999999999d"}, {"event_retention"}),
        ({"max_delete_share": True}, {"max_delete_share"}),
        ({"max_delete_share": 1.01}, {"max_delete_share"}),
        ({"max_delete_share": "0.5"}, {"max_delete_share"}),
        ({"policy_max_height": 10**30}, {"policy_max_height"}),
        ({"policy_min_seconds": True}, {"policy_min_seconds"}),
        ({"policy_min_seconds": 601}, {"policy_min_seconds"}),
        ({"policy_min_height": 1440}, {"policy_min_height"}),
        ({"policy_prefer": "size"}, {"policy_prefer"}),
        ({"policy_languages": "en"}, {"policy_languages"}),
        ({"policy_languages": []}, {"policy_languages"}),
        ({"policy_skip_tags": [1]}, {"policy_skip_tags.0"}),
        ({"policy_only_genres": ["Drama"] * 51}, {"policy_only_genres"}),
        ({"policy_min_seconds": 100, "policy_max_seconds": 99}, {"policy_min_seconds", "policy_max_seconds"}),
    ],
)
async def test_what_cannot_be_is_named_and_nothing_is_saved(
    bench: Bench, client: httpx.AsyncClient, changes: dict[str, Any], faults: set[str]
) -> None:
    await bench.connect(FakeArr())
    await bench.rows(RUNS_DONE)
    answer = await change(client, **{"event_retention": "1d", "policy_need_media_file": False, **changes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation")
    assert answer.json()["error"]["fields"].keys() == faults
    assert {setting["source"] for setting in (await shown(client)).values()} == {"default"}
    assert await waiting(bench) == []


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b"1", b'{"max_delete_share": NaN}', b""])
async def test_a_body_that_is_no_object_of_settings_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.patch("/api/v1/settings", content=body)).status_code == 422


async def test_the_environment_wins_and_its_variables_are_named(bench: Bench) -> None:
    await change_settings(bench.deps, {"download_gap": "1h", "policy_search": False})
    server = fixed(bench, download_gap=timedelta(seconds=5), policy_max_height=720)
    async with serving(server.deps) as client:
        client.headers["X-Api-Key"] = API_KEY
        settings = await shown(client)
        assert (settings["download_gap"]["value"], settings["download_gap"]["source"]) == ("5s", "environment")
        assert (settings["policy_search"]["value"], settings["policy_search"]["source"]) == (False, "database")
        answer = await change(client, download_gap="1m", policy_max_height=None, backfill_gap="1s")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert answer.json()["error"]["message"] == (
            "TRAILHOOK_DOWNLOAD_GAP and TRAILHOOK_POLICY_MAX_HEIGHT are set in the environment, which wins: "
            "change them there, or remove them and restart."
        )
        assert (await shown(client))["backfill_gap"]["source"] == "default"
    assert (await get_settings(bench.deps)).values.download_gap == HOUR


async def test_settings_need_the_key(bench: Bench) -> None:
    async with serving(bench.deps) as stranger:
        assert (await stranger.get("/api/v1/settings")).status_code == 401
        assert (await change(stranger, download_gap="1s")).status_code == 401


async def test_another_policy_has_the_titles_of_each_enabled_connection_decided_anew(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    item = movie_item(7, bench.root)
    folder = put_movie_on_disk(item)
    (folder / item["movieFile"]["relativePath"]).unlink()
    item["hasFile"] = False
    del item["movieFile"]
    connection = await bench.connect(FakeArr(items={7: item}))
    off = await bench.connect(FakeArr(), "Off")
    await bench.rows(f"UPDATE connection SET enabled = false WHERE id = {off} RETURNING 1")
    await bench.refresh(connection)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.WAITING_FOR_MEDIA_FILE
    await bench.rows("DELETE FROM run RETURNING 1")

    assert (await change(client, download_gap="1s", policy_need_media_file=True)).status_code == 200
    assert await waiting(bench) == []
    assert (await change(client, policy_need_media_file=False)).status_code == 200
    assert await waiting(bench) == [(connection, "manual")]
    assert (await bench.deps.wakeups.depths() or {})["sync"] > 0
    claimed = await claim_next_run(bench.deps)
    assert claimed is not None
    manager, held = claimed
    await manager.refresh(held)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.QUEUED


async def test_a_sync_under_way_decides_by_the_policy_that_holds_then(bench: Bench) -> None:
    item = movie_item(7, bench.root)
    put_movie_on_disk(item)
    del item["youTubeTrailerId"]
    connection = await bench.connect(FakeArr(items={7: item}))
    manager = await bench.manager(connection)
    await bench.event(connection, 7)
    await change_settings(bench.deps, {"policy_search": False})
    await manager.sync(7)
    title = await bench.title(7)
    assert title is not None
    assert title.reason is Reason.NO_CANDIDATE


async def test_the_share_that_may_be_deleted_at_once_follows(bench: Bench) -> None:
    arr = FakeArr(items={number: movie_item(number, bench.root, f"Film {number}") for number in range(1, 11)})
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    for number in range(1, 6):
        del arr.items[number]
    assert (await bench.refresh(connection)).outcome is RunOutcome.HELD
    await change_settings(bench.deps, {"max_delete_share": 0.5})
    run = await bench.refresh(connection)
    assert (run.outcome, run.deleted) == (RunOutcome.COMPLETED, 5)


async def test_the_intervals_follow(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    await bench.rows("UPDATE event SET processed_at = now() - interval '2 hours' RETURNING 1")
    await bench.rows("DELETE FROM run RETURNING 1")
    await bench.refresh(connection)
    await bench.rows(
        "UPDATE run SET requested_at = now() - interval '10 min', finished_at = now() - interval '10 min' RETURNING 1"
    )
    await request_what_is_due(bench.deps)
    await prune_events(bench.deps)
    assert await waiting(bench) == []
    assert await bench.rows("SELECT count(*) FROM event") == [(1,)]
    await change_settings(bench.deps, {"reconcile_interval": "5m", "event_retention": "1h"})
    await request_what_is_due(bench.deps)
    await prune_events(bench.deps)
    assert await waiting(bench) == [(connection, "schedule")]
    assert await bench.rows("SELECT count(*) FROM event") == [(0,)]


async def test_a_running_worker_takes_another_gap_up(bench: Bench, client: httpx.AsyncClient) -> None:
    assert (await change(client, download_gap="1h", backfill_gap="2h")).status_code == 200
    workshop = Workshop(bench.deps, Pace(timedelta(0), timedelta(0)))
    sweep = Sweep(workshop, syncs=False, downloads=True)
    await sweep.once()
    workshop.pace.ended()
    sweeping, turn = asyncio.create_task(sweep.run()), asyncio.create_task(workshop.pace.turn())
    _, still = await asyncio.wait({turn}, timeout=0.5)
    assert still
    assert (await change(client, download_gap="0")).status_code == 200
    async with asyncio.timeout(20):
        await turn
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    await workshop.stop(0)
