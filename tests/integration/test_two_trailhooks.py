"""Two Trailhooks, each with a database of its own, on one Radarr: neither touches the other's entry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.arr.factory import ArrFactory
from app.context import Deps
from app.db import event_views
from app.db.engine import Database
from app.db.event_views import EventFilter
from app.db.schema import migrate
from app.embedded.postgres import EmbeddedPostgres
from app.http import ArrPatience, HttpClients
from app.pipeline import removal
from tests.integration.conftest import Bench
from tests.integration.serving import serving
from tests.integration.test_webhook_upkeep import connect, field, keep, reached_under
from tests.simulators.arr import ArrSimulator


@pytest.fixture
def other_url(tmp_path: Path) -> Iterator[SecretStr]:
    server = EmbeddedPostgres(tmp_path / "other", fast=True)
    server.start()
    try:
        yield SecretStr(server.url)
    finally:
        server.stop()


@pytest.fixture
async def both(bench: Bench, other_url: SecretStr) -> AsyncIterator[tuple[Deps, Deps]]:
    """Two services with nothing in common but the Radarr that they are told of."""
    await migrate(other_url)
    other = Database(other_url)
    async with HttpClients("test") as clients:
        one = replace(bench.deps, arr=ArrFactory(clients, ArrPatience(retry_after=())))
        two = replace(one, db=other)
        async with serving(one) as first, serving(two) as second:
            yield reached_under(one, str(first.base_url)), reached_under(two, str(second.base_url))
    await other.close()


async def heard(deps: Deps) -> list[str | None]:
    async with deps.db.transaction() as tx:
        found, _ = await event_views.list_page(tx, EventFilter(), None, 50)
    return [event.event_type for event in found if event.event_type != "Test"]


async def test_two_trailhooks_on_one_radarr(both: tuple[Deps, Deps], tmp_path: Path) -> None:
    one, two = both
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr:
        first, second = await connect(one, radarr), await connect(two, radarr)
        assert first.slug == second.slug == "radarr"
        assert [entry["name"] for entry in radarr.notifications.values()] == [
            "Trailhook (radarr)",
            "Trailhook (radarr) 2",
        ]
        stored = {number: dict(entry) for number, entry in radarr.notifications.items()}
        for deps, connection in ((one, first), (two, second), (one, first)):
            assert (await keep(deps, connection)).webhook_error is None
        assert radarr.notifications == stored

        radarr.notifications = {2: radarr.notifications[2]}
        back = await keep(one, first)
        assert radarr.notifications[2] == stored[2]
        assert field(radarr, back.notification_id or 0, "url") == f"{one.settings.public_url}/webhooks/radarr"

        await asyncio.to_thread(radarr.add, "Sintel", 2010)
        assert (await heard(one), await heard(two)) == (["MovieAdded"], ["MovieAdded"])
        await removal.delete_connection(one, first.id)
        assert radarr.notifications == {2: stored[2]}
        assert (await keep(two, second)).notification_id == 2
        await asyncio.to_thread(radarr.add, "Spring", 2019)
        assert await heard(two) == ["MovieAdded", "MovieAdded"]
