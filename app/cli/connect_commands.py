"""`trailhook connect`: add a connection, say what was found, and follow its first reconciliation."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.run_progress import follow_run, tell_run
from app.cli.service import Service
from app.domain.expectation import expectation, seconds_each
from app.errors import Conflict, InvalidRequest, TrailhookError
from app.settings import load_settings
from schemas.base import ArrType, MonitorStatus, MonitorType, WebhookState
from schemas.connection import ConnectionChanged, ConnectionCreated, ConnectionRead, arr_base_url
from schemas.duration import parse_duration
from schemas.media import MediaRead
from schemas.settings import SettingRead
from schemas.status import Page

START_PATIENCE = 30.0  # s; the connection is added whether or not a worker takes its first run
KEY_SIZE = 512  # bytes, more than any app's key


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(connect)


def connect(
    arr_type: Annotated[ArrType, typer.Argument(help="Which app it is.", metavar="radarr|sonarr")],
    url: Annotated[str, typer.Argument(help="The address that you open the app under, as http://radarr:7878.")],
    api_key_file: Annotated[
        str, typer.Option(help="A file with the app's API key (Settings > General), or - for standard input.")
    ],
    name: Annotated[str | None, typer.Option(help="A name of your own.")] = None,
    monitor: Annotated[MonitorType, typer.Option(help="Which titles get a trailer.")] = MonitorType.MISSING,
    path_map: Annotated[
        list[str] | None, typer.Option("--map", metavar="FROM=TO", help="The app's folder, and the same folder here.")
    ] = None,
    register: Annotated[bool, typer.Option(help="Register the webhook in the app.")] = True,
) -> None:
    """Add a connection, test it, and register the webhook in the app; again with --map: add these mappings to it."""
    mappings = [read_mapping(text) for text in path_map or []]
    body: dict[str, Any] = {
        "arr_type": arr_type,
        "url": url,
        "api_key": read_key_file(api_key_file),
        "monitor_type": monitor,
        "path_mappings": mappings,
        "register_webhook": register,
        **({"name": name} if name else {}),
    }
    with Service(load_settings()) as service:
        try:
            created = service.post("/connections", ConnectionCreated, body)
        except Conflict:
            present = _same(service, arr_type, url, name or arr_type.app_name) if mappings else None
            if present is None:
                raise
            _add_mappings(service, present, mappings)
            return
        _tell_created(created)
        _follow_first_run(service, created, created.run_id)


def read_key_file(source: str) -> str:
    """Read the key from a file or standard input; never from an argument, which every user of the machine can see."""
    named = "Standard input" if source == "-" else f"The key file {source!r}"
    try:
        text = _typed_or_piped() if source == "-" else _beginning_of(Path(source))
    except (OSError, ValueError) as error:
        message = f"{named} cannot be read: give a file with nothing but the API key in it."
        raise TrailhookError(message) from error
    fault = None
    if len(text) > KEY_SIZE:
        fault = "is too large"
    elif len(text.split()) != 1:
        fault = "holds more than one line or word" if text.strip() else "is empty"
    if fault is not None:
        message = f"{named} {fault}: it must hold exactly one API key, on one line."
        raise InvalidRequest(message)
    return text.strip()


def read_mapping(text: str) -> dict[str, str]:
    """Split FROM=TO at the one '=' that a full path follows."""
    borders = [index for index, char in enumerate(text) if char == "=" and text[index + 1 : index + 2] == "/"]
    usage = "write FROM=TO with full paths, as --map /movies=/mnt/nas/movies"
    if len(borders) > 1:
        message = f"--map {text!r} can be split at more than one '=': map the folder above or below it instead."
        raise InvalidRequest(message)
    if not borders:
        message = f"--map {text!r} has no full path after '=': {usage}."
        raise InvalidRequest(message)
    path_from, path_to = text[: borders[0]], text[borders[0] + 1 :]
    if not (path_from.startswith(("/", "\\\\")) or path_from[1:3] in {":\\", ":/"}):
        message = f"--map {text!r} has no full path before '=': {usage}."
        raise InvalidRequest(message)
    return {"path_from": path_from, "path_to": path_to}


def _typed_or_piped() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("API key: ")
    return sys.stdin.read(KEY_SIZE + 1)


def _beginning_of(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(KEY_SIZE + 1).decode()


def _same(service: Service, arr_type: ArrType, url: str, name: str) -> ConnectionRead | None:
    """Find the connection of this name that leads to this app already."""
    known = service.get("/connections", Page[ConnectionRead]).items
    wanted = (arr_type, arr_base_url(url), name.casefold())
    return next((one for one in known if (one.arr_type, one.url, one.name.casefold()) == wanted), None)


def _add_mappings(service: Service, present: ConnectionRead, added: list[dict[str, str]]) -> None:
    replaced = {mapping["path_from"] for mapping in added}
    kept = [mapping.model_dump() for mapping in present.path_mappings if mapping.path_from not in replaced]
    changes = {"path_mappings": [*kept, *added]}
    changed = service.patch(f"/connections/{present.id}", ConnectionChanged, changes)
    shown = ", ".join(f"{mapping.path_from} is {mapping.path_to}" for mapping in changed.path_mappings)
    typer.echo(f"{changed.name} is connected already; its path mappings are now: {shown}.")
    if changed.run_id is not None:
        _follow_first_run(service, changed, changed.run_id)


def _tell_created(created: ConnectionCreated) -> None:
    app = created.arr_type.app_name
    typer.echo(f"Connected {created.name}: {app} {created.arr_version} at {created.url}")
    for warning in created.warnings:
        if warning != created.webhook.error:
            typer.echo(f"Warning: {warning}", err=True)
    if created.webhook.state is not WebhookState.MANUAL and created.webhook.error is None:
        typer.echo(f"Webhook registered: {created.webhook_url}")
        return
    if created.webhook.error is not None:
        typer.echo(f"The webhook is not registered: {created.webhook.error}", err=True)
        typer.echo("Trailhook tries again every few minutes. To add it by hand:")
    typer.echo(
        f"In {app} open Settings > Connect > + > Webhook, switch all triggers on, enter this, then Test and Save:"
    )
    typer.echo(f"  URL       {created.webhook_url}")
    typer.echo("  Method    POST")
    typer.echo(f"  User name {created.webhook_user}")
    typer.echo(f"  Password  {created.webhook_password}   (shown only now)")


def _follow_first_run(service: Service, one: ConnectionRead, run_id: int) -> None:
    """Wait for the run that reads the library; Ctrl-C ends the waiting alone."""
    try:
        run = follow_run(service, one.name, run_id, start_patience=START_PATIENCE)
    except KeyboardInterrupt:
        typer.echo(f"{one.name}'s library is read on without you; `trailhook status` shows how it goes.")
        return
    if run.outcome is None:
        typer.echo("No worker has begun to read its library yet; `trailhook doctor` says why.", err=True)
        return
    tell_run(one.name, run)
    titles = service.get("/media", Page[MediaRead], connection_id=one.id, limit=1).total
    status = MonitorStatus.MONITORED
    wanted = service.get("/media", Page[MediaRead], connection_id=one.id, status=status, limit=1).total
    typer.echo(expectation(titles, wanted, _seconds_each(service)))


def _seconds_each(service: Service) -> float:
    values = {setting.key: setting.value for setting in service.get("/settings", Page[SettingRead]).items}
    return seconds_each(parse_duration(values["download_gap"]), parse_duration(values["backfill_gap"]))
