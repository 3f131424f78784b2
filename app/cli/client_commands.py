"""Commands that ask the running service: connect, connections, status, media, events, replay, reconcile."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from app.cli import tables
from app.cli.service import Service
from app.errors import Conflict, InvalidRequest, NotFound, TrailhookError
from app.settings import load_settings
from schemas.base import ArrType, EventState, MonitorStatus, MonitorType, RunOutcome
from schemas.connection import ConnectionCreated, ConnectionRead
from schemas.event import EventRead
from schemas.media import MediaRead
from schemas.run import RunAccepted, RunRead
from schemas.status import Page, StatusRead

POLL = 0.3  # s
FIRST_RUN_PATIENCE = 60.0  # s; the connection is added whether or not its first run is done by then
KEY_SIZE = 512
REPLAYED_AT_ONCE = 100
AS_JSON = typer.Option("--json", help="Print JSON for scripts.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (connect, connections, status, media, events, replay, reconcile):
        app.command()(command)


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
    """Add a connection, test it, and register the webhook in the app."""
    body: dict[str, Any] = {
        "arr_type": arr_type,
        "url": url,
        "api_key": _read_key(api_key_file),
        "monitor_type": monitor,
        "path_mappings": [_mapping(text) for text in path_map or []],
        "register_webhook": register,
        **({"name": name} if name else {}),
    }
    with Service(load_settings()) as service:
        created = service.post("/connections", ConnectionCreated, body)
        _tell_created(created)
        _tell_first_run(service, created)


def connections(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """List the connections."""
    with Service(load_settings()) as service:
        page = service.get("/connections", Page[ConnectionRead])
    if as_json:
        _print_json(page)
    elif page.items:
        tables.console().print(tables.connection_table(page.items))
    else:
        typer.echo("No connection yet; add one with `trailhook connect`.")


def status(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """Show how everything is doing."""
    with Service(load_settings()) as service:
        current = service.get("/status", StatusRead)
    if as_json:
        _print_json(current)
    else:
        tables.console().print(tables.status_table(current))


def media(
    status: Annotated[MonitorStatus | None, typer.Option(help="Only titles of this status.")] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help="Only titles with this in their name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """List titles with their status and the reason."""
    with Service(load_settings()) as service:
        page = service.get("/media", Page[MediaRead], status=status, q=search, limit=limit)
    if as_json:
        _print_json(page)
        return
    tables.console().print(tables.media_table(page.items))
    if page.total > len(page.items):
        typer.echo(f"{len(page.items)} of {page.total} titles; --limit shows more.")


def events(
    state: Annotated[EventState | None, typer.Option(help="Only events that this became of.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """List what came in, newest first, what became of it and why."""
    with Service(load_settings()) as service:
        page = service.get("/events", Page[EventRead], state=state, limit=limit)
    if as_json:
        _print_json(page)
        return
    if page.items:
        tables.console().print(tables.event_table(page.items))
    else:
        typer.echo("No event." if state is None else f"No event is {state}.")
    if page.total > len(page.items):
        typer.echo(f"{len(page.items)} of {page.total} events; --limit shows more.")


def replay(
    event_id: Annotated[int | None, typer.Argument(min=1, help="The event, as `trailhook events` names it.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All events that failed.")] = False,
) -> None:
    """Have an event handled again: its title is asked for and looked at anew."""
    if (event_id is not None) == failed:
        typer.echo("error: Give either the ID of an event or --failed.", err=True)
        raise typer.Exit(2)
    with Service(load_settings()) as service:
        if event_id is None:
            _replay_failed(service)
            return
        event = service.post(f"/events/{event_id}/replay", EventRead)
    what = " of ".join(text for text in (event.event_type, event.title) if text)
    tables.console().print(f"Event {event.id} ({tables.plain(what)}) is handled again.", soft_wrap=True)


def _replay_failed(service: Service) -> None:
    """Replay page by page down to the oldest, so that what fails again meanwhile is not met twice."""
    replayed, refusals = 0, list[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = service.get("/events", Page[EventRead], state=EventState.FAILED, limit=REPLAYED_AT_ONCE, cursor=cursor)
        for event in page.items:
            try:
                service.post(f"/events/{event.id}/replay", EventRead)
                replayed += 1
            except (Conflict, NotFound) as error:
                refusals.append(error.message)
        cursor = page.next_cursor
    typer.echo(f"{replayed} failed {'event is' if replayed == 1 else 'events are'} handled again.")
    for message in dict.fromkeys(refusals):
        typer.echo(f"{refusals.count(message)} not: {message}", err=True)
    if refusals:
        raise typer.Exit(1)


def reconcile(
    name: Annotated[str | None, typer.Argument(help="The connection; all of them unless given.")] = None,
    accept_deletions: Annotated[
        bool, typer.Option("--accept-deletions", help="Delete what the last run held back, and nothing else.")
    ] = False,
) -> None:
    """Compare everything with the apps now."""
    with Service(load_settings()) as service:
        chosen = _choose(service, name)
        if accept_deletions and name is None:
            message = "Name the connection whose deletions you accept."
            raise InvalidRequest(message)
        done = [_reconcile_one(service, connection, accept_deletions=accept_deletions) for connection in chosen]
    if any(outcome is not RunOutcome.COMPLETED for outcome in done):
        raise typer.Exit(1)


def _reconcile_one(service: Service, connection: ConnectionRead, *, accept_deletions: bool) -> RunOutcome | None:
    query = "?accept_deletions=true" if accept_deletions else ""
    accepted = service.post(f"/connections/{connection.id}/reconcile{query}", RunAccepted)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} titles"))
    with Progress(*columns, console=tables.console(), transient=True) as progress:
        task = progress.add_task(connection.name, total=None)
        run = _wait_for_run(service, accepted.run_id, None, lambda seen: progress.update(task, completed=seen.fetched))
    _tell_run(connection.name, run)
    return run.outcome


def _wait_for_run(service: Service, run_id: int, patience: float | None, on_progress: Any = None) -> RunRead:
    """Ask until the run has ended or patience has; the last answer is given."""
    end = None if patience is None else time.monotonic() + patience
    while True:
        run = service.get(f"/runs/{run_id}", RunRead)
        if on_progress is not None:
            on_progress(run)
        if run.outcome is not None or (end is not None and time.monotonic() > end):
            return run
        time.sleep(POLL)


def _choose(service: Service, name: str | None) -> list[ConnectionRead]:
    known = service.get("/connections", Page[ConnectionRead]).items
    chosen = [one for one in known if name is None or name.casefold() in {one.name.casefold(), one.slug}]
    if not chosen:
        names = ", ".join(one.name for one in known) or "none yet"
        message = f"There is no connection {name!r}; known are: {names}." if name else "There is no connection yet."
        raise NotFound(message)
    return chosen


def _tell_created(created: ConnectionCreated) -> None:
    typer.echo(f"Connected {created.name}: {created.arr_type.app_name} {created.arr_version} at {created.url}")
    for warning in created.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    if created.webhook.error is not None:
        typer.echo(f"The webhook is not registered: {created.webhook.error}", err=True)
    if created.webhook.error is not None or created.webhook.state == "manual":
        typer.echo(f"Add it in {created.arr_type.app_name} under Settings > Connect > + > Webhook:")
        typer.echo(f"  URL       {created.webhook_url}")
        typer.echo(f"  User name {created.webhook_user}")
        typer.echo(f"  Password  {created.webhook_password}   (shown only now)")
    else:
        typer.echo(f"Webhook registered: {created.webhook_url}")


def _tell_first_run(service: Service, created: ConnectionCreated) -> None:
    run = _wait_for_run(service, created.run_id, FIRST_RUN_PATIENCE)
    if run.outcome is None:
        typer.echo("The first reconciliation is still running; `trailhook status` shows how it goes.")
        return
    _tell_run(created.name, run)
    wanted = service.get("/media", Page[MediaRead], connection_id=created.id, status="monitored", limit=1).total
    typer.echo(f"{wanted} {'title wants' if wanted == 1 else 'titles want'} a trailer.")


def _tell_run(name: str, run: RunRead) -> None:
    counts = f"{run.fetched} titles: {run.created} new, {run.updated} changed, {run.deleted} deleted"
    seconds = "" if run.seconds is None else f" in {run.seconds:.1f} s"
    typer.echo(f"{name}: {run.outcome}, {counts}{seconds}")
    for skipped in run.skipped_items:
        typer.echo(f"  skipped {skipped.title or 'an item'} (id {skipped.arr_id}): {skipped.error}", err=True)
    if run.error is not None:
        typer.echo(f"  {run.error}", err=True)


def _read_key(source: str) -> str:
    """Read the key from a file or standard input; never from an argument, which every user of the machine can see."""
    try:
        text = sys.stdin.read(KEY_SIZE) if source == "-" else Path(source).read_text(encoding="utf-8")[:KEY_SIZE]
    except (OSError, UnicodeDecodeError) as error:
        message = f"The key file {source} cannot be read: give a file with nothing but the API key in it."
        raise TrailhookError(message) from error
    key = text.strip()
    if not key or len(key.split()) != 1:
        message = "The key file must hold exactly one API key, on one line."
        raise InvalidRequest(message)
    return key


def _mapping(text: str) -> dict[str, str]:
    """Split FROM=TO at the one '=' that a full path follows."""
    borders = [index for index, char in enumerate(text) if char == "=" and text[index + 1 : index + 2] == "/"]
    if len(borders) != 1:
        message = f"--map {text}: write FROM=TO with full paths, as --map /movies=/mnt/nas/movies."
        raise InvalidRequest(message)
    return {"path_from": text[: borders[0]], "path_to": text[borders[0] + 1 :]}


def _print_json(model: BaseModel) -> None:
    typer.echo(model.model_dump_json(indent=2))
