"""The supervisor: start in stages, restart, stop in order, and never leave anything running."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.embedded.postgres import EmbeddedPostgres
from tests.integration.embedded.conftest import Up, alive, eventually

Start = Callable[[dict[str, Any]], Up]


def test_brings_every_killed_child_back_and_stops_all_in_order(up: Start, data_dir: Path) -> None:
    running = up({"data": str(data_dir), "apps": [["api", "steady"], ["worker", "family"]]})
    running.wait_for("stage is up", number=1)
    order = [each.get("service", each.get("number")) for each in running.seen if each["event"].endswith("up")]
    assert set(order[:2]) == {"postgres", "valkey"}
    assert order[2] == 0
    grandchild = next(each["pid"] for each in running.seen if each["event"] == "child")

    for name, pid in running.pids().items():
        others = {other: pid for other, pid in running.pids().items() if other != name}
        os.kill(pid, signal.SIGKILL)
        assert running.wait_for("service up", service=name)["pid"] != pid
        assert {other: pid for other, pid in running.pids().items() if other != name} == others
    assert not alive(grandchild)

    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.finish() == 0
    assert time.monotonic() - began < 3
    stopped = [each["service"] for each in running.seen if each["event"] == "service stopped"]
    assert set(stopped[:2]) == {"api", "worker"}
    assert set(stopped[2:]) == {"postgres", "valkey"}
    assert not [pid for pid in running.pids().values() if alive(pid)]


def test_killed_itself_it_leaves_nothing_running(up: Start, data_dir: Path) -> None:
    plan = {"data": str(data_dir), "apps": [["api", "steady"]]}
    first = up(plan)
    first.wait_for("stage is up", number=1)
    pids = first.pids()
    assert len(pids) == 3
    first.process.kill()
    eventually(lambda: not [pid for pid in pids.values() if alive(pid)], "all children are gone", 5)
    second = up(plan)
    second.wait_for("stage is up", number=1)
    second.process.send_signal(signal.SIGINT)
    assert second.finish() == 0


def test_data_in_use_ends_the_first_start(up: Start, running: EmbeddedPostgres) -> None:
    second = up({"data": str(running.data_dir), "apps": [["api", "steady"]]})
    assert second.finish() == 1
    assert "already running" in second.errors
    assert "Traceback" not in second.errors
    assert "api" not in second.pids()


def test_a_store_that_does_not_start_ends_the_first_start(up: Start, data_dir: Path) -> None:
    (data_dir / "postgres" / "18" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    running = up({"data": str(data_dir), "apps": [["api", "steady"]]})
    assert running.finish() == 1
    assert running.errors.startswith("error: Postgres did not start (")
    assert running.errors.count("\n") == 1
    assert "api" not in running.pids()


def test_a_child_with_a_permanent_fault_ends_everything(up: Start) -> None:
    running = up({"apps": [["worker", "steady"], ["api", "refuse"]]})
    assert running.finish() == 1
    assert running.errors == "api: the port is taken\n"
    assert "service restarts" not in [each["event"] for each in running.seen]


def test_a_child_that_crashes_is_restarted_with_growing_pauses(up: Start) -> None:
    running = up({"apps": [["worker", "steady"], ["api", "crash"]]})
    pauses = [running.wait_for("service restarts", service="api")["seconds"] for _ in range(2)]
    assert pauses == [0.5, 1.0]
    assert "worker" in running.pids()
    running.process.send_signal(signal.SIGTERM)
    assert running.finish(3) == 0


def test_a_failing_hook_ends_everything(up: Start) -> None:
    running = up({"apps": [["worker", "steady"]], "hook": "the schema is newer"})
    assert running.finish() == 1
    assert running.errors == "error: the schema is newer\n"
    assert not alive(running.pids()["worker"])


def test_only_a_second_ctrl_c_means_hurry(up: Start) -> None:
    running = up({"apps": [["api", "stubborn"]]})
    running.wait_for("stage is up", number=1)
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("stopping", signal="SIGHUP")
    running.process.send_signal(signal.SIGHUP)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)  # nothing may happen
    assert alive(running.pids()["api"])
    running.process.send_signal(signal.SIGINT)
    assert running.finish(3) == 0
    assert not alive(running.pids()["api"])
