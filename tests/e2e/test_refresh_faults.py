"""A reconciliation outlives the worker that is at it, and every worker that starts asks for one of everything."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import Roles
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.stack import wait_for

FINISHED_WITHIN = 90.0  # s
TITLES = 20


@pytest.fixture
def radarr(tmp_path: Path) -> Iterator[ArrSimulator]:
    with ArrSimulator("Radarr", tmp_path / "movies") as started:
        for number in range(TITLES):
            started.add(f"Film {number}", 2010)
        yield started


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    with Roles(tmp_path, tmp_path / "plugin") as started:
        yield started


def connect(roles: Roles, name: str, radarr: ArrSimulator) -> int:
    return roles.connect(name, radarr, monitor_type="none", register_webhook=False)


def all_ended(roles: Roles) -> bool:
    return roles.sql("SELECT count(*) FROM run WHERE finished_at IS NULL") == [(0,)]


@pytest.mark.timeout(240)
def test_a_refresh_whose_worker_is_killed_is_finished_by_another(roles: Roles, radarr: ArrSimulator) -> None:
    connection = connect(roles, "Radarr", radarr)
    with roles.worker() as doomed:
        wait_for("the first refresh", lambda: all_ended(roles))
        radarr.delete(1)
        radarr.fault = faults.stall("/movie")
        run_id = roles.api("POST", f"/connections/{connection}/reconcile")["run_id"]
        wait_for("the list to stream", lambda: radarr.calls[-1].resource == "/movie" and radarr.calls[-1].status == 200)
        with roles.worker() as successor:
            doomed.send(signal.SIGKILL)
            assert doomed.wait(10) == -signal.SIGKILL
            began = time.monotonic()
            radarr.fault = None
            newer = f"SELECT deleted FROM run WHERE id > {run_id} AND outcome = 'completed'"
            done = wait_for("another worker to finish a run", lambda: roles.sql(newer), FINISHED_WITHIN)
            assert time.monotonic() - began < FINISHED_WITHIN
            assert done[0] == (1,)
            assert "refreshed" in successor.log()
    assert roles.sql(f"SELECT outcome, lost, deleted FROM run WHERE id = {run_id}") == [("failed", True, 0)]
    assert roles.sql("SELECT count(*) FROM media") == [(TITLES - 1,)]


def test_a_worker_that_starts_asks_for_a_run_of_each_connection_that_is_enabled(
    roles: Roles, radarr: ArrSimulator
) -> None:
    enabled = [connect(roles, name, radarr) for name in ("One", "Two")]
    disabled = connect(roles, "Three", radarr)
    startups = "SELECT connection_id, outcome FROM run WHERE trigger = 'startup' ORDER BY connection_id"
    with roles.worker():
        wait_for("the first refreshes", lambda: all_ended(roles))
    roles.api("PATCH", f"/connections/{disabled}", json={"enabled": False})
    assert roles.sql(startups) == []
    with roles.worker():
        wait_for("the runs of the start", lambda: roles.sql(startups) == [(one, "completed") for one in enabled])
