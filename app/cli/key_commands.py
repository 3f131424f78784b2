"""`trailhook key`: show the API key, make a secret key, re-encrypt what is stored with the first one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.cli.checkup import embedded_database
from app.crypto import FernetVault, new_password, new_secret_key
from app.db import schema
from app.db.engine import Database
from app.errors import SetupError, Unavailable
from app.keys import API_KEY_FILE, SECRET_KEY_FILE, make_data_dir, read_key, read_or_make_key
from app.pipeline.rotation import Reencrypted, reencrypt
from app.settings import Settings, load_settings


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(key)


def key(
    new: Annotated[bool, typer.Option("--new", help="Print a new SECRET_KEY instead; nothing is stored.")] = False,
    reencrypt_all: Annotated[
        bool,
        typer.Option("--reencrypt", help="Encrypt every stored secret with the first SECRET_KEY; drop old ones then."),
    ] = False,
) -> None:
    """Print the API key; it is made where there is none yet."""
    if new and reencrypt_all:
        message = "give --new or --reencrypt, not both"
        raise typer.BadParameter(message)
    if new:
        typer.echo(new_secret_key())
        return
    settings = load_settings()
    if reencrypt_all:
        done = asyncio.run(_reencrypt(settings))
        if done.unreadable:
            raise SetupError(_unreadable_text(done))
        typer.echo(_done_text(done))
        return
    if settings.api_key is not None:
        typer.echo(settings.api_key.get_secret_value())
        return
    make_data_dir(settings.data_dir)
    typer.echo(read_or_make_key(settings.data_dir / API_KEY_FILE, new_password).get_secret_value())


async def _reencrypt(settings: Settings) -> Reencrypted:
    secret_key = settings.secret_key or read_key(settings.data_dir / SECRET_KEY_FILE)
    if secret_key is None:
        message = "Set TRAILHOOK_SECRET_KEY, the new key first, as the service has it; there is none in DATA_DIR."
        raise SetupError(message)
    vault = FernetVault(secret_key)
    database = Database(settings.database_url or embedded_database(settings.data_dir), pool_size=1)
    try:
        async with database.transaction() as tx:
            await schema.require_head(tx)
        return await reencrypt(database, vault)
    except Unavailable as error:
        message = schema.CANNOT_CONNECT if settings.database_url else "Start `trailhook up` first, then run this again."
        raise SetupError(message) from error
    finally:
        await database.close()


def _done_text(done: Reencrypted) -> str:
    before = done.total - done.renewed
    already = f", {before} {_were(before)} already" if before else ""
    return (
        f"{done.renewed} {_secrets(done.renewed)} re-encrypted with the first key{already}: "
        "the older keys can be dropped from TRAILHOOK_SECRET_KEY."
    )


def _unreadable_text(done: Reencrypted) -> str:
    return (
        f"{done.renewed} {_secrets(done.renewed)} re-encrypted, but no key opens a secret of "
        f"{', '.join(done.unreadable)}: keep the older keys, and add the one that is missing or delete that connection."
    )


def _secrets(count: int) -> str:
    return f"secret {_were(count)}" if count == 1 else f"secrets {_were(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
