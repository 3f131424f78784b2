"""Commands that cannot do their work say so in one sentence and with the documented exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.crypto import new_secret_key
from app.embedded.postgres import EmbeddedPostgres
from app.pipeline.refresh import BATCH, WINDOW
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.stack import Stack, free_port, wait_for

ON_THE_MACHINE = ("up", "api", "worker", "migrate", "doctor", "key")
CLIENTS = ("connect", "connections", "media", "status", "events", "runs", "download", "replay", "reconcile")


def trailhook(*arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")}
    environment |= {f"TRAILHOOK_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Check that a command failed with one sentence, and give it."""
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True)
    server.start()
    yield server.url
    server.stop()


def roles(postgres: str, data_dir: Path, secret_key: str) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres,
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "SECRET_KEY": secret_key,
        "API_KEY": "a key of sixteen",
        "DATA_DIR": str(data_dir),
        "PORT": str(free_port()),
    }


@pytest.mark.parametrize("command", ON_THE_MACHINE + CLIENTS)
def test_every_command_explains_itself(command: str) -> None:
    done = trailhook(command, "--help")
    assert done.returncode == 0
    assert command in done.stdout


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "1", "--failed"], ["events", "--state", "lost"]])
def test_wrong_usage_of_the_inbox_is_one_sentence(arguments: list[str]) -> None:
    done = trailhook(*arguments)
    assert done.returncode == 2
    assert sum("rror" in line for line in done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["nothing"], ["connect"], ["connect", "lidarr", "x"], ["media", "--limit", "0"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert trailhook(*arguments).returncode == 2


def test_bad_settings_are_all_named(tmp_path: Path) -> None:
    said = one_sentence(trailhook("up", DATA_DIR=str(tmp_path), PORT="0", RECONCILE_INTERVAL="often"))
    assert "TRAILHOOK_PORT" in said
    assert "TRAILHOOK_RECONCILE_INTERVAL" in said


def test_a_role_names_what_it_lacks() -> None:
    said = one_sentence(trailhook("api"))
    assert all(f"TRAILHOOK_{name}" in said for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "API_KEY"))


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_sentence(trailhook("up", DATA_DIR=str(tmp_path), PORT=str(port)))
    assert f"127.0.0.1:{port} is in use" in said


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_a_database_that_cannot_be_reached(command: str, tmp_path: Path) -> None:
    away = "postgresql://trailhook:hunter2@127.0.0.1:9/trailhook"
    done = trailhook(command, **roles(away, tmp_path, new_secret_key()))
    assert "database cannot be reached" in one_sentence(done)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_schema_that_is_behind_another_key_and_a_newer_schema(command: str, tmp_path: Path, postgres: str) -> None:
    settings = roles(postgres, tmp_path, new_secret_key())
    sql(postgres, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert "trailhook migrate" in one_sentence(trailhook(command, **settings))
    assert trailhook("migrate", **settings).returncode == 0
    sql(postgres, "INSERT INTO setting VALUES ('secret_key_fingerprint', '\"another\"')")
    assert "TRAILHOOK_SECRET_KEY is not the key" in one_sentence(trailhook(command, **settings))
    sql(postgres, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer Trailhook" in one_sentence(trailhook(command, **settings))
    assert "newer Trailhook" in one_sentence(trailhook("migrate", **settings))


def test_a_service_that_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("a key")
    said = one_sentence(trailhook("status", DATA_DIR=str(tmp_path), PORT=str(free_port())))
    assert "trailhook up" in said


def test_the_api_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = trailhook("key", DATA_DIR=str(tmp_path / "data"))
    assert first.stdout == trailhook("key", DATA_DIR=str(tmp_path / "data")).stdout
    assert len(first.stdout.strip()) >= 32
    assert (tmp_path / "data" / "api-key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_connecting_explains_what_is_wrong(tmp_path: Path) -> None:
    with (
        ArrSimulator("Radarr", tmp_path / "movies", url_base="/radarr") as radarr,
        Stack(tmp_path / "service") as stack,
    ):
        key = radarr.api_key
        cases = {
            ("radarr", radarr.url, "wrong"): "API key",
            ("sonarr", radarr.url, key): "Radarr",
            ("radarr", radarr.url.removesuffix("/radarr"), key): "/radarr",
            ("radarr", "http://127.0.0.1:9", key): "Nothing listens",
            ("radarr", "radarr:7878", key): "http://",
            ("radarr", radarr.url, "two words"): "one line",
        }
        for (app, url, api_key), expected in cases.items():
            done = stack.command("connect", app, url, "--api-key-file", "-", stdin=api_key)
            assert expected in one_sentence(done), (app, url)
            assert key not in done.stderr
        assert stack.api("GET", "/connections")["total"] == 0
        mapped = stack.command(
            "connect", "radarr", radarr.url, "--api-key-file", "-", "--map", "movies=films", stdin=key
        )
        assert "FROM=TO" in one_sentence(mapped)
        assert "There is no connection yet" in one_sentence(stack.command("reconcile"))


def test_deletions_are_held_until_they_are_accepted(tmp_path: Path, postgres: str) -> None:
    sql(postgres, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with (
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        Stack(tmp_path / "service", DATABASE_URL=postgres, SECRET_KEY=new_secret_key()) as stack,
    ):
        for number in range(8):
            radarr.add(f"Film {number}", 2010)
        stack.connect("radarr", radarr.url, radarr.api_key, "--monitor", "none", "--name", "My Radarr", "--no-register")
        radarr.fault = faults.server_error("/movie")
        failed = stack.command("reconcile")
        assert (failed.returncode, "failed" in failed.stdout, "500" in failed.stderr) == (1, True, True)
        radarr.fault = None
        for item in list(radarr.items)[:6]:
            radarr.delete(item)
        held = stack.command("reconcile", "my radarr")
        assert (held.returncode, "My Radarr: held" in held.stdout) == (1, True)
        assert "6 of 8 titles are gone" in held.stderr
        assert "`trailhook reconcile 'My Radarr' --accept-deletions`" in held.stderr
        assert len(stack.titles()) == 8
        unnamed = stack.command("reconcile", "--accept-deletions")
        assert (unnamed.returncode, unnamed.stderr) == (2, "error: Name the connection whose deletions you accept.\n")
        accepted = stack.command("reconcile", "My Radarr", "--accept-deletions")
        assert (accepted.returncode, "6 deleted" in accepted.stdout) == (0, True)
        assert len(stack.titles()) == 2
        assert "holds no deletions" in one_sentence(stack.command("reconcile", "My Radarr", "--accept-deletions"))


def on_terminal(stack: Stack, *arguments: str) -> tuple[subprocess.Popen[bytes], Callable[[], str]]:
    """Start a command on a terminal of its own; gives what is read from it so far."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "app.cli", *arguments]
    environment = {**stack.environment, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    shown = bytearray()

    def read() -> None:
        with suppress(OSError):  # how a terminal says that nobody writes to it any more
            while piece := os.read(ours, 65536):
                shown.extend(piece)
        os.close(ours)

    threading.Thread(target=read, daemon=True).start()
    return process, lambda: shown.decode(errors="replace")


def test_a_reconciliation_shows_on_a_terminal_how_far_it_is(tmp_path: Path, postgres: str) -> None:
    sql(postgres, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with (
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        Stack(tmp_path / "service", DATABASE_URL=postgres, SECRET_KEY=new_secret_key()) as stack,
    ):
        total = BATCH + 2 * WINDOW
        for number in range(total):
            radarr.add(f"Film {number}", 2010)
        stack.connect("radarr", radarr.url, radarr.api_key, "--monitor", "none", "--no-register")
        radarr.fault = faults.stall("/movie", part=(BATCH + WINDOW) / total)
        process, shown = on_terminal(stack, "reconcile")
        try:
            wait_for("the bar to move", lambda: re.search(rf"Radarr.*━.* {BATCH} titles", shown()), 30)
            assert process.poll() is None
            assert "completed" not in shown()
            radarr.fault = None
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
        result = re.compile(rf"Radarr: completed, {total} titles: 0 new, 0 changed, 0 deleted in \d+\.\d s\r\n\Z")
        wait_for(f"the result at the end of {shown()[-500:]!r}", lambda: result.search(shown()), 5)


def test_events_are_listed_and_replayed(tmp_path: Path, postgres: str) -> None:
    sql(postgres, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with (
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        Stack(tmp_path / "service", DATABASE_URL=postgres, SECRET_KEY=new_secret_key()) as stack,
    ):
        stack.connect("radarr", radarr.url, radarr.api_key, "--monitor", "none")
        radarr.import_file(radarr.add("Sintel", 2010))

        def pending() -> int:
            return int(stack.api("GET", "/events?state=pending")["total"])

        wait_for("the events to be handled", lambda: pending() == 0)
        shown = json.loads(stack.command("events", "--state", "processed", "--json").stdout)
        assert {item["title"] for item in shown["items"]} == {"Sintel"}
        assert "is a test of the webhook" in " ".join(stack.command("events", "--state", "ignored").stdout.split())
        sql(postgres, "UPDATE event SET state = 'failed', error = 'Radarr broke.' WHERE state = 'processed'")
        lines = stack.command("events", "--state", "failed", "--limit", "1").stdout.splitlines()
        assert "failed: Radarr broke." in lines[1]
        assert all(len(line) <= 80 for line in lines)
        assert lines[-1] == f"1 of {shown['total']} events; --limit shows more."
        said = stack.command("replay", "--failed")
        assert (said.returncode, said.stdout) == (0, f"{shown['total']} failed events are handled again.\n")
        wait_for("the replays", lambda: pending() == 0)
        assert stack.command("events", "--state", "failed").stdout == "No event is failed.\n"
        newest = shown["items"][0]["id"]
        assert f"Event {newest} (Download of Sintel) is handled again." in stack.command("replay", str(newest)).stdout
        assert "There is no event 999999." in one_sentence(stack.command("replay", "999999"))
        sql(
            postgres,
            "UPDATE event SET state = 'failed' WHERE arr_id IS NOT NULL; UPDATE connection SET enabled = false",
        )
        refused = stack.command("replay", "--failed")
        assert (refused.returncode, refused.stdout) == (1, "0 failed events are handled again.\n")
        assert refused.stderr == f"{shown['total']} not: Radarr is disabled: enable it, then replay its events.\n"


def sql(url: str, statements: str) -> None:
    """Change the database behind Trailhook's back."""
    code = (
        "import asyncio, sys, asyncpg\n"
        "async def main():\n"
        "    connection = await asyncpg.connect(sys.argv[1])\n"
        "    await connection.execute(sys.stdin.read())\n"
        "    await connection.close()\n"
        "asyncio.run(main())\n"
    )
    plain = url.replace("postgresql+asyncpg", "postgresql")
    subprocess.run([sys.executable, "-c", code, plain], input=statements, text=True, check=True, timeout=30)
