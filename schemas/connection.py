"""Connections to Radarr and Sonarr: as a person makes them and as the API shows them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StrictBool, StringConstraints

from schemas.base import ArrType, Model, MonitorType, RunOutcome, WebhookState
from schemas.policy import (
    Languages,
    MaxHeight,
    MaxSeconds,
    MinHeight,
    MinSeconds,
    Prefer,
    SubtitleLanguages,
    TrailerName,
    Words,
)

MAX_NAME_LENGTH = 60


def arr_base_url(text: str) -> str:
    """Check the address of an Arr and give it without a trailing slash; raises ValueError that says what to write."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        message = "the port must be a number from 1 to 65535, and an IPv6 address must stand in brackets"
        raise ValueError(message)
    if parts.scheme not in {"http", "https"}:
        message = "begin the address with http:// or https://, as in http://radarr:7878"
        raise ValueError(message)
    if not parts.hostname or parts.query or parts.fragment or not text.isprintable() or " " in text:
        message = "give the address that you open the app under, as in http://radarr:7878 or http://nas/radarr"
        raise ValueError(message)
    if parts.username is not None or parts.password is not None:
        message = "leave user name and password out of the address; the API key is all that is needed"
        raise ValueError(message)
    if re.search(r"/api(/v\d+(/.*)?)?/?$", parts.path, re.IGNORECASE):
        message = "leave /api/v3 out: give the address that you open the app under in a browser"
        raise ValueError(message)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def absolute_path(text: str) -> str:
    """Check a folder of the Arr's host: POSIX, Windows (`a drive letter`) or UNC; raises ValueError otherwise."""
    if "\x00" in text or not (text.startswith(("/", "\\\\")) or text[1:3] in {":\\", ":/"}):
        message = r"write a full path, such as /movies, D:\Movies or \\nas\movies"
        raise ValueError(message)
    return text


def local_path(text: str) -> str:
    """Check a folder of this machine; raises ValueError unless it is absolute and clean."""
    if "\x00" in text or not text.startswith("/") or ".." in text.split("/"):
        message = "write the full path on this machine, such as /media/movies"
        raise ValueError(message)
    return text


def printable(text: str) -> str:
    """Refuse control characters and lone surrogates with a ValueError."""
    if not text.isprintable():
        message = "use printable characters only"
        raise ValueError(message)
    return text


def plain_key(key: SecretStr) -> SecretStr:
    """Take an API key without the white space around it; raises ValueError where it has more than one line."""
    text = key.get_secret_value().strip()
    if not text or not text.isprintable():
        message = "copy the API key again from Settings > General: it is one line of letters and digits"
        raise ValueError(message)
    return SecretStr(text)


class PathMapping(Model):
    """The Arr sees `path_from` where this machine sees `path_to`."""

    path_from: Annotated[str, AfterValidator(absolute_path)]
    path_to: Annotated[str, AfterValidator(local_path)]


class PolicyOverride(Model):
    """What one connection does differently from the default trailer policy; null means the default."""

    max_height: MaxHeight | None = None
    min_height: MinHeight | None = None
    prefer: Prefer | None = None
    min_seconds: MinSeconds | None = None
    max_seconds: MaxSeconds | None = None
    languages: Languages | None = None
    need_media_file: StrictBool | None = None
    only_tags: Words | None = None
    skip_tags: Words | None = None
    only_genres: Words | None = None
    search: StrictBool | None = None
    subtitles: SubtitleLanguages | None = None
    loudness: StrictBool | None = None
    convert: StrictBool | None = None
    remove_with_title: StrictBool | None = None
    name: TrailerName | None = None


ConnectionName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_LENGTH),
    AfterValidator(printable),
]
ApiKey = Annotated[SecretStr, Field(max_length=200), AfterValidator(plain_key)]
ArrUrl = Annotated[str, Field(max_length=2000), AfterValidator(arr_base_url)]
CaFile = Annotated[str, AfterValidator(local_path)]


class ConnectionCreate(Model):
    """A new connection; `name` defaults to the app's name."""

    name: ConnectionName | None = None
    arr_type: ArrType
    url: ArrUrl
    api_key: ApiKey
    monitor_type: MonitorType = MonitorType.MISSING
    path_mappings: tuple[PathMapping, ...] = ()
    policy: PolicyOverride = PolicyOverride()
    ca_file: CaFile | None = None
    verify_tls: StrictBool = True
    register_webhook: StrictBool = True


class ConnectionUpdate(Model):
    """What may change; what is absent stays. Lists and the policy are replaced as a whole, a null `ca_file` removes it.

    The app cannot change, and the webhook's address stays whatever the name.
    """

    name: ConnectionName = ""
    url: ArrUrl = ""
    api_key: ApiKey = SecretStr("")
    monitor_type: MonitorType = MonitorType.MISSING
    path_mappings: tuple[PathMapping, ...] = ()
    policy: PolicyOverride = PolicyOverride()
    enabled: StrictBool = True
    ca_file: CaFile | None = None
    verify_tls: StrictBool = True


class WebhookRead(Model):
    """What we know of our entry in the Arr's Connect list; `notice` is what a person should know of it."""

    state: WebhookState
    error: str | None = None
    notice: str | None = None


class LastRun(Model):
    """How the connection's newest reconciliation went."""

    id: int
    outcome: RunOutcome | None
    finished_at: datetime | None
    error: str | None


class ConnectionRead(Model):
    """A connection without its secrets; `wanted` is how many titles will get a trailer, null until they are counted."""

    id: int
    name: str
    slug: str
    arr_type: ArrType
    url: str
    ca_file: str | None
    verify_tls: bool
    monitor_type: MonitorType
    path_mappings: tuple[PathMapping, ...]
    policy: PolicyOverride
    enabled: bool
    healthy: bool
    webhook: WebhookRead
    webhook_url: str
    arr_version: str | None
    last_ok_at: datetime | None
    last_error: str | None
    last_event_at: datetime | None
    last_run: LastRun | None
    wanted: int | None
    created_at: datetime
    warnings: list[str]


class ConnectionChanged(ConnectionRead):
    """The answer to a change; `run_id` is the reconciliation that decides its titles anew, where one is needed."""

    run_id: int | None


class ConnectionTest(Model):
    """How asking the Arr just now went."""

    ok: bool
    message: str


class TrailersAfter(Model):
    """What became of a deleted connection's trailers; the workers go on with the `remaining`."""

    removed: int
    kept: int
    remaining: int


class ConnectionDeleted(Model):
    """The answer to a deletion; `message` says what stays, and what is left to do by hand."""

    id: int
    webhook_removed: bool
    trailers: TrailersAfter
    message: str


class ConnectionCreated(ConnectionRead):
    """The answer to a new connection: the only place where the webhook's password is ever shown."""

    webhook_user: str
    webhook_password: str
    run_id: int
