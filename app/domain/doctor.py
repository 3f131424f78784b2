"""What `doctor` makes of the facts: findings, with a remedy where something is not ok."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from pydantic import SecretStr

from app.domain.key_guesses import is_weak
from app.domain.likely_paths import map_option
from app.domain.paths import LocalPath
from app.domain.records import Connection
from app.domain.servers import MediaServerRecord
from app.domain.webhook_entry import EntryFacts, entry_fault
from app.domain.webhook_state import webhook_state
from app.domain.ytdlp_release import STALE_AFTER, age_of, numbers
from schemas.base import WebhookState
from schemas.connection import PathMapping
from schemas.doctor import Finding, Level

# As yt-dlp 2026.08 asks; an older one is as good as none to it.
LEAST_JS = {"deno": (2, 3, 0), "node": (22, 0, 0), "qjs": (2023, 12, 9), "bun": (1, 2, 11)}
MOST_SKEW = timedelta(seconds=5)
LEAST_FREE, LITTLE_FREE = 64 << 20, 1 << 30  # bytes
PUT_RIGHT = 'Nothing to do: Trailhook puts it right within half an hour; "Register webhook" on the page does so now.'
UPGRADE = "Run `trailhook update-yt-dlp`; the next download uses the new one."
INSTALL_DENO = "Run `pip install --upgrade deno` in Trailhook's environment, or install deno or Node.js 22."
START = "Start it with `trailhook up`."


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found and what it says of its version, None where it could not be run."""

    path: str
    source: str
    version: str | None


class PathKind(Enum):
    """What is at a path; UNREACHABLE: the disk did not answer in time, or failed."""

    MISSING = auto()
    FOLDER = auto()
    FILE = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True)
class PathFacts:
    """A file or folder as this process may use it, with its free bytes or its first line.

    `folders` is how many of the folders directly in it were looked at, `locked` one of them that we may not write to.
    """

    kind: PathKind
    mode: int = 0
    owner: int = 0
    readable: bool = False
    writable: bool = False
    free: int | None = None
    folders: int = 0
    locked: str | None = None
    first_line: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Postgres as it answered; `newer`: a newer Trailhook wrote it; no fingerprint: it holds no secret yet."""

    version: str
    at_head: bool
    newer: bool
    fingerprint: str | None
    clock: datetime


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """Redis or Valkey as it answered; None: it would not say."""

    name: str
    version: str
    evicts: bool | None
    persistent: bool | None


@dataclass(frozen=True, slots=True)
class RootFacts:
    """A root folder of an Arr, and what this machine has where the mappings lead; `likely` is a guess, see there."""

    arr_path: str
    local: LocalPath | None
    facts: PathFacts | None
    likely: str | None = None


def ffmpeg(found: Program | str) -> Finding:
    """Judge ffmpeg; a text says why there is none."""
    if isinstance(found, str):
        return _problem("ffmpeg", "ffmpeg", "not found", found)
    if found.version is None:
        remedy = "Install another ffmpeg, or set TRAILHOOK_FFMPEG to one that runs."
        return _problem("ffmpeg", "ffmpeg", f"{found.path} ({found.source}) does not run", remedy)
    return _ok("ffmpeg", "ffmpeg", f"{found.version}, {found.path} ({found.source})")


def js_runtime(found: Sequence[Program], solver: str | None) -> Finding:
    """Judge what yt-dlp solves YouTube's challenges with: the first runtime that is new enough, and its yt-dlp-ejs."""
    check, title = "js_runtime", "JavaScript"
    if not found:
        return _warning(check, title, "deno is not found: most YouTube videos fail without it", INSTALL_DENO)
    usable = next((one for one in found if one.version is not None and _is_new_enough(one)), None)
    if usable is None:
        return _warning(check, title, f"{_fault_of(found[0])}: most YouTube videos fail", INSTALL_DENO)
    if solver is None:
        detail = f"yt-dlp-ejs is not installed: {usable.source} has no scripts to run"
        return _warning(check, title, detail, UPGRADE)
    return _ok(check, title, f"{usable.source} {usable.version}, {usable.path}")


def _is_new_enough(runtime: Program) -> bool:
    version = numbers(runtime.version or "")
    if runtime.source == "qjs" and version < (2000,):  # QuickJS-ng, which counts from 0
        return True
    return version >= LEAST_JS[runtime.source]


def _fault_of(runtime: Program) -> str:
    if runtime.version is None:
        return f"{runtime.path} does not run"
    least = ".".join(map(str, LEAST_JS[runtime.source]))
    return f"{runtime.source} {runtime.version} ({runtime.path}) is older than {least}"


def ytdlp(version: str | None, now: datetime) -> Finding:
    """Judge yt-dlp by the date that its version is."""
    if version is None:
        return _problem("ytdlp", "yt-dlp", "not installed", UPGRADE)
    age = age_of(version, now)
    if age is None:
        return _warning("ytdlp", "yt-dlp", f"{version}, of unknown age", UPGRADE)
    detail = f"{version}, {age.days} days old"
    if age.days > STALE_AFTER.days:
        return _warning("ytdlp", "yt-dlp", f"{detail}: YouTube changes faster than that", UPGRADE)
    return _ok("ytdlp", "yt-dlp", detail)


def catalogue(fault: str | None) -> Finding:
    """Judge TMDB where a key for it is set; `fault` is why it could not be asked."""
    if fault is None:
        return _ok("tmdb", "TMDB", "takes the key")
    return _warning("tmdb", "TMDB", "could not be asked", fault)


def python(version: str) -> Finding:
    """Say which Python it is; an older one than we need does not get here."""
    return _ok("python", "Python", version)


def data_dir(path: str, facts: PathFacts, user: int) -> Finding:
    """Judge the directory of the keys and the embedded servers."""
    check, title = "data_dir", "Data directory"
    match facts.kind:
        case PathKind.MISSING:
            return _ok(check, title, f"{path} is not there yet; `trailhook up` makes it")
        case PathKind.UNREACHABLE:
            return _problem(check, title, f"{path} does not answer in time", "Check the disk that it is on.")
        case PathKind.FILE:
            remedy = "Set TRAILHOOK_DATA_DIR to a directory of its own."
            return _problem(check, title, f"{path} is no directory", remedy)
    if not (facts.readable and facts.writable):
        remedy = f"Let user {user} read and write there, or run this as the user that Trailhook runs as."
        return _problem(check, title, f"{path} is closed to user {user}", remedy)
    if facts.free is not None and facts.free < LITTLE_FREE:
        report = _problem if facts.free < LEAST_FREE else _warning
        return report(check, title, f"{path}: only {facts.free >> 20} MiB are free", "Free some space on that disk.")
    if facts.owner != user:
        remedy = f"Run `chown {user} {path}`, or run this as the user that Trailhook runs as."
        return _warning(check, title, f"{path} belongs to user {facts.owner}, this is user {user}", remedy)
    if facts.mode & 0o077:
        detail = f"{path} has mode {facts.mode:04o}: other users can look into it"
        return _warning(check, title, detail, f"Run `chmod 700 {path}`.")
    return _ok(check, title, f"{path}, {_size(facts.free)} free")


def key_file(check: str, title: str, path: str, facts: PathFacts, fault: str | None) -> Finding | None:
    """Judge a file with a key; None where nothing is wrong with it, or it is not there. `fault`: it is of no use."""
    if fault is not None:
        return _problem(check, title, "cannot be used", fault)
    return _open_to_others(check, title, path, facts)


def api_key(key: SecretStr | None, *, local: bool) -> Finding:
    """Judge how hard the key is to guess; `local`: only this machine can try."""
    check, title = "api_key", "API key"
    if key is None:
        return _ok(check, title, "none yet; `trailhook up` makes one")
    if is_weak(key):
        remedy = "Set TRAILHOOK_API_KEY to a long random text, or unset it to have one made."
        report = _warning if local else _problem
        return report(check, title, "easy to guess", remedy)
    return _ok(check, title, "set, long enough")


def secret_key(*, present: bool, embedded: bool) -> Finding:
    """Say whether there is a key that encrypts; whether it is the right one shows at the database."""
    if present:
        return _ok("secret_key", "Secret key", "set")
    if embedded:
        return _ok("secret_key", "Secret key", "none yet; `trailhook up` makes one")
    remedy = "Set TRAILHOOK_SECRET_KEY to the key of this database, for a new one to what `trailhook key --new` prints."
    return _problem("secret_key", "Secret key", "not set", remedy)


def cookies(path: str, facts: PathFacts) -> Finding:
    """Judge the file of cookies for yt-dlp."""
    check, title = "cookies", "Cookies file"
    if facts.kind is not PathKind.FILE or not facts.readable:
        remedy = "Correct TRAILHOOK_COOKIES_FILE and let this user read it, or unset it."
        return _problem(check, title, f"{path} is no file that can be read", remedy)
    if fault := _open_to_others(check, title, path, facts):
        return fault
    if "HTTP Cookie File" not in facts.first_line:
        remedy = "Export it again in Netscape format, which begins with `# Netscape HTTP Cookie File`."
        return _warning(check, title, f"{path} does not look like a cookie file", remedy)
    return _ok(check, title, path)


def database(facts: DatabaseFacts, skew: timedelta, *, key_fits: bool, embedded: bool) -> list[Finding]:
    """Judge a Postgres that answers: its schema, the key of its secrets, and how far its clock is before ours."""
    detail = f"Postgres {facts.version}{', embedded' if embedded else ''}"
    findings = [_schema(facts, detail)]
    if not key_fits:
        remedy = "Set TRAILHOOK_SECRET_KEY to the key that this database was first started with."
        findings.append(_problem("secret_key", "Secret key", "not the one of this database", remedy))
    if abs(skew) > MOST_SKEW:
        side = "behind" if skew > timedelta() else "ahead of"
        detail = f"this machine is {abs(skew.total_seconds()):.0f} s {side} the database"
        findings.append(_warning("clock", "Clock", detail, "Set the clocks of both machines by NTP."))
    else:
        findings.append(_ok("clock", "Clock", "as the database's"))
    return findings


def no_database(why: str, *, embedded: bool) -> Finding:
    """Judge that Postgres does not answer: the embedded one merely does not run."""
    if embedded:
        return _warning("database", "Database", "the embedded Postgres is not running", START)
    return _problem("database", "Database", "does not answer", why)


def redis(facts: RedisFacts | None, *, embedded: bool) -> Finding:
    """Judge Redis, which carries wake-ups only: what it loses costs seconds and no event."""
    check, title = "redis", "Redis"
    if facts is None and embedded:
        return _warning(check, title, "the embedded Valkey is not running", START)
    if facts is None:
        remedy = "Start Redis, or correct TRAILHOOK_REDIS_URL; until then events are stored and handled more slowly."
        return _problem(check, title, "does not answer", remedy)
    detail = f"{facts.name} {facts.version}{', embedded' if embedded else ''}"
    if facts.evicts:
        remedy = "Set its maxmemory-policy to noeviction."
        return _warning(check, title, f"{detail} throws keys away when its memory is full", remedy)
    if facts.persistent is False:
        remedy = "Set `appendonly yes` or `save` in its configuration; what it forgets is found again within seconds."
        return _warning(check, title, f"{detail} keeps nothing over a restart", remedy)
    return _ok(check, title, detail)


def workers(seen: Mapping[str, datetime] | None, now: datetime) -> Finding | None:
    """Judge the workers that reported lately; None where that is unknown because Redis is away."""
    if seen is None:
        return None
    if not seen:
        remedy = "Start `trailhook worker`, or everything with `trailhook up`."
        return _problem("workers", "Workers", "none is running", remedy)
    return _ok("workers", "Workers", ", ".join(f"{name} ({_ago(at, now)})" for name, at in sorted(seen.items())))


def connection(one: Connection, version: str | None, why: str, now: datetime) -> Finding:
    """Judge what an Arr answered just now; no version: it could not be used, and why not."""
    check, app = "connection", one.arr_type.app_name
    down = "" if one.down_since is None else f" for {_ago(one.down_since, now).removesuffix(' ago')}"
    if version is None:
        return _problem(check, one.name, f"{app} cannot be used{down}", why)
    detail = f"{app} {version} at {one.url}"
    if down:
        remedy = "Nothing to do: Trailhook asks it again within 5 minutes and catches up."
        return _warning(check, one.name, f"{detail}, which was down{down}", remedy)
    if one.is_unverified:
        remedy = "Set its ca_file instead of verify_tls=false."
        return _warning(check, one.name, f"{detail}, whose certificate is not checked", remedy)
    return _ok(check, one.name, detail)


def no_answer(one: Connection, seconds: float) -> str:
    """Say what to do about an Arr that does not answer in time."""
    return (
        f"{one.arr_type.app_name} at {one.url} gave no answer within {seconds:.0f} s: look whether it is busy or hangs."
    )


def no_roots(one: Connection, why: str) -> Finding:
    """Judge that an Arr does not tell its root folders."""
    return _problem("root", f"{one.name}: root folders", "not told", why)


def disabled(one: Connection) -> Finding:
    """Say that a connection is not looked at."""
    return _ok("connection", one.name, "disabled, not checked")


def webhook(
    one: Connection, last_event_at: datetime | None, doubt: str | None, now: datetime, entry: EntryFacts | None = None
) -> Finding:
    """Judge our entry in the Arr by what was asked just now, else by what is stored of it.

    `doubt`: why the Arr will probably not reach us; an event that came shows that it does.
    """
    check, title = "webhook", f"{one.name}: webhook"
    app = one.arr_type.app_name
    heard = "no event yet" if last_event_at is None else f"last event {_ago(last_event_at, now)}"
    state = webhook_state(one, last_event_at)
    if entry is not None and state is not WebhookState.MISSING:
        if fault := entry_fault(entry, app):
            return _warning(check, title, f"{fault}, {heard}", PUT_RIGHT)
        if state is WebhookState.BLOCKED and not entry.blocked:
            state = WebhookState.REGISTERED
    match state:
        case WebhookState.MISSING:
            remedy = one.webhook_error or "Nothing to do: Trailhook registers it again within half an hour."
            return _problem(check, title, f"not registered, {heard}", remedy)
        case WebhookState.BLOCKED:
            remedy = one.webhook_error or "Nothing to do: Trailhook has it tested, which ends that."
            return _warning(check, title, f"{app} sends nothing for now after failures, {heard}", remedy)
        case WebhookState.MANUAL | WebhookState.NEVER_CALLED if last_event_at is None:
            remedy = doubt or f"Press Test at the webhook under Settings > Connect in {app}."
            return _warning(check, title, heard, remedy)
    if notice := one.webhook_error or one.webhook_notice:
        return _warning(check, title, heard, notice)
    return _ok(check, title, heard)


def root(name: str, facts: RootFacts, user: int) -> Finding:
    """Judge a root folder of the connection of this name, where its mappings lead."""
    title = f"{name}: {facts.arr_path}"
    if facts.local is None or facts.facts is None:
        return _problem("root", title, "leads nowhere here", _map_it(facts))
    if fault := _folder_fault("root", title, facts.local.path, facts.facts, user):
        if facts.facts.kind is not PathKind.MISSING:
            return fault
        remedy = f"Mount it, or correct the mapping to {facts.local.path}." if facts.local.mapped else _map_it(facts)
        return _problem("root", title, fault.detail, remedy)
    where = f"is {facts.local.path} here" if facts.local.mapped else "is here"
    return _ok("root", title, f"{where}, readable and writable, {_size(facts.facts.free)} free")


def mapping_target(one: Connection, mapping: PathMapping, facts: PathFacts, user: int) -> Finding:
    """Judge the folder that a mapping leads to."""
    title = f"{one.name}: {mapping.path_from}"
    fault = _folder_fault("mapping", title, mapping.path_to, facts, user)
    return fault or _ok("mapping", title, f"is mapped to {mapping.path_to}, readable and writable")


def server(one: MediaServerRecord, who: str | None, why: str) -> Finding:
    """Judge what a media server answered just now, None where it could not be used, and how it was told last."""
    check = "server"
    if not one.enabled:
        return _ok(check, one.name, "disabled, not checked")
    if who is None:
        return _warning(check, one.name, "not told of new trailers", why)
    detail = f"{who} at {one.url}"
    if one.last_error is not None:
        return _warning(check, one.name, f"{detail}, not told of the last trailer", one.last_error)
    if not one.verify_tls:
        remedy = "Set its ca_file instead of verify_tls=false."
        return _warning(check, one.name, f"{detail}, whose certificate is not checked", remedy)
    return _ok(check, one.name, detail)


def unfinished(check: str, title: str, seconds: float) -> Finding:
    """Say that a check did not end in time."""
    remedy = "Look at the machine or the network in between, and run this again."
    return _problem(check, title, f"no answer within {seconds:.0f} s", remedy)


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Say whether nothing is a problem."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def _open_to_others(check: str, title: str, path: str, facts: PathFacts) -> Finding | None:
    if facts.kind is not PathKind.FILE or not facts.mode & 0o077:
        return None
    detail = f"{path} has mode {facts.mode:04o}: other users can read it"
    return _warning(check, title, detail, f"Run `chmod 600 {path}`.")


def _schema(facts: DatabaseFacts, detail: str) -> Finding:
    if facts.newer:
        remedy = "Update Trailhook: a newer version of it wrote this database."
        return _problem("database", "Database", f"{detail}, with a newer schema than this program knows", remedy)
    if not facts.at_head:
        remedy = "Run `trailhook migrate`, or `trailhook up`, which does so itself."
        return _problem("database", "Database", f"{detail}, with an older schema than this program's", remedy)
    return _ok("database", "Database", f"{detail}, schema up to date")


def _folder_fault(check: str, title: str, path: str, facts: PathFacts, user: int) -> Finding | None:
    match facts.kind:
        case PathKind.MISSING | PathKind.FILE:
            return _problem(check, title, f"{path} does not exist here", "Mount it, or correct the mapping.")
        case PathKind.UNREACHABLE:
            return _problem(check, title, f"{path} does not answer in time", "Check the disk or the network mount.")
    if not facts.readable:
        return _problem(check, title, f"{path} cannot be listed", f"Let user {user} read it.")
    if facts.locked is not None:
        detail = f"{path}/{facts.locked} is not writable: no trailer can be put there"
        return _problem(check, title, detail, f"Let user {user} write to the folders in {path}.")
    if not (facts.writable or facts.folders):  # trailers go into the folders, where there are any
        detail = f"{path} is not writable: no trailer can be put there"
        return _problem(
            check, title, detail, f"Let user {user} write there, and check that it is not mounted read-only."
        )
    return None


def _map_it(facts: RootFacts) -> str:
    if facts.likely is not None:
        option = map_option(facts.arr_path, facts.likely)
        return f"Maybe it is {facts.likely}: then map it at the connection, on the page or by connecting with {option}."
    option = map_option(facts.arr_path, "/path/here")
    return f"Mount it here, or map it at the connection, on the page or by connecting with {option}."


def _ago(moment: datetime, now: datetime) -> str:
    seconds = max((now - moment).total_seconds(), 0)
    for limit, length, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds / 86_400:.0f} d ago"


def _size(free: int | None) -> str:
    return "unknown space" if free is None else f"{free / (1 << 30):.0f} GiB"


def _ok(check: str, title: str, detail: str) -> Finding:
    return Finding(check=check, level=Level.OK, title=title, detail=detail)


def _warning(check: str, title: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, title=title, detail=detail, remedy=remedy)


def _problem(check: str, title: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, title=title, detail=detail, remedy=remedy)
