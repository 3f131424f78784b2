"""Rows as the rules and the pipelines see them: frozen, without SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path

from app.domain.disk import DiskState
from schemas.base import (
    ArrType,
    CandidateSource,
    FetchFailure,
    MediaKind,
    MonitorStatus,
    MonitorType,
    Reason,
)
from schemas.connection import PathMapping, PolicyOverride
from schemas.media import MediaCreate


class Rank(IntEnum):
    """Who wants a trailer; lower goes first."""

    PERSON = 0
    EVENT = 1
    RETRY = 2
    BACKFILL = 3


@dataclass(frozen=True, slots=True)
class Connection:
    """One Radarr or Sonarr; `api_key` and `webhook_password` are encrypted."""

    id: int
    name: str
    slug: str
    arr_type: ArrType
    url: str
    api_key: str
    ca_file: str | None
    verify_tls: bool
    monitor_type: MonitorType
    path_mappings: tuple[PathMapping, ...]
    policy: PolicyOverride
    tag_labels: Mapping[int, str]
    enabled: bool
    webhook_password: str
    notification_id: int | None
    manual_webhook: bool
    webhook_error: str | None
    webhook_notice: str | None
    webhook_blocked: bool
    webhook_refused: bool
    webhook_checked_at: datetime | None
    down_since: datetime | None
    probe_at: datetime | None
    failures: int
    last_ok_at: datetime | None
    last_error: str | None
    arr_version: str | None
    created_at: datetime
    deleted_at: datetime | None
    remove_trailers: bool

    @property
    def is_unverified(self) -> bool:
        """Say whether it has a certificate that nobody checks."""
        return not self.verify_tls and self.url.startswith("https:")

    @property
    def kind(self) -> MediaKind:
        """What its items are."""
        return MediaKind.MOVIE if self.arr_type is ArrType.RADARR else MediaKind.SERIES


@dataclass(frozen=True, slots=True)
class Media:
    """One title: what the Arr says, what the disk shows, what was tried and what was decided."""

    id: int
    connection_id: int
    arr_id: int | None
    kind: MediaKind
    title: str
    original_title: str | None
    alternative_titles: tuple[str, ...]
    clean_title: str | None
    year: int | None
    language: str | None
    overview: str | None
    runtime: int | None
    studio: str | None
    imdb_id: str | None
    tmdb_id: int | None
    tvdb_id: int | None
    youtube_trailer_id: str | None
    title_slug: str | None
    poster_url: str | None
    fanart_url: str | None
    arr_path: str
    path_mapped: bool
    folder_path: str | None
    root_path: str | None
    media_exists: bool
    media_filename: str | None
    season_count: int | None
    tags: tuple[int, ...]
    genres: tuple[str, ...]
    arr_monitored: bool
    arr_added_at: datetime | None
    monitor: bool
    monitor_pinned: bool
    trailer_url: str | None
    disk_state: DiskState
    disk_tries: int
    trailer_exists: bool
    trailer_removed: bool
    missing_since: datetime | None
    wanted_rank: Rank
    tries: int
    retry_at: datetime | None
    last_failure: FetchFailure | None
    failure_text: str | None
    status: MonitorStatus
    reason: Reason | None
    reason_detail: str | None
    next_try_at: datetime | None
    due_rank: Rank | None
    version: int
    read_at: datetime
    added_at: datetime
    updated_at: datetime
    downloaded_at: datetime | None

    @property
    def external_id(self) -> str:
        """The title as all its connections know it; one without an external id by its connection alone."""
        if self.tmdb_id:
            return f"tmdb:{self.tmdb_id}"
        if self.tvdb_id:
            return f"tvdb:{self.tvdb_id}"
        return f"connection:{self.connection_id}:{self.arr_id}"

    @property
    def identity(self) -> str:
        """The same, with its kind."""
        return f"{self.kind}:{self.external_id}"

    @property
    def folder(self) -> Path | None:
        """The title's folder on this machine, None where no mapping leads to one."""
        return Path(self.folder_path) if self.folder_path is not None else None


@dataclass(frozen=True, slots=True)
class StagedMedia:
    """A title as its Arr describes it, with what our rules add; `monitor` is the rule's word, a pin beats it."""

    created: MediaCreate
    monitor: bool
    path_mapped: bool
    folder_path: str | None
    root_path: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A video that may be the trailer, and where it comes from; `url` is canonical."""

    source: CandidateSource
    url: str
    video_id: str
