"""Records turned into what the API shows; secrets stay behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from app.context import Deps
from app.domain.breaker import SourceState, longest_pause, sources_of
from app.domain.records import Connection, Media
from app.domain.status import explain
from app.domain.webhook_state import webhook_state
from app.pipeline.arrs import webhook_url
from app.pipeline.connections import Changed
from app.pipeline.removal import Deleted
from app.pipeline.trailer_removal import TrailersRemoved
from schemas.base import Reason
from schemas.connection import ConnectionRead, LastRun, TrailersAfter, WebhookRead
from schemas.media import MediaRead
from schemas.status import MediaCounts

NOT_VERIFIED = "Its certificate is not checked, so that anybody in between can read its API key: set ca_file instead."
_MEDIA_FIELDS = set(MediaRead.model_fields) - {"reason_text"}


def media_read(title: Media, paused: Sequence[SourceState]) -> MediaRead:
    """Show a title; one that is due while its source is paused waits for that."""
    shown = {name: value for name, value in asdict(title).items() if name in _MEDIA_FIELDS}
    reason, detail = title.reason, title.reason_detail
    pause = longest_pause(paused, sources_of(title.trailer_url, title.root_path))
    if pause is not None and title.due_rank is not None:
        reason, detail = Reason.SOURCE_PAUSED, pause.reason
        shown["next_try_at"] = max(filter(None, (title.next_try_at, pause.until)), default=None)
    return MediaRead(**{**shown, "reason": reason}, reason_text=explain(reason, detail))


def webhook_read(connection: Connection, last_event_at: datetime | None) -> WebhookRead:
    """Show what is known of our entry in the Arr."""
    state = webhook_state(connection, last_event_at)
    return WebhookRead(state=state, error=connection.webhook_error, notice=connection.webhook_notice)


def connection_read(
    deps: Deps,
    connection: Connection,
    last_event_at: datetime | None,
    last_run: LastRun | None,
    titles: MediaCounts | None,
) -> ConnectionRead:
    """Show a connection without its secrets."""
    return ConnectionRead(
        id=connection.id,
        name=connection.name,
        slug=connection.slug,
        arr_type=connection.arr_type,
        url=connection.url,
        ca_file=connection.ca_file,
        verify_tls=connection.verify_tls,
        monitor_type=connection.monitor_type,
        path_mappings=connection.path_mappings,
        policy=connection.policy,
        enabled=connection.enabled,
        healthy=connection.down_since is None,
        webhook=webhook_read(connection, last_event_at),
        webhook_url=webhook_url(deps, connection.slug),
        arr_version=connection.arr_version,
        last_ok_at=connection.last_ok_at,
        last_error=connection.last_error,
        last_event_at=last_event_at,
        last_run=last_run,
        wanted=None if titles is None else titles.monitored + titles.downloading,
        created_at=connection.created_at,
        warnings=[NOT_VERIFIED] if connection.is_unverified else [],
    )


def trailers_after(deleted: Deleted) -> TrailersAfter:
    """Show what became of a deleted connection's trailers."""
    done = deleted.removal or TrailersRemoved()
    return TrailersAfter(removed=done.removed, kept=deleted.kept, remaining=done.left)


def left_entry_warnings(changed: Changed) -> list[str]:
    """Say what is left to do by hand in the Arr that a connection led to before."""
    if changed.left_entry is None:
        return []
    app = changed.connection.arr_type.app_name
    why = changed.left_entry.rstrip(".")
    return [f"Its webhook may still be in the {app} it led to before, under Settings > Connect: remove it ({why})."]


def deleted_text(deleted: Deleted) -> str:
    """Say what a deletion did, and what is left to do by hand."""
    message = f"{deleted.connection.name} is deleted; {_trailers_text(deleted.removal)}."
    if deleted.entry_error is None:
        return message
    app, why = deleted.connection.arr_type.app_name, deleted.entry_error.rstrip(".")
    return f"{message} Remove its webhook under Settings > Connect in {app} yourself if it is still there: {why}."


def _trailers_text(done: TrailersRemoved | None) -> str:
    if done is None:
        return "its trailers stay where they are"
    text = f"{done.removed} trailer{' was' if done.removed == 1 else 's were'} removed"
    if done.left:
        text += f", the other {done.left} are removed in the background"
    if done.kept:
        reasons = "; ".join(f"{count} {why}" for why, count in done.kept.most_common())
        text += f", {done.kept.total()} stay{'s' if done.kept.total() == 1 else ''} ({reasons})"
    return text
