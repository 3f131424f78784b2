"""Settings: every bad value is reported at once, and none is repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.errors import SetupError
from app.settings import load_settings


def test_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.url_base) == ("127.0.0.1", 7979, "")
    assert settings.reconcile_interval == timedelta(hours=1)
    assert settings.max_body_bytes == 4 * 1024 * 1024
    assert settings.service_url == "http://127.0.0.1:7979"


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "DATABASE_URL": "postgres://u:p@db/trailhook",
        "DOWNLOAD_GAP": "500ms",
        "EVENT_RETENTION": "7d",
        "STOP_GRACE": "3",
        "URL_BASE": "/trailhook/",
        "FILE_MODE": "0664",
        "POLICY_LANGUAGES": "de, Original,en,de",
        "POLICY_SKIP_TAGS": "kids",
        "PUBLIC_URL": "https://trailhook.example/x/",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"TRAILHOOK_{name}", value)
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql+asyncpg://u:p@db/trailhook"
    assert settings.download_gap == timedelta(seconds=0.5)
    assert settings.event_retention == timedelta(days=7)
    assert settings.stop_grace == timedelta(seconds=3)
    assert settings.url_base == "/trailhook"
    assert settings.file_mode == 0o664
    assert (settings.policy_languages, settings.policy_skip_tags) == (("de", "original", "en"), ("kids",))
    assert settings.webhook_base_url == "https://trailhook.example/x"


def test_all_bad_values_are_named_at_once_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {
        "PORT": "70000",
        "DATABASE_URL": "mysql://u:hunter2@db/x",
        "RECONCILE_INTERVAL": "soon",
        "API_KEY": "hunter2",
        "PUBLIC_URL": "trailhook:7979",
        "FILE_MODE": "rw-r--r--",
    }
    for name, value in bad.items():
        monkeypatch.setenv(f"TRAILHOOK_{name}", value)
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert all(f"TRAILHOOK_{name}:" in caught.value.message for name in bad)
    assert "hunter2" not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "trailhook:7979",
        "http://",
        "ftp://h",
        "http://u@h",
        "http://:pw@h",
        "http://h?x",
        "http://h/#x",
        "http://h:99999",
    ],
)
def test_a_public_url_that_no_arr_could_use_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("TRAILHOOK_PUBLIC_URL", address)
    with pytest.raises(SetupError, match="TRAILHOOK_PUBLIC_URL: write a full address"):
        load_settings()


def test_a_short_api_key_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILHOOK_API_KEY", "x" * 15)
    with pytest.raises(SetupError, match="use 16 characters or more"):
        load_settings()
    monkeypatch.setenv("TRAILHOOK_API_KEY", "x" * 16)
    assert load_settings().api_key is not None
