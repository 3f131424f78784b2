"""Settings from the environment, TRAILHOOK_*: read and validated once, at start."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import SetupError
from schemas.duration import Duration
from schemas.settings import Tunables

ENV_PREFIX = "TRAILHOOK_"
LEAST_API_KEY = 16  # characters


def parse_mode(value: object) -> object:
    """Turn an octal file mode such as 0644 into its number."""
    if isinstance(value, str):
        if not re.fullmatch(r"(0o?)?[0-7]{3}", value):
            message = "write an octal mode of three digits, such as 0644"
            raise ValueError(message)
        return int(value, 8)
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and value.isprintable()
    except ValueError:  # a port that is none, or a bracket too few
        usable = False
    if not usable or any(mark in value for mark in "@?# "):
        message = "write a full address such as http://trailhook:7979, without user name or query"
        raise ValueError(message)
    return value.rstrip("/")


def _long_enough(key: SecretStr | None) -> SecretStr | None:
    if key is not None and len(key.get_secret_value()) < LEAST_API_KEY:
        message = f"use {LEAST_API_KEY} characters or more, such as `trailhook key --new` prints"
        raise ValueError(message)
    return key


def _url_base(value: str) -> str:
    base = value.strip().strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", base):
        message = "use letters, digits, '-', '_', '.', '~' and '/' only"
        raise ValueError(message)
    return f"/{base}" if base else ""


def parse_networks(value: object) -> object:
    """Turn comma-separated addresses and networks into networks."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        message = "write addresses or networks such as 127.0.0.1 or 172.18.0.0/16, comma-separated"
        raise ValueError(message) from None


def _one_line(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        message = "copy the API key or the token again: it is one line of letters and digits"
        raise ValueError(message)
    return SecretStr(text)


def default_data_dir() -> Path:
    """Give `/var/lib/trailhook` for root, else the platform's user data directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/trailhook")
    return platformdirs.user_data_path("trailhook")


FileMode = Annotated[int, BeforeValidator(parse_mode)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(parse_networks)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(Tunables, BaseSettings):
    """One process's settings; `load_settings` reports every bad value at once.

    Of the tunable ones only `fixed` may be used here: the values that hold come from `app.pipeline.settings`.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, enable_decoding=False, frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=7979, ge=1, le=65535)
    url_base: Annotated[str, AfterValidator(_url_base)] = ""
    public_url: HttpUrl | None = None
    trusted_proxies: Networks = ()
    api_key: Annotated[SecretStr | None, AfterValidator(_long_enough)] = None
    secret_key: SecretStr | None = None
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    download_concurrency: int = Field(default=1, ge=1, le=8)
    stop_grace: Duration = timedelta(seconds=8)
    ffmpeg: Path | None = None
    tmdb_api_key: Annotated[SecretStr, AfterValidator(_one_line)] | None = None
    tmdb_url: HttpUrl | None = None
    cookies_file: Path | None = None
    proxy: SecretStr | None = None
    file_mode: FileMode | None = None
    dir_mode: FileMode | None = None
    puid: int | None = Field(default=None, ge=0, lt=2**32 - 1)
    pgid: int | None = Field(default=None, ge=0, lt=2**32 - 1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator(
        "policy_languages",
        "policy_only_tags",
        "policy_skip_tags",
        "policy_only_genres",
        "policy_subtitles",
        mode="before",
    )
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        for prefix in ("postgresql+asyncpg://", "postgresql://", "postgres://"):
            if text.startswith(prefix):
                return SecretStr("postgresql+asyncpg://" + text.removeprefix(prefix))
        message = "write a Postgres address such as postgresql://user:password@host/trailhook"
        raise ValueError(message)

    @field_validator("redis_url")
    @classmethod
    def _redis_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            message = "write a Redis address such as redis://:password@host:6379/0"
            raise ValueError(message)
        return value

    @property
    def fixed(self) -> dict[str, Any]:
        """Give the tunable settings that the environment sets, which nobody can change while it runs."""
        return {name: getattr(self, name) for name in Tunables.model_fields if name in self.model_fields_set}

    @property
    def service_url(self) -> str:
        """Where a client on this machine reaches the service."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}{self.url_base}"

    @property
    def webhook_base_url(self) -> str:
        """Where Arrs reach the service; PUBLIC_URL where it is set."""
        return self.public_url or self.service_url


def load_settings() -> Settings:
    """Read the environment.

    Raises SetupError that names every bad variable and never repeats a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{ENV_PREFIX}{'_'.join(str(part) for part in fault['loc']).upper()}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        message = "Correct these settings: " + "; ".join(faults)
        raise SetupError(message) from None
