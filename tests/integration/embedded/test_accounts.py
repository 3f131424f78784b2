"""Whose process a server is, what it may reach, and that no directory is opened for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import launch, process
from app.embedded.account import Account, reachable
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.process import Command
from app.embedded.server import EmbeddedServer
from app.embedded.valkey import EmbeddedValkey
from tests.integration.embedded.conftest import ROOT, as_root, ask, modes, ordinary_account

_SEARCH_ONLY = f"{1 << launch.CAP_DAC_READ_SEARCH:016x}"
_SCRIPT = """
import os, sys
from pathlib import Path
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.embedded import launch
from app.errors import EmbeddedError
if sys.argv[2:] == ["without-search"]:
    launch.prctl(24, launch.CAP_DAC_READ_SEARCH)  # PR_CAPBSET_DROP
for kind in (EmbeddedPostgres, EmbeddedValkey):
    server = kind(Path(sys.argv[1]), fast=True)
    try:
        server.start()
    except EmbeddedError as error:
        sys.exit(str(error))
    print(kind.__name__, server.pid, os.stat(f"/proc/{server.pid}").st_uid)
    server.stop()
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every account can enter, as tmp_path is not."""
    place = Path(tempfile.mkdtemp(prefix="trailhook-test-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def _status(pid: int | None) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@as_root
@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_under_root_in_a_closed_tree_it_may_search_and_no_more(
    tmp_path: Path, closing: list[EmbeddedServer], kind: type[EmbeddedServer]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = modes(*closed.parents, closed)
    server = kind(closed / "data", fast=True)
    closing.append(server)
    server.start()
    status = _status(server.pid)
    assert set(status["Uid"].split()) != {"0"}
    assert len(set(status["Uid"].split())) == 1
    assert status["Groups"] == ""
    assert {status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {_SEARCH_ONLY}
    assert status["NoNewPrivs"] == "1"
    assert modes(*closed.parents, closed) == before
    assert (closed / "data").stat().st_mode & 0o777 == 0o700
    assert server.work_dir.stat().st_mode & 0o777 == 0o700


@as_root
@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_under_root_in_an_open_tree_it_needs_no_capability(
    open_place: Path, closing: list[EmbeddedServer], kind: type[EmbeddedServer]
) -> None:
    data = open_place / "data"
    data.mkdir()
    data.chmod(0o751)
    server = kind(data, fast=True)
    if not reachable(server.binary, Account("nobody", 65534, 65534)):
        pytest.skip("the programs are in a closed tree")
    closing.append(server)
    server.start()
    assert set(_status(server.pid)["CapEff"]) == {"0"}
    assert data.stat().st_mode & 0o777 == 0o751


@as_root
def test_under_root_without_the_capability_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path / "data"), "without-search"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The embedded servers must not run as root, and user")
    assert done.stderr.count("\n") == 1


@as_root
def test_an_ordinary_user_runs_both_as_themselves(open_place: Path) -> None:
    account = ordinary_account()
    data = open_place / "data"
    data.mkdir(mode=0o700)
    os.chown(data, account.uid, account.gid)
    argv = (sys.executable, "-c", _SCRIPT, str(data))
    done = process.run(Command(argv, os.environ, signal.SIGKILL, account=account, cwd=str(ROOT)), "")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0::2] for line in done.stdout.splitlines()] == [
        ["EmbeddedPostgres", str(account.uid)],
        ["EmbeddedValkey", str(account.uid)],
    ]
    assert {path.stat().st_uid for path in data.rglob("*")} == {account.uid}


@as_root
def test_root_in_the_data_of_an_ordinary_user_does_not_lock_them_out(
    open_place: Path, closing: list[EmbeddedServer]
) -> None:
    account = ordinary_account()
    data = open_place / "data"
    data.mkdir(mode=0o700)
    os.chown(data, account.uid, account.gid)
    server = EmbeddedPostgres(data, fast=True)
    closing.append(server)
    server.start()
    assert ask(server, "SELECT 1") == 1
    assert _status(server.pid)["Uid"].split()[0] == str(account.uid)
    assert {path.stat().st_uid for path in data.rglob("*")} == {account.uid}


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_data_directory_that_is_there_keeps_its_mode(
    tmp_path: Path, closing: list[EmbeddedServer], mode: int
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    server = EmbeddedValkey(data, fast=True)
    closing.append(server)
    server.start()
    assert data.stat().st_mode & 0o777 == mode
