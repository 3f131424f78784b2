"""Add, change and test connections: what does not work is told and not saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr

from app.context import ArrManagerProtocol, ArrTarget, Deps
from app.crypto import new_password, password_hash
from app.db import connections, runs
from app.domain.addresses import found_elsewhere, likely_addresses
from app.domain.policy import contradictions, default_policy, effective_policy
from app.domain.records import Connection
from app.domain.slugs import free_slug, slug_of
from app.errors import (
    ArrCaFileUnusable,
    ArrConnectionError,
    ArrError,
    ArrNotAnArr,
    ArrRedirected,
    ArrUnauthorized,
    Conflict,
    InvalidRequest,
    NotFound,
    WrongSecretKey,
)
from app.pipeline.arrs import manager_for, target_of
from app.pipeline.roots import root_warnings
from app.pipeline.settings import get_settings
from app.pipeline.webhook_upkeep import address_doubt, register_webhook, remove_webhook
from schemas.arr.common import SystemStatus
from schemas.base import ArrType, RunTrigger
from schemas.connection import ConnectionCreate, ConnectionUpdate, PolicyOverride

_DECIDES_TITLES = frozenset({"url", "monitor_type", "path_mappings", "policy", "enabled"})
_LEADS_TO_THE_ARR = frozenset({"url", "api_key", "ca_file", "verify_tls"})


@dataclass(frozen=True, slots=True)
class Added:
    """A new connection, with the password that is shown this once and what the user should know."""

    connection: Connection
    webhook_password: str
    warnings: tuple[str, ...]
    run_id: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A changed connection, and the run that decides its titles anew where that is needed.

    `left_entry`: why our entry may still be in the Arr that it led to before.
    """

    connection: Connection
    run_id: int | None
    left_entry: str | None = None


async def add_connection(deps: Deps, new: ConnectionCreate) -> Added:
    """Test, store and register; a webhook that cannot be registered is noted on the connection and is no error.

    Raises InvalidRequest (nothing saved) where the Arr cannot be used with this address and key, Conflict where the
    name is taken.
    """
    slug = await _free_slug(deps, _name(new), new.arr_type)
    await _check_policy(deps, new.policy)
    target = ArrTarget(new.arr_type, new.url, new.api_key, new.ca_file, new.verify_tls)
    status = await _ask_who(deps, target)
    warnings = await _root_warnings(deps, manager_for(deps, target), new)
    password = new_password()
    async with deps.db.transaction() as tx:
        connection_id = await connections.add(tx, _row(deps, new, slug, password, status.version))
        run_id = await runs.request(tx, connection_id, RunTrigger.CONNECT)
    connection = await get_connection(deps, connection_id)
    if new.register_webhook:
        if doubt := address_doubt(deps, connection, status):
            warnings.append(doubt)
        await register_webhook(deps, connection)
    await deps.wakeups.wake_refresh(run_id)
    return Added(await get_connection(deps, connection_id), password, tuple(warnings), run_id)


async def change_connection(deps: Deps, connection_id: int, changes: ConnectionUpdate) -> Changed:
    """Save what is given; a new way to the Arr is tested first, and nothing is saved where it does not work.

    Where titles have to be decided anew a reconciliation is requested, whose fetch begins after the change: it alone
    learns paths, roots and tags again, and runs as soon as the Arr can be asked. Raises NotFound, InvalidRequest,
    Conflict.
    """
    before = await get_connection(deps, connection_id)
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    values: dict[str, object] = {name: value for name, value in given.items() if value != getattr(before, name)}
    if "policy" in values:
        await _check_policy(deps, changes.policy)
    way_changed = bool(_LEADS_TO_THE_ARR & values.keys())
    if way_changed:
        status = await _ask_who(deps, _new_target(deps, before, changes))
        values |= {"arr_version": status.version}
    if "name" in values:
        await _check_name(deps, before, str(values["name"]))
    left_entry = None
    if "url" in values and before.notification_id is not None and not before.manual_webhook:
        left_entry = await remove_webhook(deps, before)
        values |= {"notification_id": None}
    async with deps.db.transaction() as tx:
        if values and not await connections.change(tx, connection_id, _columns(deps, values)):
            raise NotFound(_no_connection(connection_id))
        if way_changed:
            await connections.mark_ok(tx, connection_id)
        run_id = None
        if _DECIDES_TITLES & values.keys() and given.get("enabled", before.enabled):
            run_id = await runs.request(tx, connection_id, RunTrigger.MANUAL)
    after = await get_connection(deps, connection_id)
    if way_changed and after.enabled and not after.manual_webhook:
        await register_webhook(deps, after)
        after = await get_connection(deps, connection_id)
    if run_id is not None:
        await deps.wakeups.wake_refresh(run_id)
    return Changed(after, run_id, left_entry)


async def try_connection(deps: Deps, connection_id: int) -> str:
    """Ask the Arr now and give the result as a sentence; a connection that was down is up again, and reconciled.

    Raises NotFound, and ArrError or WrongSecretKey with what is wrong: then the connection is as it was.
    """
    connection = await get_connection(deps, connection_id)
    status = await manager_for(deps, target_of(connection, deps)).get_system_status()
    run_id = None
    async with deps.db.transaction() as tx:
        await connections.change(tx, connection_id, {"arr_version": status.version})
        if await connections.mark_ok(tx, connection_id) and connection.enabled:
            run_id = await runs.request(tx, connection_id, RunTrigger.RECOVERY)
    if run_id is not None:
        await deps.wakeups.wake_refresh(run_id)
    works = f"{status.app_name} {status.version} answers at {connection.url}"
    return f"{works}." if connection.enabled else f"{works}, but the connection is disabled."


async def get_connection(deps: Deps, connection_id: int) -> Connection:
    """Get one connection. Raises NotFound."""
    async with deps.db.transaction() as tx:
        connection = await connections.get(tx, connection_id)
    if connection is None:
        raise NotFound(_no_connection(connection_id))
    return connection


async def request_reconciliation(deps: Deps, connection_id: int, *, accept_deletions: bool) -> int:
    """Ask for a run whose fetch begins after this call, and give its id.

    Raises NotFound, and Conflict `nothing_held` where deletions shall be accepted and none are held.
    """
    connection = await get_connection(deps, connection_id)
    async with deps.db.transaction() as tx:
        accepted = await runs.last_held(tx, connection_id) if accept_deletions else frozenset()
        if accepted is None:
            message = f"The last reconciliation of {connection.name} holds no deletions."
            raise Conflict(message, "nothing_held")
        run_id = await runs.request(tx, connection_id, RunTrigger.MANUAL, accepted=accepted)
    await deps.wakeups.wake_refresh(run_id)
    return run_id


async def _free_slug(deps: Deps, name: str, arr_type: ArrType) -> str:
    async with deps.db.transaction() as tx:
        taken = {one.slug: one.name for one in await connections.list_all(tx)}
    slug = None if name in taken.values() else free_slug(name, arr_type, taken)
    if slug is None:
        message = f"A connection like {name!r} exists already; give this one another name."
        raise Conflict(message)
    return slug


async def _check_policy(deps: Deps, override: PolicyOverride) -> None:
    """Refuse a policy that no video could fit. Raises InvalidRequest."""
    default = default_policy((await get_settings(deps)).values)
    faults = contradictions(effective_policy(default, override, {}), override)
    if faults:
        message = f"Correct the request: {'; '.join(sorted(set(faults.values())))}."
        raise InvalidRequest(message, {f"policy.{name}": fault for name, fault in faults.items()})


async def _check_name(deps: Deps, own: Connection, name: str) -> None:
    """Refuse a name that differs too little from another's. Raises Conflict."""
    async with deps.db.transaction() as tx:
        others = {slug_of(one.name, ""): one.name for one in await connections.list_all(tx) if one.id != own.id}
    if name in others.values() or (slug_of(name, "") in others and slug_of(name, "")):
        message = f"A connection like {name!r} exists already; choose another name."
        raise Conflict(message)


async def _ask_who(deps: Deps, target: ArrTarget) -> SystemStatus:
    """Ask the Arr who it is. Raises InvalidRequest for the field at fault, also with the address that does work."""
    try:
        return await manager_for(deps, target).get_system_status()
    except (ArrNotAnArr, ArrRedirected) as error:
        message = await _found_elsewhere(deps, target) or error.message
        raise InvalidRequest(message, {"url": message}) from error
    except ArrError as error:
        raise InvalidRequest(error.message, {_field_at_fault(error): error.message}) from error


def _field_at_fault(error: ArrError) -> str:
    if isinstance(error, ArrCaFileUnusable):
        return "ca_file"
    return "api_key" if isinstance(error, ArrUnauthorized) else "url"


async def _found_elsewhere(deps: Deps, target: ArrTarget) -> str | None:
    for url in likely_addresses(target.url, target.arr_type):
        try:
            await manager_for(deps, replace(target, url=url)).get_system_status()
        except ArrUnauthorized:  # it is an Arr that answers there, whatever the key
            return found_elsewhere(target.url, url, target.arr_type)
        except ArrConnectionError:
            continue
        return found_elsewhere(target.url, url, target.arr_type)
    return None


async def _root_warnings(deps: Deps, manager: ArrManagerProtocol, new: ConnectionCreate) -> list[str]:
    """Name the Arr's root folders that no trailer can be put into here."""
    try:
        roots = await manager.get_root_folders()
    except ArrError as error:
        raise InvalidRequest(error.message, {"url": error.message}) from error
    async with deps.db.transaction() as tx:
        in_use = [mapping.path_to for one in await connections.list_all(tx) for mapping in one.path_mappings]
    return await root_warnings(deps, [root.path for root in roots], new.path_mappings, in_use)


def _new_target(deps: Deps, before: Connection, changes: ConnectionUpdate) -> ArrTarget:
    """Give the way to the Arr after a change. Raises InvalidRequest where a stored key is needed and unreadable."""
    given = {name: getattr(changes, name) for name in _LEADS_TO_THE_ARR & changes.model_fields_set}
    if "api_key" in given:
        old = ArrTarget(before.arr_type, before.url, given["api_key"], before.ca_file, before.verify_tls)
        return replace(old, **given)
    try:
        return replace(target_of(before, deps), **given)
    except WrongSecretKey as error:
        message = f"The stored API key of {before.name} cannot be read; give it again."
        raise InvalidRequest(message, {"api_key": message}) from error


def _columns(deps: Deps, values: Mapping[str, object]) -> dict[str, object]:
    """Give values of the API as the database keeps them: the key encrypted."""
    columns = dict(values)
    for name, value in values.items():
        if isinstance(value, SecretStr):
            columns[name] = deps.vault.encrypt(value.get_secret_value())
        elif isinstance(value, PolicyOverride):
            columns[name] = value.model_dump(exclude_none=True)
        elif isinstance(value, tuple):
            columns[name] = [mapping.model_dump() for mapping in value]
    return columns


def _row(deps: Deps, new: ConnectionCreate, slug: str, password: str, version: str) -> connections.NewConnection:
    return connections.NewConnection(
        name=_name(new),
        slug=slug,
        arr_type=new.arr_type,
        url=new.url,
        api_key=deps.vault.encrypt(new.api_key.get_secret_value()),
        ca_file=new.ca_file,
        verify_tls=new.verify_tls,
        monitor_type=new.monitor_type,
        path_mappings=new.path_mappings,
        policy=new.policy,
        webhook_password=deps.vault.encrypt(password),
        webhook_password_sha256=password_hash(password),
        manual_webhook=not new.register_webhook,
        arr_version=version,
    )


def _name(new: ConnectionCreate) -> str:
    return new.name or new.arr_type.app_name


def _no_connection(connection_id: int) -> str:
    return f"There is no connection {connection_id}."
