"""All commands in one program, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from app.cli import (
    client_commands,
    connect_commands,
    doctor_commands,
    key_commands,
    match_commands,
    role_commands,
    update_commands,
)
from app.errors import SetupError, TrailhookError
from app.version import VERSION

SUPERVISED = "TRAILHOOK_SUPERVISED"
FAILED = 1

app = typer.Typer(
    name="trailhook",
    help="Puts a trailer beside every movie and series the moment Radarr or Sonarr imports it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
role_commands.add_to(app)
key_commands.add_to(app)
doctor_commands.add_to(app)
update_commands.add_to(app)
connect_commands.add_to(app)
client_commands.add_to(app)
match_commands.add_to(app)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"trailhook {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(  # noqa: ARG001 - handled by the callback
        False,
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Show the version.",
    ),
) -> None:
    ctx.obj = debug


def main() -> None:
    """Run the command; every expected error is one sentence on standard error and exit code 1."""
    try:
        app()
    except TrailhookError as error:
        if "--debug" in sys.argv[1:]:
            raise
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error.message}", markup=False)
        supervised = isinstance(error, SetupError) and SUPERVISED in os.environ
        sys.exit(os.EX_CONFIG if supervised else FAILED)
