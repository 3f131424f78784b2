"""`trailhook update-yt-dlp`: the newest yt-dlp, alone."""

from __future__ import annotations

import os

import typer

from app.keys import make_data_dir
from app.settings import load_settings
from app.ytdlp.releases import RELEASES
from app.ytdlp.update import update


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("update-yt-dlp")(update_ytdlp)


def update_ytdlp() -> None:
    """Fetch the newest yt-dlp with pip and try it; the next download uses it, without a restart."""
    directory = load_settings().data_dir.absolute()
    make_data_dir(directory)
    done = update(directory / RELEASES, os.environ)
    if done.before == done.after:
        typer.echo(f"yt-dlp {done.after} is the newest.")
    else:
        typer.echo(f"yt-dlp {done.before or '(none)'} -> {done.after}; the next download uses it.")
