"""The status endpoint and the health checks."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar

from schemas.base import ArrType, Model
from schemas.connection import LastRun, WebhookRead

T = TypeVar("T")


class WorkerRead(Model):
    """A worker process that reported within the last 30 s."""

    name: str
    last_seen: datetime


class InboxRead(Model):
    """Events not yet processed; `oldest_seconds` is null when there is none."""

    pending: int
    oldest_seconds: float | None
    failed: int


class MediaCounts(Model):
    """Titles, in all and by status."""

    total: int
    downloading: int
    downloaded: int
    monitored: int
    missing: int


class ConnectionStatus(Model):
    """A connection in the status."""

    id: int
    name: str
    arr_type: ArrType
    enabled: bool
    healthy: bool
    error: str | None
    webhook: WebhookRead
    last_event_at: datetime | None
    last_run: LastRun | None


class ActiveDownload(Model):
    """A download under way; `percent` is null until the size is known."""

    media_id: int
    title: str
    percent: float | None
    started_at: datetime


class PausedRootRead(Model):
    """A root folder, by its path in the app, into which none are started; `paused_until` is null during its probe."""

    root_path: str
    paused_until: datetime | None
    paused_reason: str


class DownloadsRead(Model):
    """Downloads under way, and until when and why none are started: anywhere, or into some root folders."""

    active: list[ActiveDownload]
    paused_until: datetime | None
    paused_reason: str | None
    paused_roots: list[PausedRootRead]


class QueueRead(Model):
    """Jobs in Redis per queue; null where Redis is away."""

    sync: int | None
    download: int | None


class YtDlpRead(Model):
    """The yt-dlp that this process sees; the age is null where its version is no date."""

    version: str | None
    age_days: int | None


class StatusRead(Model):
    """All of Trailhook at a glance; `healthy` is false while any part named here is not."""

    version: str
    started_at: datetime
    healthy: bool
    database: bool
    redis: bool
    queue: QueueRead
    workers: list[WorkerRead]
    inbox: InboxRead
    media: MediaCounts
    connections: list[ConnectionStatus]
    downloads: DownloadsRead
    yt_dlp: YtDlpRead


class Health(Model):
    """Alive or ready; `parts` names what is away."""

    status: Literal["ok", "degraded", "unavailable"]
    parts: tuple[str, ...] = ()


class ErrorBody(Model):
    """What went wrong: a stable code, one sentence, and for validation the faults by field."""

    code: str
    message: str
    fields: dict[str, str] | None = None


class ErrorRead(Model):
    """Every error answer."""

    error: ErrorBody


class Page(Model, Generic[T]):
    """A part of a list; `next_cursor` is null at its end."""

    items: list[T]
    next_cursor: str | None
    total: int
