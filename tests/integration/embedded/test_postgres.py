"""The embedded Postgres: it comes up whatever it finds, keeps what it committed, and lets only us in."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.embedded import process
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.process import Command
from app.embedded.server import EmbeddedServer
from app.errors import EmbeddedError
from tests.integration.embedded.conftest import ODD_NAME, alive, ask, asyncpg_url, connected, eventually


@pytest.fixture
def postgres(data_dir: Path, closing: list[EmbeddedServer]) -> EmbeddedPostgres:
    server = EmbeddedPostgres(data_dir, fast=True)
    closing.append(server)
    return server


@pytest.fixture
def durable(data_dir: Path, closing: list[EmbeddedServer]) -> EmbeddedPostgres:
    server = EmbeddedPostgres(data_dir)
    closing.append(server)
    return server


@pytest.fixture
def new(tmp_path: Path, closing: list[EmbeddedServer]) -> EmbeddedPostgres:
    server = EmbeddedPostgres(tmp_path / "new", fast=True)
    closing.append(server)
    return server


def test_data_is_there_after_a_restart(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    ask(postgres, "CREATE TABLE kept (n int)")
    ask(postgres, "INSERT INTO kept VALUES (7)")
    postgres.stop()
    postgres.start()
    assert ask(postgres, "SELECT n FROM kept") == 7


async def test_the_url_is_for_sqlalchemy(running: EmbeddedPostgres) -> None:
    engine = create_async_engine(running.url)
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT current_user, current_database()"))).one()
        assert tuple(row) == ("trailhook", "trailhook")
        assert (await connection.execute(text("SHOW max_connections"))).scalar() == "40"
    await engine.dispose()


async def test_killed_under_load_it_keeps_every_committed_row(durable: EmbeddedPostgres) -> None:
    durable.start()
    async with connected(durable) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert await connection.fetchval(f"SHOW {setting}") == "on"
        await connection.execute("CREATE TABLE log (writer int, n int)")
    committed = [0] * 4
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        async with connected(durable) as connection:
            while True:
                await connection.execute("INSERT INTO log VALUES ($1, $2)", writer, committed[writer] + 1)
                committed[writer] += 1
                if min(committed) >= 50:
                    enough.set()

    writers = [asyncio.create_task(write(number)) for number in range(len(committed))]
    await asyncio.wait_for(enough.wait(), 20)
    os.kill(durable.pid or 0, signal.SIGKILL)
    await asyncio.gather(*writers, return_exceptions=True)
    durable.stop()

    durable.start()
    async with connected(durable) as connection:
        rows = await connection.fetch("SELECT writer, count(DISTINCT n), max(n) FROM log GROUP BY 1 ORDER BY 1")
    for writer, found, highest in rows:
        assert found == highest
        assert highest in {committed[writer], committed[writer] + 1}  # the last may have been committed unheard
    assert len(rows) == len(committed)


@pytest.mark.parametrize("in_between", ["restart", "stop"])
async def test_a_busy_process_of_a_killed_server_does_not_stay(
    data_dir: Path, closing: list[EmbeddedServer], in_between: str
) -> None:
    server = EmbeddedPostgres(data_dir, fast=True)
    closing.append(server)
    server.prepare()
    first = process.spawn(server.command())
    eventually(lambda: server.ready(first.pid), "it is ready")
    async with connected(server) as connection:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        busy = asyncio.create_task(connection.execute("SELECT sum(n) FROM generate_series(1, 10000000000) n"))
        await asyncio.sleep(0)
        first.kill()
        first.wait()
        assert alive(backend)
        if in_between == "restart":
            server.start()
        else:
            server.close()
        eventually(lambda: not alive(backend), "it has ended", 1)
        assert isinstance((await asyncio.gather(busy, return_exceptions=True))[0], Exception)


def test_a_stale_pid_file_with_the_pid_of_another_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    account = postgres.command().account
    postgres.stop()
    innocent = process.spawn(Command(("/bin/sleep", "60"), {}, signal.SIGKILL, account, cwd=str(postgres.work_dir)))
    eventually(lambda: Path(f"/proc/{innocent.pid}/comm").read_text() == "sleep\n", "it has started")
    (postgres.work_dir / "postmaster.pid").write_text(f"{innocent.pid}\n{postgres.work_dir}\n")
    (postgres.socket_dir / f"{postgres.socket_name}.lock").write_text(f"{innocent.pid}\n")
    postgres.start()
    assert ask(postgres, "SELECT 1") == 1
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_a_second_start_is_refused(running: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(running.data_dir, fast=True)
    with pytest.raises(EmbeddedError, match="already running"):
        second.start()
    assert ask(running, "SELECT 1") == 1
    assert second.url == running.url


def test_any_path_will_do(tmp_path: Path, closing: list[EmbeddedServer]) -> None:
    server = EmbeddedPostgres(tmp_path / ODD_NAME / ("x" * 120), fast=True)
    closing.append(server)
    server.start()
    assert ask(server, "SELECT 1") == 1
    outer = server.socket_dir.parent
    assert outer.stat().st_uid == os.geteuid()
    assert outer.stat().st_mode & 0o777 in {0o700, 0o711}
    assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    server.stop()
    server.socket_dir.rmdir()
    outer.rmdir()


def test_an_initdb_that_was_killed_half_way_is_begun_anew(new: EmbeddedPostgres) -> None:
    unfinished = new.work_dir.with_name(f"{new.work_dir.name}.new")
    script = "import sys; from pathlib import Path; from app.embedded.postgres import EmbeddedPostgres as P; "
    script += "P(Path(sys.argv[1])).prepare()"
    with subprocess.Popen([sys.executable, "-c", script, str(new.data_dir)]) as victim:
        eventually((unfinished / "PG_VERSION").exists, "initdb is at work")
        victim.kill()
    assert not new.work_dir.exists()
    new.start()
    assert ask(new, "SELECT 1") == 1
    assert not unfinished.exists()


def test_a_cluster_of_another_major_version_is_left_alone(new: EmbeddedPostgres) -> None:
    former = new.root / "16" / "PG_VERSION"
    former.parent.mkdir(parents=True)
    former.write_text("16\n")
    with pytest.raises(EmbeddedError, match="Postgres 16 and this Trailhook brings 18"):
        new.start()
    assert [each.name for each in former.parent.iterdir()] == ["PG_VERSION"]


class _Greedy(EmbeddedPostgres):
    least_free: ClassVar[int] = 1 << 60


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    server = _Greedy(tmp_path / "data", fast=True)
    with pytest.raises(EmbeddedError, match="MiB are free"):
        server.start()
    assert not server.work_dir.exists()


def test_what_the_server_complains_of_is_told(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.work_dir / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(EmbeddedError, match=r"did not start \(.+\): look into"):
        postgres.start()


async def test_nobody_else_gets_in(running: EmbeddedPostgres) -> None:
    url = asyncpg_url(running)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(url, user="postgres", database="postgres")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url, password="guessed")
    async with connected(running) as connection:
        for forbidden in ("SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO PROGRAM 'true'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)


def test_the_password_is_in_no_process_list(running: EmbeddedPostgres) -> None:
    password = (running.root / "password").read_bytes()
    assert len(password) == 32
    pid = running.pid
    assert b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert password not in Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    assert password not in running.log_file.read_bytes()
    assert password.decode() not in repr(running) + repr(running.command())
    assert (running.root / "password").stat().st_mode & 0o777 == 0o600


def test_before_the_first_start_there_is_no_url(tmp_path: Path) -> None:
    server: Any = EmbeddedPostgres(tmp_path / "data")
    with pytest.raises(EmbeddedError, match="run `trailhook up` once"):
        _ = server.url
    assert not (tmp_path / "data").exists()
