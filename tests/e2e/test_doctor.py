"""`trailhook doctor` as a user runs it: beside the running service, before the first start, after the last stop."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.crypto import new_secret_key
from app.embedded.postgres import EmbeddedPostgres
from tests.e2e.conftest import files_below
from tests.e2e.test_commands import one_sentence, trailhook
from tests.simulators.arr import ArrSimulator
from tests.stack import Stack, wait_for


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True)
    server.start()
    yield server.url
    server.stop()


def levels(text: str) -> dict[str, str]:
    """Give the level of each finding by its title."""
    return {finding["title"]: finding["level"] for finding in json.loads(text)["findings"]}


def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    done = trailhook("doctor", DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "the embedded Postgres is not running" in " ".join(done.stdout.split())
    assert "`trailhook up`" in done.stdout
    assert files_below(tmp_path) == set()


def test_beside_the_service_and_after_it(tmp_path: Path) -> None:
    with (
        ArrSimulator("Radarr", tmp_path / "library/movies") as radarr,
        ArrSimulator("Sonarr", tmp_path / "shows", called="/tv") as sonarr,
        Stack(tmp_path / "service") as stack,
    ):
        (tmp_path / "library/tv").mkdir()
        stack.connect("radarr", radarr.url, radarr.api_key)
        wait_for("a worker", lambda: stack.api("GET", "/status")["workers"])
        fine = stack.command("doctor", "--json")
        assert set(levels(fine.stdout).values()) - {"warning"} == {"ok"}, fine.stdout
        assert (fine.returncode, fine.stderr) == (0, "")
        shown = stack.connect("sonarr", sonarr.url, sonarr.api_key, "--no-register")
        password = re.search(r"Password +(\S+)", shown)
        assert password is not None
        found = stack.command("doctor")
        assert (found.returncode, found.stderr) == (1, "")
        assert all(len(line) <= 80 for line in found.stdout.splitlines())
        assert "\x1b" not in found.stdout
        assert "Maybe it is" in found.stdout
        assert found.stdout.splitlines()[-1].startswith("1 problem")
        as_json = stack.command("doctor", "--json")
        assert as_json.returncode == 1
        of_api = stack.api("GET", "/doctor")
        assert levels(as_json.stdout) == {one["title"]: one["level"] for one in of_api["findings"]}
        assert levels(as_json.stdout)["Sonarr: /tv"] == "problem"
        keys = [(stack.data_dir / name).read_text().strip() for name in ("api-key", "secret-key")]
        passwords = [(stack.data_dir / name / "password").read_text() for name in ("postgres", "valkey")]
        for secret in (*keys, *passwords, radarr.api_key, sonarr.api_key, password[1]):
            assert secret not in found.stdout + as_json.stdout + str(of_api)
    before = files_below(tmp_path)
    after = stack.command("doctor")
    assert (after.returncode, after.stderr) == (0, ""), after.stdout
    assert "the embedded Valkey is not running" in " ".join(after.stdout.split())
    assert files_below(tmp_path) == before


def test_what_is_wrong_with_the_data_directory_and_its_keys(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "api-key").write_text("aaaaaaaaaaaaaaaaaaaaaaaa\n")
    (tmp_path / "api-key").chmod(0o600)
    (tmp_path / "secret-key").write_text("")
    (tmp_path / "cookies.txt").write_text("# Netscape HTTP Cookie File\n")
    (tmp_path / "cookies.txt").chmod(0o644)
    done = trailhook("doctor", "--json", DATA_DIR=str(tmp_path), COOKIES_FILE=str(tmp_path / "cookies.txt"))
    found = levels(done.stdout)
    assert done.returncode == 1
    assert [found[title] for title in ("Data directory", "API key", "Secret key", "Cookies file")] == [
        *("warning", "warning", "problem", "warning")
    ]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    no_key = trailhook("doctor", "--json", DATA_DIR=str(tmp_path / "x"), SECRET_KEY="hunter2 is no Fernet key")
    assert levels(no_key.stdout)["Secret key"] == "problem"
    assert "hunter2" not in no_key.stdout + no_key.stderr


def test_bad_settings_are_one_sentence() -> None:
    assert "TRAILHOOK_PORT" in one_sentence(trailhook("doctor", PORT="0"))


@pytest.mark.parametrize("wrong", ["password", "database", "host"])
def test_a_database_that_does_not_let_us_in(tmp_path: Path, postgres: str, wrong: str) -> None:
    url = {
        "password": re.sub(r":[^:@/]+@", ":hunter2@", postgres),
        "database": postgres.replace("/trailhook?", "/nothing?"),
        "host": "postgresql://trailhook:hunter2@nowhere.invalid/trailhook",
    }[wrong]
    settings = {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://:hunter2@127.0.0.1:9/0",
        "SECRET_KEY": new_secret_key(),
        "API_KEY": "a key of sixteen",
        "DATA_DIR": str(tmp_path),
    }
    done = trailhook("doctor", **settings)
    assert (done.returncode, done.stderr) == (1, "")
    assert "TRAILHOOK_DATABASE_URL" in done.stdout
    assert "TRAILHOOK_REDIS_URL" in done.stdout
    assert "hunter2" not in done.stdout
    for command in ("api", "worker", "migrate"):
        assert "TRAILHOOK_DATABASE_URL" in one_sentence(trailhook(command, **settings)), command


def test_a_database_of_another_key_and_schema(tmp_path: Path, postgres: str) -> None:
    settings = {"DATABASE_URL": postgres, "REDIS_URL": "redis://127.0.0.1:9/0", "DATA_DIR": str(tmp_path)}
    before = trailhook("doctor", "--json", **settings)
    assert (levels(before.stdout)["Database"], levels(before.stdout)["Secret key"]) == ("problem", "problem")
    assert "trailhook migrate" in before.stdout
    assert trailhook("migrate", **settings).returncode == 0
    after = trailhook("doctor", "--json", **settings, SECRET_KEY=new_secret_key())
    assert (levels(after.stdout)["Database"], levels(after.stdout)["Secret key"]) == ("ok", "ok")
