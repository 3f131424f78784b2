"""`trailhook doctor`: what is right, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from app.cli.checkup import check_up
from app.cli.tables import console, plain
from app.log import configure_logging
from app.settings import Settings, load_settings
from schemas.doctor import DoctorRead, Finding, Level

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Check this machine, the stores, each connection and its folders, and say what to do; changes nothing."""
    settings = load_settings()
    configure_logging("critical", settings.log_format)
    if not asyncio.run(_check_and_show(settings, as_json=as_json)):
        raise typer.Exit(1)


async def _check_and_show(settings: Settings, *, as_json: bool) -> bool:
    """Show the findings before the loop ends, which waits for name look-ups that hang; true where all is well."""
    found = await check_up(settings)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(found)
    return found.healthy


def _show(found: DoctorRead) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=22)
    table.add_column(overflow="fold", ratio=1)
    for finding in found.findings:
        level = f"[{_STYLES[finding.level]}]{finding.level}[/]"
        table.add_row(level, plain(finding.title), _text(finding))
    screen = console()
    screen.print(table)
    screen.print(_summary(found.findings))


def _text(finding: Finding) -> str:
    return plain(finding.detail) + ("" if finding.remedy is None else f"\n-> {plain(finding.remedy)}")


def _summary(findings: list[Finding]) -> str:
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    named = [f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}" for level in (Level.PROBLEM, Level.WARNING)]
    said = [text for text in named if not text.startswith("0")]
    return f"{' and '.join(said)}." if said else "Everything is in order."
