"""Answers of the service as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas.connection import ConnectionRead
from schemas.event import EventRead
from schemas.media import MediaRead
from schemas.run import RunRead
from schemas.status import DownloadsRead, StatusRead, YtDlpRead


def console() -> Console:
    """Make the console for standard output."""
    return Console(highlight=False)


def plain(text: str) -> str:
    """Take from other people's words what a terminal would act on."""
    return escape("".join(char if char.isprintable() else " " for char in text))


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago something was, or how long it still takes."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    size = abs(seconds)
    for limit, unit, length in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if size < limit:
            text = f"{int(size / unit)} {length}"
            break
    else:
        text = f"{int(size / 86_400)} d"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def media_table(titles: Sequence[MediaRead]) -> Table:
    """Show titles with their status and why."""
    table = _table("ID", "Title", "Status", "Reason", "Next try")
    for title in titles:
        name = f"{title.title} ({title.year})" if title.year else title.title
        next_try = "" if title.next_try_at is None else ago(title.next_try_at)
        table.add_row(str(title.id), plain(name), title.status, plain(title.reason_text or ""), next_try)
    return table


def event_table(events: Sequence[EventRead]) -> Table:
    """Show events with what became of each."""
    table = _table("ID", "Age", "Event", "Title", "What became of it")
    table.columns[3].max_width = console().width // 4
    for event in events:
        title = event.title or ("" if event.arr_id is None else f"item {event.arr_id}")
        outcome = event.state if event.note is None else f"{event.state}: {event.note}"
        if event.next_try_at is not None:
            outcome += f" Next try {ago(event.next_try_at)}."
        table.add_row(
            str(event.id),
            ago(event.received_at).removesuffix(" ago"),
            plain(f"{event.connection_name} {event.event_type or '?'}"),
            plain(title),
            plain(outcome),
        )
    return table


def run_table(runs: Sequence[RunRead], names: Mapping[int, str]) -> Table:
    """Show reconciliations with what each did; `names` are the connections' by id."""
    table = _table("ID", "Connection", "Trigger", "Outcome", "Began", "Titles", "New", "Changed", "Deleted", "Held")
    for run in runs:
        outcome = run.outcome or ("waiting" if run.started_at is None else "running")
        text = outcome if run.error is None else f"{outcome}: {run.error}"
        began = ago(run.started_at) if run.started_at else "not yet"
        counts = (run.fetched, run.created, run.updated, run.deleted, run.held_deletions)
        name = names.get(run.connection_id, "deleted")
        table.add_row(str(run.id), plain(name), run.trigger, plain(text), began, *map(str, counts))
    return table


def connection_table(connections: Sequence[ConnectionRead]) -> Table:
    """Show connections with their health."""
    table = _table("ID", "Name", "App", "URL", "Health", "Webhook", "Last event")
    for one in connections:
        health = "ok" if one.healthy else plain(one.last_error or "down")
        app = f"{one.arr_type.app_name} {one.arr_version or ''}".strip()
        webhook = one.webhook.state if one.webhook.error is None else f"{one.webhook.state}: {one.webhook.error}"
        table.add_row(
            str(one.id), plain(one.name), plain(app), plain(one.url), health, plain(webhook), ago(one.last_event_at)
        )
    return table


def status_table(status: StatusRead) -> Table:
    """Show the status at a glance."""
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {
        "Trailhook": f"{status.version}, {'healthy' if status.healthy else 'not healthy'}, "
        f"started {ago(status.started_at)}",
        "Redis": "ok" if status.redis else "away; events are stored and handled more slowly",
        "Workers": ", ".join(worker.name for worker in status.workers) or "none",
        "Inbox": f"{status.inbox.pending} pending, {status.inbox.failed} failed",
        "Titles": f"{status.media.total}: {status.media.downloaded} downloaded, "
        f"{status.media.downloading} downloading, {status.media.monitored} monitored, {status.media.missing} missing",
        "Downloads": _downloads(status.downloads),
        "yt-dlp": _ytdlp(status.yt_dlp),
    }
    for name, text in rows.items():
        table.add_row(f"[bold]{name}[/bold]", plain(text))
    for one in status.connections:
        health = "ok" if one.healthy else (one.error or "down").rstrip(".")
        table.add_row(f"[bold]{plain(one.name)}[/bold]", plain(f"{health}; last event {ago(one.last_event_at)}"))
    return table


def _ytdlp(found: YtDlpRead) -> str:
    if found.version is None:
        return "not installed"
    return found.version if found.age_days is None else f"{found.version}, {found.age_days} days old"


def _downloads(downloads: DownloadsRead) -> str:
    active = ", ".join(_download(one.title, one.percent) for one in downloads.active) or "none"
    paused = [] if downloads.paused_reason is None else [("paused", downloads.paused_until, downloads.paused_reason)]
    paused += [(f"{one.root_path} paused", one.paused_until, one.paused_reason) for one in downloads.paused_roots]
    return "; ".join([active, *(_paused(*one) for one in paused)])


def _paused(what: str, until: datetime | None, reason: str) -> str:
    return f"{what}{f', tried again {ago(until)}' if until else ''}: {reason}"


def _download(title: str, percent: float | None) -> str:
    return title if percent is None else f"{title} {percent:.0f} %"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
