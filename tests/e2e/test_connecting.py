"""What a user sees of `trailhook connect`: what was found, what to do next, and what is ahead."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_commands import one_sentence, trailhook
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.stack import Stack, wait_for


def test_a_connection_is_told_and_its_library_read(tmp_path: Path) -> None:
    with (
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        Stack(tmp_path / "service", BACKFILL_GAP="40s") as stack,
    ):
        radarr.import_file(radarr.add("Sintel", 2010))
        radarr.add("Big Buck Bunny", 2008)
        key_file = tmp_path / "radarr.key"
        key_file.write_text(f"{radarr.api_key}\n")
        done = stack.command("connect", "radarr", radarr.url, "--api-key-file", str(key_file))
        assert (done.returncode, done.stderr) == (0, "")
        first, second, third, last = done.stdout.splitlines()
        assert first == f"Connected Radarr: Radarr {radarr.version} at {radarr.url}"
        assert second == f"Webhook registered: {stack.url}/webhooks/radarr"
        assert third.startswith("Radarr: completed, 2 titles: 2 new,")
        assert last == ("2 titles, 2 of them want a trailer; at about one every 60 s that takes about 2 minutes.")
        again = stack.command("connect", "radarr", radarr.url, "--api-key-file", str(key_file))
        assert "exists already" in one_sentence(again)


def test_a_manual_webhook_is_shown_once_with_where_to_click(tmp_path: Path) -> None:
    with ArrSimulator("Sonarr", tmp_path / "shows") as sonarr, Stack(tmp_path / "service") as stack:
        shown = stack.connect("sonarr", sonarr.url, sonarr.api_key, "--no-register")
        assert "In Sonarr open Settings > Connect > + > Webhook" in shown
        assert f"URL       {stack.url}/webhooks/sonarr" in shown
        password = re.search(r"Password +(\S+)", shown)
        assert password is not None
        answer = stack.api("GET", "/connections")
        assert answer["items"][0]["webhook"]["state"] == "manual"
        assert password[1] not in str(answer)
        assert sonarr.notifications == {}


def test_a_webhook_that_cannot_be_registered_is_told_with_what_to_do(tmp_path: Path) -> None:
    with (
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        Stack(tmp_path / "service", PUBLIC_URL="http://127.0.0.1:9") as stack,
    ):
        shown = stack.connect("radarr", radarr.url, radarr.api_key)
        assert "The webhook is not registered: " in shown
        assert "Trailhook tries again every few minutes." in shown
        assert "Password  " in shown


def test_a_folder_that_is_elsewhere_is_offered_and_mapped_by_connecting_again(tmp_path: Path) -> None:
    nas = tmp_path / "nas"
    (nas / "tv").mkdir(parents=True)
    with (
        ArrSimulator("Radarr", nas / "movies", called="/movies") as radarr,
        ArrSimulator("Sonarr", tmp_path / "shows", called="/tv") as sonarr,
        Stack(tmp_path / "service") as stack,
    ):
        assert "Warning" not in stack.connect("radarr", radarr.url, radarr.api_key, "--map", f"/movies={nas}/movies")
        option = f"--map '/tv={nas}/tv'"
        shown = stack.connect("sonarr", sonarr.url, sonarr.api_key)
        assert f"Warning: /tv does not exist here; maybe it is {nas}/tv: then use {option}." in shown
        again = stack.connect("sonarr", sonarr.url, sonarr.api_key, "--map", f"/tv={nas}/tv")
        assert f"Sonarr is connected already; its path mappings are now: /tv is {nas}/tv." in again
        assert "Sonarr: completed" in again
        (mapping,) = stack.api("GET", "/connections")["items"][1]["path_mappings"]
        assert mapping == {"path_from": "/tv", "path_to": f"{nas}/tv"}
        other = stack.command(
            *("connect", "sonarr", radarr.url, "--api-key-file", "-", "--map", "/a=/b"), stdin=radarr.api_key
        )
        assert "exists already" in one_sentence(other)


def test_ctrl_c_ends_the_waiting_alone(tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies") as radarr, Stack(tmp_path / "service") as stack:
        radarr.fault = faults.hang(path="/movie")
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "connect", "radarr", radarr.url, "--api-key-file", "-"],
            env=stack.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdin is not None
            process.stdin.write(radarr.api_key)
            process.stdin.close()
            process.stdin = None
            wait_for("the run", lambda: any(run["started_at"] for run in stack.api("GET", "/runs")["items"]))
            assert process.stdout is not None
            said = process.stdout.readline() + process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=30)
        radarr.fault = None
        assert said.startswith("Connected Radarr")
        assert (process.returncode, errors) == (0, "")
        assert rest.strip() == "Radarr's library is read on without you; `trailhook status` shows how it goes."
        wait_for("the run's end", lambda: all(run["outcome"] for run in stack.api("GET", "/runs")["items"]))


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["--api-key-file", "-"], "first\nsecond\n", "holds more than one line or word"),
        (["--api-key-file", "-"], "", "Standard input is empty"),
        (["--api-key-file", "-"], "a" * 2000, "is too large"),
        (["--api-key-file", "/nowhere/radarr.key"], "", "cannot be read"),
        (["--api-key-file", "/"], "", "cannot be read"),
        (["--api-key-file", "-", "--map", "/movies=films"], "key", "no full path after '='"),
        (["--api-key-file", "-", "--map", "=/films"], "key", "no full path before '='"),
        (["--api-key-file", "-", "--map", ""], "key", "write FROM=TO"),
        (["--api-key-file", "-", "--map", "/a=/b=/c"], "key", "more than one '='"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], stdin: str, words: str) -> None:
    done = trailhook("connect", "radarr", "http://radarr:7878", *arguments, stdin=stdin)
    said = one_sentence(done)
    assert words in said
    assert "second" not in said
