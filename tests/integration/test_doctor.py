"""Doctor on the real parts: every check in one answer, nothing hangs it, nothing is changed or told that is secret."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr

from app.crypto import FernetVault, new_secret_key
from app.db.engine import Database
from app.domain.doctor import PathFacts, PathKind
from app.embedded.ffmpeg import find_ffmpeg
from app.errors import ArrUnauthorized, ArrUnreachable
from app.live import RedisLive
from app.machine import ThisMachine, look_at
from app.pipeline import doctor
from app.pipeline.doctor import GivenKeys, examine
from app.queue import open_redis
from schemas.arr.common import RootFolder, SystemStatus
from schemas.doctor import DoctorRead, Finding
from tests.e2e.conftest import files_below
from tests.fakes import FakeArr
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

NOBODY = 65534


class HangingArr(FakeArr):
    """Says who it is unless it is `silent`, and then nothing any more."""

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__()
        self.silent = silent

    async def get_system_status(self) -> SystemStatus:
        if self.silent:
            await asyncio.Event().wait()
        return await super().get_system_status()

    async def get_root_folders(self) -> list[RootFolder]:
        await asyncio.Event().wait()
        return []


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(bench.deps) as opened:
        opened.headers["X-Api-Key"] = API_KEY
        yield opened


async def diagnose(bench: Bench, **changes: Any) -> dict[str, Finding]:
    """Examine and give the findings by title."""
    deps = replace(bench.deps, **changes)
    found = await examine(deps, GivenKeys(SecretStr(API_KEY), SecretStr("x")))
    return {finding.title: finding for finding in found.findings}


def level(found: dict[str, Finding], title: str) -> str:
    return found[title].level.value


async def test_every_check_is_in_the_answer(bench: Bench, client: httpx.AsyncClient) -> None:
    await bench.connect(FakeArr(roots=[str(bench.root)]))
    await bench.deps.live.beat("nas:7", datetime.now(UTC))
    answer = await client.get("/api/v1/doctor")
    read = DoctorRead.model_validate_json(answer.content)
    assert [finding.check for finding in read.findings] == [
        *("ffmpeg", "js_runtime", "ytdlp", "python", "data_dir", "api_key", "secret_key"),
        *("database", "clock", "redis", "workers", "connection", "webhook", "root"),
    ]
    assert read.healthy == all(finding.level != "problem" for finding in read.findings)
    levels = {finding.check: finding.level.value for finding in read.findings}
    assert {levels[check] for check in ("ffmpeg", "js_runtime", "database", "clock", "workers", "root")} == {"ok"}
    assert API_KEY not in answer.text
    assert "arr key" not in answer.text
    assert (await client.get("/api/v1/doctor", headers={"X-Api-Key": "wrong"})).status_code == 401


async def test_nothing_is_changed_by_looking(bench: Bench, tmp_path: Path) -> None:
    await bench.connect(FakeArr(roots=[str(bench.root), "/nowhere"]))
    (bench.root / "Sintel (2010)").mkdir()
    rows = "SELECT connection::text FROM connection UNION ALL SELECT setting::text FROM setting"
    before = await bench.rows(rows), files_below(tmp_path)
    await diagnose(bench)
    assert (await bench.rows(rows), files_below(tmp_path)) == before


@pytest.mark.parametrize("error", [ArrUnreachable("Start Radarr."), ArrUnauthorized("Give its new key.")])
async def test_an_arr_that_cannot_be_used(bench: Bench, error: Exception) -> None:
    arr = FakeArr()
    await bench.connect(arr)
    await bench.connect(FakeArr(roots=[str(bench.root)]), "Other")
    arr.error = error
    found = await diagnose(bench)
    assert (level(found, "Radarr"), found["Radarr"].remedy) == ("problem", str(error))
    assert (level(found, "Other"), level(found, f"Other: {bench.root}")) == ("ok", "ok")


async def test_a_key_that_does_not_fit_is_told_for_database_and_connection(bench: Bench) -> None:
    await bench.connect(FakeArr())
    fingerprint = FernetVault(SecretStr(new_secret_key())).fingerprint
    await bench.rows(f"INSERT INTO setting VALUES ('secret_key_fingerprint', '\"{fingerprint}\"') RETURNING 1")
    found = await diagnose(bench, vault=FernetVault(SecretStr(new_secret_key())))
    assert found["Secret key"].detail == "not the one of this database"
    assert level(found, "Radarr") == "problem"


async def test_the_webhook_is_judged_as_the_arr_has_it_now(bench: Bench) -> None:
    arr = FakeArr()
    connection = await bench.connect(arr)
    await bench.event(connection, 7)
    title = "Radarr: webhook"
    assert level(await diagnose(bench), title) == "ok"
    entry = arr.webhooks.pop(1)
    found = (await diagnose(bench))[title]
    assert (found.level.value, "its entry in Radarr is gone" in found.detail) == ("warning", True)
    assert "Register webhook" in (found.remedy or "")
    assert arr.webhooks == {}
    arr.webhooks[1] = entry
    await bench.rows("UPDATE connection SET webhook_blocked = true RETURNING 1")
    assert level(await diagnose(bench), title) == "ok"
    arr.error = ArrUnreachable("Start Radarr.")
    assert "sends nothing for now" in (await diagnose(bench))[title].detail


async def test_a_root_that_is_not_here_is_offered_where_it_probably_is(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "nas" / "movies").mkdir(parents=True)
    (tmp_path / "nas" / "tv").mkdir()
    mapping = {"path_from": "/movies", "path_to": f"{tmp_path}/nas/movies"}
    await bench.connect(FakeArr(roots=["/movies", "/tv", "D:\\Anime"]), path_mappings=[mapping])
    found = await diagnose(bench)
    assert level(found, "Radarr: /movies") == "ok"
    assert found["Radarr: /tv"].remedy == (
        f"Maybe it is {tmp_path}/nas/tv: then map it at the connection, on the page or by connecting with "
        f"--map '/tv={tmp_path}/nas/tv'."
    )
    assert found["Radarr: D:\\Anime"].remedy == (
        "Mount it here, or map it at the connection, on the page or by connecting with --map 'D:\\Anime=/path/here'."
    )


async def test_a_mapping_to_nowhere_is_told_once(bench: Bench, tmp_path: Path) -> None:
    mappings = [{"path_from": "/a", "path_to": f"{tmp_path}/a/"}, {"path_from": "/b", "path_to": f"{tmp_path}/b"}]
    await bench.connect(FakeArr(roots=["/a"]), path_mappings=mappings)
    found = await diagnose(bench)
    faults = {title: one.detail for title, one in found.items() if one.check in {"root", "mapping"}}
    assert faults == {
        "Radarr: /a": f"{tmp_path}/a does not exist here",
        "Radarr: /b": f"{tmp_path}/b does not exist here",
    }


async def test_a_disabled_connection_is_not_asked(bench: Bench) -> None:
    await bench.connect(FakeArr(error=None))
    await bench.rows("UPDATE connection SET enabled = false RETURNING 1")
    bench.arrs.arrs.clear()
    assert (await diagnose(bench))["Radarr"].detail == "disabled, not checked"


async def test_arrs_and_disks_that_hang_give_lines_and_hold_nothing_up(bench: Bench) -> None:
    freed = threading.Event()

    def hang(path: str) -> PathFacts:
        if path == str(bench.root):
            freed.wait(60)
        return look_at(path)

    await bench.connect(FakeArr(roots=[str(bench.root)]))
    for name in ("Half", "Silent"):
        await bench.connect(FakeArr(), name)
        bench.arrs.arrs[f"http://{name.lower()}.example:7878"] = HangingArr(silent=name == "Silent")
    machine = ThisMachine(find_ffmpeg, look=hang, disk_limit=1)
    began = time.monotonic()
    try:
        found = await diagnose(bench, machine=machine)
        took = time.monotonic() - began
        assert took < 15
        assert level(found, f"Radarr: {bench.root}") == "problem"
        assert found[f"Radarr: {bench.root}"].detail.endswith("does not answer in time")
        assert level(found, "Half") == "ok"
        assert "gave no answer within" in (found["Half: root folders"].remedy or "")
        assert "gave no answer within" in (found["Silent"].remedy or "")
        before = threading.active_count()
        assert (await machine.look_at(str(bench.root))).kind is PathKind.UNREACHABLE
        assert threading.active_count() <= before
    finally:
        freed.set()


async def test_a_database_that_does_not_answer(bench: Bench) -> None:
    await bench.connect(FakeArr())
    away = Database(SecretStr("postgresql+asyncpg://x:hunter2@127.0.0.1:9/x"))
    try:
        embedded = await diagnose(bench, db=away)
        settings = bench.deps.settings.model_copy(update={"database_url": SecretStr("x")})
        found = await diagnose(bench, db=away, settings=settings)
    finally:
        await away.close()
    assert embedded["Database"].detail == "the embedded Postgres is not running"
    assert (level(embedded, "Database"), level(found, "Database")) == ("warning", "problem")
    assert "hunter2" not in str(found)
    assert "Radarr" not in found


async def test_a_database_that_hangs(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = Database(SecretStr(f"postgresql+asyncpg://x:y@127.0.0.1:{silent.getsockname()[1]}/x"))
        found = await diagnose(bench, db=hanging)
        await hanging.close()
    assert found["Database"].detail == f"no answer within {doctor.DATABASE_LIMIT:.0f} s"


async def test_redis_says_how_it_is_set_up(bench: Bench, redis: ArqRedis) -> None:
    try:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        assert (await diagnose(bench))["Redis"].remedy == "Set its maxmemory-policy to noeviction."
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("appendonly", "no")
        assert "keeps nothing over a restart" in (await diagnose(bench))["Redis"].detail
        await redis.config_set("save", "3600 1")
        assert level(await diagnose(bench), "Redis") == "ok"
    finally:
        await redis.config_set("save", "")
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("appendonly", "yes")


async def test_without_redis_the_workers_are_unknown(bench: Bench) -> None:
    client = open_redis(SecretStr("redis://:hunter2@127.0.0.1:9/0"), retries=0)
    try:
        found = await diagnose(bench, live=RedisLive(client))
    finally:
        await client.aclose()
    assert level(found, "Redis") == "warning"
    assert "Workers" not in found
    assert level(await diagnose(bench), "Workers") == "problem"


async def test_a_clock_that_is_off(bench: Bench) -> None:
    found = await diagnose(bench, now=lambda: datetime.now(UTC) - timedelta(seconds=30))
    assert found["Clock"].detail == "this machine is 30 s behind the database"


async def test_programs_are_asked_and_never_waited_for(tmp_path: Path) -> None:
    def program(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    async def version(path: Path) -> str | None:
        found = await ThisMachine(find_ffmpeg, path).ffmpeg()
        assert not isinstance(found, str)
        assert found.source == "TRAILHOOK_FFMPEG"
        return found.version

    assert await version(program("good", "echo 'ffmpeg version 7.1.2 Copyright'")) == "7.1.2"
    assert await version(program("other", "echo something else")) is None
    assert await version(program("failing", "echo 'ffmpeg version 7'; exit 1")) is None
    no_interpreter = program("broken", "")
    no_interpreter.write_bytes(b"\x7fELF nonsense")
    assert await version(no_interpreter) is None
    assert isinstance(await ThisMachine(find_ffmpeg, tmp_path / "absent").ffmpeg(), str)
    began = time.monotonic()
    assert await version(program("hanging", "exec sleep 60")) is None
    assert time.monotonic() - began < 20


async def test_a_folder_is_looked_at_as_this_process_may_use_it(tmp_path: Path) -> None:
    machine = ThisMachine(find_ffmpeg)
    (tmp_path / "file").write_text("# Netscape HTTP Cookie File\nsecret\n")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "A").mkdir()
    folder, file = await machine.look_at(str(tmp_path)), await machine.look_at(str(tmp_path / "file"))
    assert (folder.kind, folder.readable, folder.writable, folder.folders) == (PathKind.FOLDER, True, True, 1)
    assert (folder.owner, folder.locked) == (os.geteuid(), None)
    assert (file.kind, file.mode, file.first_line) == (PathKind.FILE, 0o640, "# Netscape HTTP Cookie File\n")
    for absent in (tmp_path / "absent", tmp_path / "file" / "below", Path("/dev/null"), Path("/" + "x" * 300)):
        assert (await machine.look_at(str(absent))).kind is PathKind.MISSING, absent
    assert (await machine.look_at("/a\x00b")).kind is PathKind.MISSING


def test_what_is_closed_to_us_is_seen() -> None:
    with tempfile.TemporaryDirectory() as place, as_nobody(Path(place)):
        inner = Path(place) / "A"
        inner.mkdir(mode=0o555)
        assert look_at(place).locked == "A"
        inner.chmod(0o000)
        closed = look_at(str(inner))
        assert (closed.readable, closed.writable) == (False, False)
        inner.chmod(0o700)
        assert look_at(place).locked is None


@contextmanager
def as_nobody(place: Path) -> Iterator[None]:
    """Let the block act as an ordinary user who owns the place: root may do everything."""
    user = os.geteuid()
    if user == 0:
        os.chown(place, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
