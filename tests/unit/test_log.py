"""No secret gets into a log line, by its field's name or inside a text."""

from __future__ import annotations

import pytest

from app.log import redact


@pytest.mark.parametrize(
    "name", ["api_key", "apikey", "webhook_password", "Authorization", "secret_key", "lease_token"]
)
def test_fields_named_like_secrets_are_blanked(name: str) -> None:
    assert redact(None, "info", {name: "hunter2"}) == {name: "***"}


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("GET http://radarr/api?apikey=hunter2&x=1", "GET http://radarr/api?apikey=***&x=1"),
        ("X-Plex-Token: hunter2", "X-Plex-Token: ***"),
        ('MediaBrowser Token="hunter2"', 'MediaBrowser Token="***"'),
        ("X-Api-Key: hunter2", "X-Api-Key: ***"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: Basic ***"),
        ("postgresql://trailhook:hunter2@db:5432/trailhook", "postgresql://trailhook:***@db:5432/trailhook"),
        ("redis://:hunter2@redis:6379/0", "redis://:***@redis:6379/0"),
        ("http://127.0.0.1:7979/webhooks/radarr", "http://127.0.0.1:7979/webhooks/radarr"),
    ],
)
def test_secrets_inside_texts_are_cut_out(text: str, safe: str) -> None:
    assert redact(None, "info", {"event": text}) == {"event": safe}
