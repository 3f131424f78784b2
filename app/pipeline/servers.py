"""Media servers: add, change, test and remove them, and tell them of a new trailer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from pydantic import SecretStr

from app.context import Deps, ServerTarget
from app.db import servers
from app.domain.records import Media
from app.domain.servers import MediaServerRecord, not_found, server_title
from app.errors import InvalidRequest, NotFound, ServerError, ServerKeyRefused, Unavailable, WrongSecretKey
from schemas.server import RefreshOutcome, ServerCreate, ServerUpdate

TELL_LIMIT = 60.0  # s, for one server
_LEADS_THERE = frozenset({"url", "token", "ca_file", "verify_tls"})


async def add_server(deps: Deps, new: ServerCreate) -> MediaServerRecord:
    """Test and store. Raises InvalidRequest (nothing saved) where it is of no use, Conflict where the name is taken."""
    await _ask_who(deps, ServerTarget(new.kind, new.url, new.token, new.ca_file, new.verify_tls))
    values = {
        **new.model_dump(exclude={"token"}),
        "name": new.name or new.kind.app_name,
        "token": deps.vault.encrypt(new.token.get_secret_value()),
    }
    async with deps.db.transaction() as tx:
        server_id = await servers.add(tx, values)
    return await get_server(deps, server_id)


async def change_server(deps: Deps, server_id: int, changes: ServerUpdate) -> MediaServerRecord:
    """Save what is given; a new way there is tested first. Raises NotFound, InvalidRequest, Conflict."""
    before = await get_server(deps, server_id)
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    leads = {name: value for name, value in given.items() if name in _LEADS_THERE}
    if leads:
        await _ask_who(deps, replace(_target(deps, before), **leads))
    values = {**changes.model_dump(include=set(given)), **({"last_error": None} if leads else {})}
    if isinstance(token := values.get("token"), SecretStr):
        values["token"] = deps.vault.encrypt(token.get_secret_value())
    async with deps.db.transaction() as tx:
        if values and not await servers.change(tx, server_id, values):
            raise NotFound(_no_server(server_id))
    return await get_server(deps, server_id)


async def try_server(deps: Deps, server_id: int) -> str:
    """Ask the server now and give the result as a sentence. Raises NotFound, and ServerError with what is wrong."""
    server = await get_server(deps, server_id)
    who = await who_answers(deps, server)
    return f"{who} answers at {server.url}."


async def get_server(deps: Deps, server_id: int) -> MediaServerRecord:
    """Get one media server. Raises NotFound."""
    async with deps.db.transaction() as tx:
        server = await servers.get(tx, server_id)
    if server is None:
        raise NotFound(_no_server(server_id))
    return server


async def remove_server(deps: Deps, server_id: int) -> MediaServerRecord:
    """Forget a media server. Raises NotFound."""
    server = await get_server(deps, server_id)
    async with deps.db.transaction() as tx:
        await servers.remove(tx, server_id)
    return server


async def who_answers(deps: Deps, server: MediaServerRecord) -> str:
    """Ask a server for its name and version. Raises ServerError, WrongSecretKey."""
    return await deps.servers.open(_target(deps, server)).describe()


async def tell(deps: Deps, title: Media) -> None:
    """Have every enabled media server look at a title, all at once and each within a minute.

    What goes wrong there, or with noting it, is logged and noted on the server and is no error here.
    """
    if title.folder_path is None:
        return
    log = structlog.get_logger(__name__)
    try:
        async with deps.db.transaction() as tx:
            known = await servers.list_all(tx)
        await asyncio.gather(*(_tell_one(deps, one, title, title.folder_path) for one in known if one.enabled))
    except Unavailable as error:
        log.warning("media servers are not told", why=error.message, media_id=title.id)


async def _tell_one(deps: Deps, server: MediaServerRecord, title: Media, folder: str) -> None:
    log = structlog.get_logger(__name__).bind(server=server.name, title=title.title, media_id=title.id)
    asked = server_title(title, folder, server.path_mappings)
    try:
        async with asyncio.timeout(TELL_LIMIT):
            outcome = await deps.servers.open(_target(deps, server)).refresh(asked)
        why = not_found(server.name, asked) if outcome is RefreshOutcome.NOT_FOUND else None
    except TimeoutError:
        why = f"{server.name} did not finish within {TELL_LIMIT:.0f} s: check that it is not overloaded."
    except (ServerError, WrongSecretKey) as error:
        why = error.message
    if why is None:
        log.info("media server told", outcome=outcome)
    else:
        log.warning("media server not told", why=why)
    async with deps.db.transaction() as tx:
        await servers.record(tx, server.id, why)


async def _ask_who(deps: Deps, target: ServerTarget) -> None:
    try:
        await deps.servers.open(target).describe()
    except ServerError as error:
        field = "token" if isinstance(error, ServerKeyRefused) else "url"
        raise InvalidRequest(error.message, {field: error.message}) from error


def _target(deps: Deps, server: MediaServerRecord) -> ServerTarget:
    """Give the way to a server. Raises WrongSecretKey."""
    token = deps.vault.decrypt(server.token)
    return ServerTarget(server.kind, server.url, token, server.ca_file, server.verify_tls)


def _no_server(server_id: int) -> str:
    return f"There is no media server {server_id}."
