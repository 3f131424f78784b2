"""`/metrics`, for Prometheus: what the status shows as numbers, and what this process counted itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from app.db.overview import FinishedRun
from schemas.base import RunOutcome
from schemas.status import StatusRead

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_RUN_COUNTS = {
    "fetched": "Titles that the app listed",
    "created": "Titles that were new",
    "updated": "Titles that were changed",
    "unchanged": "Titles that were as before",
    "deleted": "Titles that were deleted",
    "held": "Deletions that were held for a person's word",
    "skipped": "Items that could not be read",
}


class Meters(Collector):
    """The counts of one API process since its start; a plain number costs a webhook the least."""

    def __init__(self) -> None:
        self._webhooks: Counter[int] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count_webhook(self, status: int) -> None:
        """Count one answered webhook."""
        self._webhooks[status] += 1

    def collect(self) -> Iterable[Metric]:
        """Give the counts as prometheus-client asks for them."""
        answered = CounterMetricFamily("trailhook_webhooks", "Webhooks answered by this process.", labels=["status"])
        for status, count in sorted(self._webhooks.items()):
            answered.add_metric([str(status)], count)
        return [answered]

    def text(self, status: StatusRead, finished: Mapping[int, FinishedRun]) -> bytes:
        """Write the counts and the present state in Prometheus' format; `finished` are the last runs that ended."""
        return generate_latest(self._registry) + generate_latest(_gauges(status, finished))


def _gauges(status: StatusRead, finished: Mapping[int, FinishedRun]) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"trailhook_{name}", about, labels, registry=registry)

    gauge("info", "The version that runs.", "version").labels(status.version).set(1)
    gauge("healthy", "1 while all parts are well.").set(status.healthy)
    gauge("redis_up", "1 while Redis answers.").set(status.redis)
    gauge("workers", "Workers seen within 30 s.").set(len(status.workers))
    gauge("started_timestamp_seconds", "When this process started.").set(status.started_at.timestamp())
    titles = gauge("titles", "Titles by status.", "status")
    for name in ("downloading", "downloaded", "monitored", "missing"):
        titles.labels(name).set(getattr(status.media, name))
    events = gauge("events", "Events that are not done.", "state")
    events.labels("pending").set(status.inbox.pending)
    events.labels("failed").set(status.inbox.failed)
    gauge("event_oldest_seconds", "How long the oldest pending event waits.").set(status.inbox.oldest_seconds or 0)
    queue = gauge("queue_jobs", "Jobs that wait in Redis.", "queue")
    for name in ("sync", "download"):
        depth = getattr(status.queue, name)
        if depth is not None:
            queue.labels(name).set(depth)
    gauge("downloads_active", "Downloads under way.").set(len(status.downloads.active))
    gauge("downloads_paused", "1 while downloads are paused.").set(status.downloads.paused_reason is not None)
    if status.yt_dlp.age_days is not None:
        gauge("yt_dlp_age_days", "Days since the yt-dlp that is used came out.").set(status.yt_dlp.age_days)
    _add_connections(gauge, status)
    _add_runs(gauge, {one.name: finished[one.id] for one in status.connections if one.id in finished})
    return registry


def _add_connections(gauge: Callable[..., Gauge], status: StatusRead) -> None:
    up = gauge("connection_up", "1 while the Arr answers.", "connection")
    last_event = gauge("connection_last_event_timestamp_seconds", "When the Arr last sent an event.", "connection")
    for one in status.connections:
        up.labels(one.name).set(one.healthy)
        if one.last_event_at is not None:
            last_event.labels(one.name).set(one.last_event_at.timestamp())


def _add_runs(gauge: Callable[..., Gauge], finished: Mapping[str, FinishedRun]) -> None:
    last_run = gauge("connection_last_run_timestamp_seconds", "When the last reconciliation ended.", "connection")
    run_ok = gauge("connection_last_run_completed", "1 if the last reconciliation completed.", "connection")
    for name, run in finished.items():
        last_run.labels(name).set(run.finished_at.timestamp())
        run_ok.labels(name).set(run.outcome == RunOutcome.COMPLETED)
    for count, about in _RUN_COUNTS.items():
        counted = gauge(f"connection_last_run_{count}", f"{about}, in the last reconciliation.", "connection")
        for name, run in finished.items():
            counted.labels(name).set(getattr(run, count))
