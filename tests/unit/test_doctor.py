"""What doctor makes of the facts: the level, and a remedy wherever something is not ok."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from app.domain import doctor
from app.domain.doctor import DatabaseFacts, PathFacts, PathKind, Program, RedisFacts, RootFacts
from app.domain.paths import LocalPath
from app.domain.records import Connection
from schemas.base import ArrType, MonitorType
from schemas.connection import PathMapping, PolicyOverride
from schemas.doctor import Finding, Level

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPEN = PathFacts(PathKind.FOLDER, mode=0o700, owner=1000, readable=True, writable=True, free=50 << 30)
FILE = PathFacts(PathKind.FILE, mode=0o600, owner=1000, readable=True, first_line="# Netscape HTTP Cookie File\n")
GONE, HUNG = PathFacts(PathKind.MISSING), PathFacts(PathKind.UNREACHABLE)
RADARR = Connection(
    id=1,
    name="Films",
    slug="films",
    arr_type=ArrType.RADARR,
    url="http://radarr:7878",
    api_key="",
    ca_file=None,
    verify_tls=True,
    monitor_type=MonitorType.MISSING,
    path_mappings=(),
    policy=PolicyOverride(),
    tag_labels={},
    enabled=True,
    webhook_password="",
    notification_id=3,
    manual_webhook=False,
    webhook_error=None,
    webhook_notice=None,
    webhook_blocked=False,
    webhook_refused=False,
    webhook_checked_at=None,
    down_since=None,
    probe_at=None,
    failures=0,
    last_ok_at=None,
    last_error=None,
    arr_version="6.0.4",
    created_at=NOW,
    deleted_at=None,
    remove_trailers=False,
)


def check(finding: Finding | None, level: str, words: str) -> None:
    """Check the level, that the words are in the finding, and that what is not ok says what to do in one sentence."""
    assert finding is not None
    assert (finding.level, words in f"{finding.detail} {finding.remedy}") == (level, True), finding
    assert (finding.remedy is None) == (finding.level is Level.OK)
    assert finding.remedy is None or finding.remedy.endswith(".")


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (Program("/usr/bin/ffmpeg", "on PATH", "7.1"), "ok", "7.1, /usr/bin/ffmpeg (on PATH)"),
        (Program("/usr/bin/ffmpeg", "on PATH", None), "problem", "does not run"),
        ("There is no ffmpeg: install it.", "problem", "install it"),
    ],
)
def test_ffmpeg(found: Program | str, level: str, words: str) -> None:
    check(doctor.ffmpeg(found), level, words)


@pytest.mark.parametrize(
    ("version", "solver", "level", "words"),
    [
        ("2.9.8", "0.8.0", "ok", "deno 2.9.8"),
        ("2.3.0", "0.8.0", "ok", "deno 2.3.0"),
        ("2.2.12", "0.8.0", "warning", "older than 2.3.0"),
        ("2.9.8", None, "warning", "yt-dlp-ejs is not installed"),
        (None, "0.8.0", "warning", "does not run"),
    ],
)
def test_the_javascript_runtime(version: str | None, solver: str | None, level: str, words: str) -> None:
    check(doctor.js_runtime([Program("/venv/bin/deno", "deno", version)], solver), level, words)
    check(doctor.js_runtime([], solver), "warning", "deno is not found")


@pytest.mark.parametrize(
    ("name", "version", "level"),
    [
        ("node", "22.0.0", "ok"),
        ("node", "20.20.2", "warning"),
        ("bun", "1.2.11", "ok"),
        ("bun", "1.2.10", "warning"),
        ("qjs", "2023-12-09", "ok"),
        ("qjs", "2021-03-27", "warning"),
        ("qjs", "0.10.1", "ok"),
    ],
)
def test_another_runtime_serves_where_deno_does_not(name: str, version: str, level: str) -> None:
    other = Program(f"/usr/bin/{name}", name, version)
    for deno in ([], [Program("/usr/bin/deno", "deno", "2.2.0")], [Program("/usr/bin/deno", "deno", None)]):
        finding = doctor.js_runtime([*deno, other], "0.8.0")
        assert finding.level == level
        assert (name in finding.detail) is (level == "ok" or not deno)


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [
        ("2026.8.23", "ok", "90 days old"),
        ("2026.8.22", "warning", "91 days old"),
        ("2026.11.25", "ok", "0 days old"),
        ("2026.11.20.123456.dev0", "ok", "1 days old"),
        ("master", "warning", "unknown age"),
        ("2026.13.1", "warning", "unknown age"),
        (None, "problem", "trailhook update-yt-dlp"),
    ],
)
def test_ytdlps_age(version: str | None, level: str, words: str) -> None:
    check(doctor.ytdlp(version, NOW), level, words)


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        (OPEN, "ok", "50 GiB free"),
        (GONE, "ok", "`trailhook up` makes it"),
        (HUNG, "problem", "does not answer"),
        (FILE, "problem", "TRAILHOOK_DATA_DIR"),
        (replace(OPEN, writable=False), "problem", "closed to user 1000"),
        (replace(OPEN, readable=False), "problem", "closed to user 1000"),
        (replace(OPEN, owner=0), "warning", "belongs to user 0"),
        (replace(OPEN, mode=0o750), "warning", "chmod 700 /data"),
        (replace(OPEN, free=500 << 20), "warning", "500 MiB"),
        (replace(OPEN, free=10 << 20), "problem", "10 MiB"),
    ],
)
def test_the_data_directory(facts: PathFacts, level: str, words: str) -> None:
    check(doctor.data_dir("/data", facts, 1000), level, words)


def test_files_with_keys() -> None:
    judge = doctor.key_file
    assert judge("api_key", "API key", "/data/api-key", FILE, None) is None
    assert judge("api_key", "API key", "/data/api-key", GONE, None) is None
    check(judge("api_key", "API key", "/data/api-key", replace(FILE, mode=0o640), None), "warning", "chmod 600")
    check(judge("api_key", "API key", "/data/api-key", FILE, "It is empty: remove it."), "problem", "remove it")


@pytest.mark.parametrize(
    ("key", "local", "level"),
    [
        ("kB9-x_3VqLw8ZpTt", False, "ok"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", True, "warning"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", False, "problem"),
        ("kB9-x_3VqLw8ZpT", False, "problem"),
        (None, False, "ok"),
    ],
)
def test_the_api_key_is_judged_and_never_told(key: str | None, local: bool, level: str) -> None:
    finding = doctor.api_key(None if key is None else SecretStr(key), local=local)
    check(finding, level, "")
    assert key is None or key not in finding.model_dump_json()


def test_the_secret_key() -> None:
    check(doctor.secret_key(present=True, embedded=False), "ok", "set")
    check(doctor.secret_key(present=False, embedded=True), "ok", "trailhook up")
    check(doctor.secret_key(present=False, embedded=False), "problem", "trailhook key --new")


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        (FILE, "ok", "/c.txt"),
        (replace(FILE, mode=0o644), "warning", "chmod 600 /c.txt"),
        (replace(FILE, first_line="[{"), "warning", "Netscape format"),
        (replace(FILE, readable=False), "problem", "TRAILHOOK_COOKIES_FILE"),
        (GONE, "problem", "TRAILHOOK_COOKIES_FILE"),
        (OPEN, "problem", "TRAILHOOK_COOKIES_FILE"),
    ],
)
def test_the_cookies_file(facts: PathFacts, level: str, words: str) -> None:
    check(doctor.cookies("/c.txt", facts), level, words)


@pytest.mark.parametrize(
    ("changes", "skew", "fits", "expected"),
    [
        ({}, 0.2, True, [("database", "ok", "Postgres 18.4"), ("clock", "ok", "")]),
        ({}, 6, True, [("database", "ok", ""), ("clock", "warning", "6 s behind")]),
        ({}, -6, True, [("database", "ok", ""), ("clock", "warning", "6 s ahead of")]),
        ({"at_head": False}, 0, True, [("database", "problem", "trailhook migrate"), ("clock", "ok", "")]),
        (
            {"at_head": False, "newer": True},
            0,
            True,
            [("database", "problem", "Update Trailhook"), ("clock", "ok", "")],
        ),
        (
            {},
            0,
            False,
            [("database", "ok", ""), ("secret_key", "problem", "TRAILHOOK_SECRET_KEY"), ("clock", "ok", "")],
        ),
    ],
)
def test_the_database(changes: dict[str, bool], skew: float, fits: bool, expected: list[tuple[str, str, str]]) -> None:
    facts = replace(DatabaseFacts("18.4", at_head=True, newer=False, fingerprint="x", clock=NOW), **changes)  # type: ignore[arg-type] # only flags are changed
    findings = doctor.database(facts, timedelta(seconds=skew), key_fits=fits, embedded=False)
    assert [finding.check for finding in findings] == [name for name, _, _ in expected]
    for finding, (_, level, words) in zip(findings, expected, strict=True):
        check(finding, level, words)


def test_stores_that_are_away() -> None:
    check(doctor.no_database("Postgres is away; start it.", embedded=False), "problem", "start it")
    check(doctor.no_database("Postgres is away.", embedded=True), "warning", "`trailhook up`")
    check(doctor.redis(None, embedded=False), "problem", "TRAILHOOK_REDIS_URL")
    check(doctor.redis(None, embedded=True), "warning", "`trailhook up`")


@pytest.mark.parametrize(
    ("evicts", "persistent", "level", "words"),
    [
        (False, True, "ok", "Valkey 9.1"),
        (None, None, "ok", "Valkey 9.1"),
        (True, True, "warning", "noeviction"),
        (False, False, "warning", "appendonly"),
    ],
)
def test_redis(evicts: bool | None, persistent: bool | None, level: str, words: str) -> None:
    check(doctor.redis(RedisFacts("Valkey", "9.1", evicts, persistent), embedded=False), level, words)


def test_workers() -> None:
    check(doctor.workers({"nas:7": NOW - timedelta(seconds=4)}, NOW), "ok", "nas:7 (4 s ago)")
    check(doctor.workers({}, NOW), "problem", "`trailhook worker`")
    assert doctor.workers(None, NOW) is None


def test_a_connection() -> None:
    down = replace(RADARR, down_since=NOW - timedelta(minutes=10))
    check(doctor.connection(RADARR, "6.0.4", "", NOW), "ok", "Radarr 6.0.4 at http://radarr:7878")
    check(doctor.connection(down, "6.0.4", "", NOW), "warning", "was down for 10 min")
    check(doctor.connection(down, None, "Start Radarr.", NOW), "problem", "cannot be used for 10 min Start Radarr.")
    unchecked = replace(RADARR, verify_tls=False)
    check(doctor.connection(unchecked, "6.0.4", "", NOW), "ok", "Radarr 6.0.4")
    check(doctor.connection(replace(unchecked, url="https://radarr"), "6.0.4", "", NOW), "warning", "ca_file")
    check(doctor.disabled(RADARR), "ok", "not checked")
    check(doctor.no_roots(RADARR, doctor.no_answer(RADARR, 4)), "problem", "no answer within 4 s")


@pytest.mark.parametrize(
    ("changes", "heard", "doubt", "level", "words"),
    [
        ({}, True, None, "ok", "last event 3 h ago"),
        ({}, True, "Radarr runs in Docker.", "ok", "last event 3 h ago"),
        ({}, False, None, "warning", "Press Test"),
        ({}, False, "Radarr runs in Docker.", "warning", "in Docker"),
        ({"webhook_notice": "It has tags."}, True, None, "warning", "It has tags."),
        ({"webhook_error": "It could not post."}, True, None, "warning", "It could not post."),
        ({"notification_id": None}, False, None, "problem", "registers it again"),
        ({"notification_id": None, "webhook_error": "It could not post."}, False, None, "problem", "could not post"),
        ({"webhook_blocked": True}, True, None, "warning", "sends nothing for now"),
        ({"manual_webhook": True}, False, None, "warning", "Settings > Connect"),
        ({"manual_webhook": True}, True, None, "ok", "last event"),
    ],
)
def test_a_webhook(changes: dict[str, object], heard: bool, doubt: str | None, level: str, words: str) -> None:
    last_event_at = NOW - timedelta(hours=3) if heard else None
    check(doctor.webhook(replace(RADARR, **changes), last_event_at, doubt, NOW), level, words)  # type: ignore[arg-type] # a table of fields


@pytest.mark.parametrize(
    ("local", "facts", "likely", "level", "words"),
    [
        (LocalPath("/movies", mapped=False), OPEN, None, "ok", "is here, readable and writable"),
        (LocalPath("/mnt/m", mapped=True), OPEN, None, "ok", "is /mnt/m here"),
        (LocalPath("/movies", mapped=False), GONE, "/mnt/movies", "problem", "Maybe it is /mnt/movies: then"),
        (LocalPath("/movies", mapped=False), GONE, None, "problem", "--map '/movies=/path/here'"),
        (LocalPath("/mnt/m", mapped=True), GONE, "/mnt/movies", "problem", "correct the mapping to /mnt/m"),
        (None, None, "/mnt/movies", "problem", "--map '/movies=/mnt/movies'"),
        (LocalPath("/movies", mapped=False), HUNG, None, "problem", "Check the disk"),
        (LocalPath("/movies", mapped=False), replace(OPEN, readable=False), None, "problem", "Let user 1000 read"),
        (LocalPath("/movies", mapped=False), replace(OPEN, writable=False), None, "problem", "/movies is not writable"),
        (LocalPath("/movies", mapped=False), replace(OPEN, writable=False, folders=2), None, "ok", "is here"),
        (LocalPath("/movies", mapped=False), replace(OPEN, folders=2, locked="A"), None, "problem", "/movies/A is not"),
    ],
)
def test_a_root_folder(
    local: LocalPath | None, facts: PathFacts | None, likely: str | None, level: str, words: str
) -> None:
    finding = doctor.root("Films", RootFacts("/movies", local, facts, likely), 1000)
    check(finding, level, words)
    assert finding.title == "Films: /movies"


def test_a_mappings_target() -> None:
    mapping = PathMapping(path_from="/movies", path_to="/mnt/m")
    check(doctor.mapping_target(RADARR, mapping, OPEN, 1000), "ok", "is mapped to /mnt/m")
    check(doctor.mapping_target(RADARR, mapping, GONE, 1000), "problem", "/mnt/m does not exist here")


def test_only_a_problem_is_unhealthy() -> None:
    fine, worse = doctor.python("3.13"), doctor.redis(None, embedded=True)
    assert doctor.is_healthy([fine, worse])
    assert not doctor.is_healthy([fine, doctor.unfinished("database", "Database", 3)])
