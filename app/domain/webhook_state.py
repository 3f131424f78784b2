"""What we can say of our entry in an Arr's Connect list."""

from __future__ import annotations

from datetime import datetime

from app.domain.records import Connection
from schemas.base import WebhookState


def webhook_state(connection: Connection, last_event_at: datetime | None) -> WebhookState:
    """Manual ones are the user's; of ours, a registered one has called at least once, for the Arr tests it."""
    if connection.manual_webhook:
        return WebhookState.MANUAL
    if connection.notification_id is None:
        return WebhookState.MISSING
    if connection.webhook_blocked:
        return WebhookState.BLOCKED
    return WebhookState.NEVER_CALLED if last_event_at is None else WebhookState.REGISTERED
