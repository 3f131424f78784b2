"""Follow a reconciliation to its end, and say how it went."""

from __future__ import annotations

import time
from collections.abc import Callable

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from app.cli import tables
from app.cli.service import Service
from schemas.run import RunRead

POLL = 0.3  # s


def follow_run(service: Service, name: str, run_id: int, *, start_patience: float | None = None) -> RunRead:
    """Wait for a run's end under a progress bar; one that nobody begins within the patience is given as it is."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} titles"))
    screen = tables.console()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(tables.plain(name), total=None)
        return _wait(service, run_id, start_patience, lambda seen: progress.update(task, completed=seen.fetched))


def tell_run(name: str, run: RunRead) -> None:
    """Print what a run did, and what it skipped or failed with."""
    titles = "1 title" if run.fetched == 1 else f"{run.fetched} titles"
    counts = f"{titles}: {run.created} new, {run.updated} changed, {run.deleted} deleted"
    seconds = "" if run.seconds is None else f" in {run.seconds:.1f} s"
    typer.echo(f"{name}: {run.outcome}, {counts}{seconds}")
    for skipped in run.skipped_items:
        typer.echo(f"  {skipped.title or 'an item'} (id {skipped.arr_id}): {skipped.error}", err=True)
    if run.error is not None:
        typer.echo(f"  {run.error}", err=True)


def _wait(service: Service, run_id: int, patience: float | None, on_progress: Callable[[RunRead], None]) -> RunRead:
    end = None if patience is None else time.monotonic() + patience
    while True:
        run = service.get(f"/runs/{run_id}", RunRead)
        on_progress(run)
        late = end is not None and time.monotonic() > end
        if run.outcome is not None or (run.started_at is None and late):
            return run
        time.sleep(POLL)
