"""Commands that ask the running service: connections, status, media, events, runs, download, replay, reconcile."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from pydantic import BaseModel

from app.cli import tables
from app.cli.run_progress import follow_run, tell_run
from app.cli.service import Service
from app.errors import Conflict, NotFound
from app.settings import load_settings
from schemas.base import EventState, MonitorStatus, RunOutcome
from schemas.connection import ConnectionRead
from schemas.event import EventRead
from schemas.media import MediaDetail, MediaRead
from schemas.run import RunAccepted, RunRead
from schemas.status import Page, StatusRead

MAX_ID = 10**18 - 1
REPLAYED_AT_ONCE = 100
AS_JSON = typer.Option("--json", help="Print JSON for scripts.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (connections, status, media, events, runs, download, replay, reconcile):
        app.command()(command)


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


def runs(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """List the reconciliations, newest first."""
    with Service(load_settings()) as service:
        page = service.get("/runs", Page[RunRead], limit=limit)
        names = {one.id: one.name for one in service.get("/connections", Page[ConnectionRead], limit=500).items}
    if as_json:
        _print_json(page)
    elif page.items:
        tables.console().print(tables.run_table(page.items, names))
    else:
        typer.echo("No reconciliation yet.")


def download(
    media_id: Annotated[
        int | None, typer.Argument(min=1, max=MAX_ID, help="The title, as `trailhook media --json` names it.")
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="All monitored titles without a trailer.")] = False,
) -> None:
    """Fetch a trailer now, before all others and whatever failed before."""
    if (media_id is not None) == missing:
        typer.echo("error: Give either the ID of a title or --missing.", err=True)
        raise typer.Exit(2)
    with Service(load_settings()) as service:
        if media_id is None:
            _download_missing(service)
            return
        title = service.post(f"/media/{media_id}/download", MediaDetail)
    tables.console().print(f"{tables.plain(title.title)} is fetched next.", soft_wrap=True)


def _download_missing(service: Service) -> None:
    """Ask for title after title, page by page in the order of their names."""
    asked, refusals = 0, Counter[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = service.get("/media", Page[MediaRead], status=MonitorStatus.MONITORED, limit=500, cursor=cursor)
        for title in page.items:
            try:
                service.post(f"/media/{title.id}/download", MediaDetail)
                asked += 1
            except (Conflict, NotFound):
                refusals[title.reason_text or "It cannot be downloaded now."] += 1
        cursor = page.next_cursor
    typer.echo(f"{asked} {'title is' if asked == 1 else 'titles are'} fetched before all others.")
    for why, count in refusals.most_common():
        typer.echo(f"{count} not: {why}", err=True)


def replay(
    event_id: Annotated[
        int | None, typer.Argument(min=1, max=MAX_ID, help="The event, as `trailhook events` names it.")
    ] = None,
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
    if accept_deletions and name is None:
        typer.echo("error: Name the connection whose deletions you accept.", err=True)
        raise typer.Exit(2)
    with Service(load_settings()) as service:
        chosen = _choose(service, name)
        done = [_reconcile_one(service, connection, accept_deletions=accept_deletions) for connection in chosen]
    if any(outcome is not RunOutcome.COMPLETED for outcome in done):
        raise typer.Exit(1)


def _reconcile_one(service: Service, connection: ConnectionRead, *, accept_deletions: bool) -> RunOutcome | None:
    query = "?accept_deletions=true" if accept_deletions else ""
    accepted = service.post(f"/connections/{connection.id}/reconcile{query}", RunAccepted)
    run = follow_run(service, connection.name, accepted.run_id)
    tell_run(connection.name, run)
    return run.outcome


def _choose(service: Service, name: str | None) -> list[ConnectionRead]:
    known = service.get("/connections", Page[ConnectionRead], limit=500).items
    chosen = [one for one in known if name is None or name.casefold() in {one.name.casefold(), one.slug}]
    if not chosen:
        names = ", ".join(one.name for one in known) or "none yet"
        message = f"There is no connection {name!r}; known are: {names}." if name else "There is no connection yet."
        raise NotFound(message)
    return chosen


def _print_json(model: BaseModel) -> None:
    typer.echo(model.model_dump_json(indent=2))
