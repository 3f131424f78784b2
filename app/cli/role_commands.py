"""Commands that work on this machine: up, api, worker, migrate."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from app.cli import roles
from app.db.schema import migrate as migrate_database
from app.log import configure_logging
from app.settings import load_settings
from app.web.state import Keys


class QueueName(StrEnum):
    """A queue that a worker serves."""

    SYNC = "sync"
    DOWNLOAD = "download"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, api, worker, migrate):
        app.command()(command)


def up() -> None:
    """Run everything on this machine: the stores that are not configured, API and worker."""
    raise typer.Exit(roles.supervise(load_settings()))


def api() -> None:
    """Run the API alone; needs DATABASE_URL, REDIS_URL, SECRET_KEY and API_KEY."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    roles.required(settings, "database_url", "redis_url", "secret_key", "api_key")
    assert settings.api_key is not None
    assert settings.secret_key is not None
    roles.refuse_weak_key(settings, settings.api_key)
    listener = roles.open_port(settings)
    roles.run(roles.serve_api(settings, Keys(settings.api_key, settings.secret_key), listener))


def worker(
    queue: Annotated[list[QueueName] | None, typer.Option(help="Serve this queue alone; may be repeated.")] = None,
) -> None:
    """Run a worker alone; needs DATABASE_URL, REDIS_URL and SECRET_KEY."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    roles.required(settings, "database_url", "redis_url", "secret_key")
    assert settings.secret_key is not None
    roles.run(roles.serve_worker(settings, settings.secret_key, frozenset(name.value for name in queue or QueueName)))


def migrate() -> None:
    """Bring the database's schema to the one that this program knows; needs DATABASE_URL."""
    settings = load_settings()
    roles.required(settings, "database_url")
    assert settings.database_url is not None
    changed = asyncio.run(migrate_database(settings.database_url))
    typer.echo("The database is up to date now." if changed else "The database was up to date already.")
