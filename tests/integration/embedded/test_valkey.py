"""The embedded Valkey: it keeps what it was given, one server per data directory, no way in without password."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError

from app.embedded.server import EmbeddedServer
from app.embedded.valkey import EmbeddedValkey
from app.errors import EmbeddedError
from tests.integration.embedded.conftest import ODD_NAME, ROOT, alive, as_root, eventually


@pytest.fixture
def valkey(tmp_path: Path, closing: list[EmbeddedServer]) -> EmbeddedValkey:
    server = EmbeddedValkey(tmp_path / "data", fast=True)
    closing.append(server)
    return server


def use(server: EmbeddedValkey, work: Callable[[ArqRedis], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        pool = await create_pool(RedisSettings.from_dsn(server.url))
        try:
            return await work(pool)
        finally:
            await pool.aclose()

    return asyncio.run(run())


def test_a_job_is_there_after_a_restart(valkey: EmbeddedValkey) -> None:
    valkey.start()
    use(valkey, lambda pool: pool.enqueue_job("sync_item", 1, 2))
    valkey.stop()
    valkey.start()
    assert use(valkey, lambda pool: pool.zcard("arq:queue")) == 1


def test_killed_it_keeps_its_data(valkey: EmbeddedValkey) -> None:
    valkey.start()
    use(valkey, lambda pool: pool.mset({f"key:{number}": number for number in range(1000)}))
    os.kill(valkey.pid or 0, signal.SIGKILL)
    valkey.stop()
    valkey.start()
    assert use(valkey, lambda pool: pool.dbsize()) == 1000


def test_a_cut_off_log_is_read_as_far_as_it_goes(valkey: EmbeddedValkey) -> None:
    valkey.start()
    use(valkey, lambda pool: pool.set("a", "1"))
    use(valkey, lambda pool: pool.set("b", "1"))
    valkey.stop()
    log = next(valkey.work_dir.glob("appendonlydir/*.incr.aof"))
    os.truncate(log, log.stat().st_size - 3)
    valkey.start()
    assert use(valkey, lambda pool: pool.dbsize()) == 1


def test_a_second_start_is_refused(valkey: EmbeddedValkey) -> None:
    valkey.start()
    with pytest.raises(EmbeddedError, match="already running"):
        EmbeddedValkey(valkey.data_dir, fast=True).start()
    assert use(valkey, lambda pool: pool.ping())


class _Hasty(EmbeddedValkey):
    lock_patience: ClassVar[float] = 0.2


def test_the_server_itself_keeps_its_data_locked(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    valkey.start()
    os.close(valkey._locks.pop(0))  # as if the supervisor had gone and the server were out of our sight
    moved = tmp_path / "moved"
    valkey.work_dir.rename(moved)
    with pytest.raises(EmbeddedError, match="already running"):
        _Hasty(valkey.data_dir, fast=True).start()
    moved.rename(valkey.work_dir)


def test_the_server_of_a_killed_supervisor_is_ended(valkey: EmbeddedValkey) -> None:
    script = "import json, sys, time; from pathlib import Path; from app.embedded.valkey import EmbeddedValkey as V; "
    script += "v = V(Path(sys.argv[1])); v.start(); print(json.dumps(v.pid), flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(valkey.data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        left = json.loads(owner.stdout.readline())
        os.kill(left, signal.SIGSTOP)  # a hung server, on which the kernel's signal to it has no effect
        owner.kill()
        owner.wait()
        assert alive(left)
        os.kill(left, signal.SIGCONT)
        valkey.start()
        eventually(lambda: not alive(left), "it has ended", 1)
    assert use(valkey, lambda pool: pool.ping())


@pytest.mark.parametrize("name", ["x" * 150, ODD_NAME])
def test_any_path_will_do(tmp_path: Path, closing: list[EmbeddedServer], name: str) -> None:
    server = EmbeddedValkey(tmp_path / name, fast=True)
    closing.append(server)
    server.start()
    assert use(server, lambda pool: pool.ping())
    assert list(server.work_dir.glob("appendonlydir/*"))
    outer = server.socket_dir.parent
    server.stop()
    server.socket_dir.rmdir()
    outer.rmdir()


def _open_to_all(path: Path) -> None:
    path.chmod(0o777)


def _another_owner(path: Path) -> None:
    os.chown(path, 1, 1)


def _a_link(path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    path.symlink_to(path.with_suffix(".away"))


@pytest.mark.parametrize("spoil", [_open_to_all, pytest.param(_another_owner, marks=as_root), _a_link])
def test_a_socket_directory_that_is_not_ours_alone_is_refused(
    tmp_path: Path, closing: list[EmbeddedServer], spoil: Callable[[Path], None]
) -> None:
    server = EmbeddedValkey(tmp_path / ("x" * 120), fast=True)
    closing.append(server)
    server.prepare()
    server.close()
    outer = server.socket_dir.parent
    spoil(outer)
    with pytest.raises(EmbeddedError, match="was not made by this account"):
        server.start()
    shutil.rmtree(outer.resolve())
    outer.unlink(missing_ok=True)


def test_nobody_gets_in_without_the_password(valkey: EmbeddedValkey) -> None:
    valkey.start()
    socket = valkey.socket_dir / valkey.socket_name
    assert socket.stat().st_mode & 0o777 == 0o700
    assert valkey.socket_dir.stat().st_mode & 0o777 == 0o700
    password = (valkey.root / "password").read_bytes()
    assert len(password) == 32
    shown = Path(f"/proc/{valkey.pid}/cmdline").read_bytes() + Path(f"/proc/{valkey.pid}/environ").read_bytes()
    assert b"valkey-server" in shown
    assert password not in shown + valkey.log_file.read_bytes()
    assert password.decode() not in repr(valkey) + repr(valkey.command())

    async def without_password() -> None:
        async with Redis(unix_socket_path=str(socket)) as client:
            await client.ping()

    with pytest.raises(RedisConnectionError, match="Authentication required"):
        asyncio.run(without_password())


def test_when_memory_is_full_it_refuses_and_forgets_nothing(valkey: EmbeddedValkey) -> None:
    valkey.start()

    async def fill(pool: ArqRedis) -> None:
        for number in range(100):
            await pool.set(f"big:{number}", b"x" * 1024 * 1024)

    with pytest.raises(OutOfMemoryError):
        use(valkey, fill)
    assert use(valkey, lambda pool: pool.dbsize()) > 50


def test_what_the_server_complains_of_is_told(valkey: EmbeddedValkey) -> None:
    valkey.start()
    use(valkey, lambda pool: pool.set("a", "1"))
    valkey.stop()
    next(valkey.work_dir.glob("appendonlydir/*.incr.aof")).write_bytes(b"nonsense\r\n" * 10)
    with pytest.raises(EmbeddedError, match=r"did not start \(.*append only file.*\): look into"):
        valkey.start()


def test_it_stops_soon(valkey: EmbeddedValkey) -> None:
    durable = EmbeddedValkey(valkey.data_dir)
    durable.start()
    pid = durable.pid or 0
    began = time.monotonic()
    durable.stop()
    assert time.monotonic() - began < 1
    eventually(lambda: not alive(pid), "it has gone")
