"""Add a connection: test it, store it, register our webhook in the Arr, ask for the first reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.context import ArrManagerProtocol, ArrTarget, Deps, WebhookEntry
from app.crypto import new_password, password_hash
from app.db import connections, runs
from app.domain.paths import to_local
from app.domain.records import Connection
from app.domain.slugs import slug_of
from app.errors import ArrError, ArrUnauthorized, Conflict, InvalidRequest, NotFound
from schemas.arr.common import Notification
from schemas.base import ArrType, RunTrigger
from schemas.connection import ConnectionCreate

WEBHOOK_USER = "trailhook"


@dataclass(frozen=True, slots=True)
class Added:
    """A new connection, with the password that is shown this once and what the user should know."""

    connection: Connection
    webhook_password: str
    warnings: tuple[str, ...]
    run_id: int


async def add_connection(deps: Deps, new: ConnectionCreate) -> Added:
    """Test, store and register; a webhook that cannot be registered is noted on the connection and is no error.

    Raises InvalidRequest (nothing saved) where the Arr cannot be used with this address and key, Conflict where the
    name is taken.
    """
    name = new.name or new.arr_type.app_name
    slug = slug_of(name, new.arr_type)
    await _refuse_taken(deps, name, slug)
    manager = manager_for(deps, ArrTarget(new.arr_type, new.url, new.api_key))
    try:
        status = await manager.get_system_status()
        warnings = await _root_warnings(deps, manager, new)
    except ArrError as error:
        field = "api_key" if isinstance(error, ArrUnauthorized) else "url"
        raise InvalidRequest(error.message, {field: error.message}) from error
    password = new_password()
    async with deps.db.transaction() as tx:
        connection_id = await connections.add(tx, _row(deps, new, password, status.version))
        run_id = await runs.request(tx, connection_id, RunTrigger.CONNECT)
    if new.register_webhook:
        await _register(deps, manager, connection_id, slug, password)
    await deps.wakeups.wake_refresh(run_id)
    return Added(await get_connection(deps, connection_id), password, tuple(warnings), run_id)


async def get_connection(deps: Deps, connection_id: int) -> Connection:
    """Get one connection. Raises NotFound."""
    async with deps.db.transaction() as tx:
        connection = await connections.get(tx, connection_id)
    if connection is None:
        message = f"There is no connection {connection_id}."
        raise NotFound(message)
    return connection


async def request_reconciliation(deps: Deps, connection_id: int, *, accept_deletions: bool) -> int:
    """Ask for a run whose fetch begins after this call, and give its id.

    Raises NotFound, and Conflict `nothing_held` where deletions shall be accepted and none are held.
    """
    connection = await get_connection(deps, connection_id)
    async with deps.db.transaction() as tx:
        if accept_deletions and await runs.last_held(tx, connection_id) is None:
            message = f"The last reconciliation of {connection.name} holds no deletions."
            raise Conflict(message, "nothing_held")
        run_id = await runs.request(tx, connection_id, RunTrigger.MANUAL, accept_deletions=accept_deletions)
    await deps.wakeups.wake_refresh(run_id)
    return run_id


def manager_for(deps: Deps, target: ArrTarget) -> ArrManagerProtocol:
    """Give what asks this Arr."""
    return deps.arr.radarr(target) if target.arr_type is ArrType.RADARR else deps.arr.sonarr(target)


def webhook_url(deps: Deps, slug: str) -> str:
    """Give the address that an Arr sends this connection's webhooks to."""
    return f"{deps.settings.webhook_base_url}/webhooks/{slug}"


async def _refuse_taken(deps: Deps, name: str, slug: str) -> None:
    async with deps.db.transaction() as tx:
        taken = await connections.is_name_taken(tx, name, slug)
    if taken:
        message = f"A connection like {name!r} exists already; give this one another name."
        raise Conflict(message)


async def _root_warnings(deps: Deps, manager: ArrManagerProtocol, new: ConnectionCreate) -> list[str]:
    """Name the Arr's root folders that do not exist here; a trailer could never be placed below them."""
    warnings = []
    for root in await manager.get_root_folders():
        local = to_local(root.path, new.path_mappings)
        if local is None or not await deps.library.is_folder(local.path):
            warnings.append(f"{root.path} does not exist here; say where it is with --map '{root.path}=/path/here'.")
    return warnings


async def _register(deps: Deps, manager: ArrManagerProtocol, connection_id: int, slug: str, password: str) -> None:
    name, url = f"Trailhook ({slug})", webhook_url(deps, slug)
    entry = WebhookEntry(name, url, WEBHOOK_USER, SecretStr(password))
    try:
        existing = _ours(await manager.get_webhooks(), slug)
        notification_id = await manager.save_webhook(entry, existing)
    except ArrError as error:
        async with deps.db.transaction() as tx:
            await connections.set_notification(tx, connection_id, None, error.message)
        return
    async with deps.db.transaction() as tx:
        await connections.set_notification(tx, connection_id, notification_id, None)


def _ours(entries: Sequence[Notification], slug: str) -> int | None:
    """Find our entry of an earlier installation: its address ends in this connection's path; never another."""
    for candidate in entries:
        url = candidate.field("url")
        if isinstance(url, str) and urlsplit(url).path.rstrip("/").endswith(f"/webhooks/{slug}"):
            return candidate.id
    return None


def _row(deps: Deps, new: ConnectionCreate, password: str, version: str) -> connections.NewConnection:
    name = new.name or new.arr_type.app_name
    return connections.NewConnection(
        name=name,
        slug=slug_of(name, new.arr_type),
        arr_type=new.arr_type,
        url=new.url,
        api_key=deps.vault.encrypt(new.api_key.get_secret_value()),
        monitor_type=new.monitor_type,
        path_mappings=new.path_mappings,
        policy=new.policy,
        webhook_password=deps.vault.encrypt(password),
        webhook_password_sha256=password_hash(password),
        manual_webhook=not new.register_webhook,
        arr_version=version,
    )
