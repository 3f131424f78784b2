"""Gather what `doctor` judges: all checks at once, each under its own time limit, nothing changed."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import SecretStr

from app.context import ArrManagerProtocol, Deps
from app.db import checkup, connections, events, servers
from app.domain import doctor
from app.domain.addresses import is_loopback
from app.domain.paths import to_local
from app.domain.records import Connection
from app.domain.servers import MediaServerRecord
from app.domain.webhook_entry import EntryFacts
from app.errors import ArrError, CatalogueError, ServerError, Unavailable, WrongSecretKey
from app.keys import API_KEY_FILE, SECRET_KEY_FILE
from app.pipeline.arrs import manager_for, target_of
from app.pipeline.roots import look_at_roots
from app.pipeline.servers import who_answers
from app.pipeline.webhook_upkeep import address_doubt, look_at_entry
from schemas.arr.common import SystemStatus
from schemas.connection import PathMapping
from schemas.doctor import DoctorRead, Finding

DATABASE_LIMIT = 3.0  # s; the longest way is the database, an Arr twice and a disk, which has 4 s
ARR_LIMIT = 4.0  # s


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """The keys that this process has, None where it has none (yet); or why one that is there is of no use."""

    api_key: SecretStr | None
    secret_key: SecretStr | None
    api_key_fault: str | None = None
    secret_key_fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A connection, when its last event came, and what its Arr says of itself and its roots: None, then `why` not.

    `entry`: what it says of our webhook there, None where that could not be asked or is not ours.
    """

    connection: Connection
    last_event_at: datetime | None
    status: SystemStatus | None = None
    roots: tuple[str, ...] | None = None
    entry: EntryFacts | None = None
    why: str = ""

    def here(self) -> set[str]:
        """Give where its root folders are on this machine by its mappings."""
        local = (to_local(path, self.connection.path_mappings) for path in self.roots or ())
        return {one.path for one in local if one is not None}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows that is to be asked."""

    asked: Sequence[_Asked] = ()
    servers: Sequence[MediaServerRecord] = ()


async def examine(deps: Deps, keys: GivenKeys) -> DoctorRead:
    """Check everything and give the findings in a fixed order, within about 15 s."""
    groups = await asyncio.gather(_machine(deps), _own_files(deps, keys), _stores(deps, keys))
    findings = [finding for group in groups for finding in group]
    return DoctorRead(healthy=doctor.is_healthy(findings), findings=findings)


async def _machine(deps: Deps) -> list[Finding]:
    ffmpeg, runtimes = await asyncio.gather(deps.machine.ffmpeg(), deps.machine.js_runtimes())
    versions = deps.videos.versions()
    return [
        doctor.ffmpeg(ffmpeg),
        doctor.js_runtime(runtimes, versions.solver),
        doctor.ytdlp(versions.ytdlp, deps.now()),
        doctor.python(platform.python_version()),
        *await _catalogue(deps),
    ]


async def _catalogue(deps: Deps) -> list[Finding]:
    if deps.catalogue is None:
        return []
    try:
        async with asyncio.timeout(ARR_LIMIT):
            await deps.catalogue.check()
    except CatalogueError as error:
        return [doctor.catalogue(error.message)]
    except TimeoutError:
        return [doctor.catalogue("TMDB does not answer; its videos are left out for now.")]
    return [doctor.catalogue(None)]


async def _own_files(deps: Deps, keys: GivenKeys) -> list[Finding]:
    settings, look_at = deps.settings, deps.machine.look_at
    directory, cookies = str(settings.data_dir.absolute()), settings.cookies_file
    api_file, secret_file = f"{directory}/{API_KEY_FILE}", f"{directory}/{SECRET_KEY_FILE}"
    paths = [directory, api_file, secret_file, *([] if cookies is None else [str(cookies)])]
    facts = await asyncio.gather(*(look_at(path) for path in paths))
    found = dict(zip(paths, facts, strict=True))
    findings = [
        doctor.data_dir(directory, found[directory], os.geteuid()),
        doctor.key_file("api_key", "API key", api_file, found[api_file], keys.api_key_fault)
        or doctor.api_key(keys.api_key, local=is_loopback(settings.host)),
        doctor.key_file("secret_key", "Secret key", secret_file, found[secret_file], keys.secret_key_fault)
        or doctor.secret_key(present=keys.secret_key is not None, embedded=settings.database_url is None),
    ]
    if cookies is not None:
        findings.append(doctor.cookies(str(cookies), found[str(cookies)]))
    return findings


async def _stores(deps: Deps, keys: GivenKeys) -> list[Finding]:
    (database, known), redis = await asyncio.gather(_database(deps, keys), _redis(deps))
    arrs, told = await asyncio.gather(_connections(deps, known.asked), _servers(deps, known.servers))
    return [*database, *redis, *arrs, *told]


async def _database(deps: Deps, keys: GivenKeys) -> tuple[list[Finding], _Known]:
    """Look at the database, and read what is to be asked where its schema is ours."""
    embedded = deps.settings.database_url is None
    try:
        async with asyncio.timeout(DATABASE_LIMIT), deps.db.transaction() as tx:
            before = deps.now()
            facts = await checkup.look(tx)
            skew = facts.clock - (before + (deps.now() - before) / 2)
            known = await connections.list_all(tx) if facts.at_head else []
            heard = await events.last_received(tx) if facts.at_head else {}
            told = await servers.list_all(tx) if facts.at_head else []
    except TimeoutError:
        return [doctor.unfinished("database", "Database", DATABASE_LIMIT)], _Known()
    except Unavailable as error:
        return [doctor.no_database(error.message, embedded=embedded)], _Known()
    unknown = facts.fingerprint is None or keys.secret_key is None
    fits = unknown or deps.vault.knows(facts.fingerprint or "")
    findings = doctor.database(facts, skew, key_fits=fits, embedded=embedded)
    return findings, _Known([_Asked(one, heard.get(one.id)) for one in known], told)


async def _redis(deps: Deps) -> list[Finding]:
    facts, seen = await asyncio.gather(deps.live.server(), deps.live.workers())
    found = (doctor.redis(facts, embedded=deps.settings.redis_url is None), doctor.workers(seen, deps.now()))
    return [finding for finding in found if finding is not None]


async def _servers(deps: Deps, known: Sequence[MediaServerRecord]) -> list[Finding]:
    """Ask all media servers at once who they are."""

    async def ask(one: MediaServerRecord) -> Finding:
        if not one.enabled:
            return doctor.server(one, None, "")
        try:
            async with asyncio.timeout(ARR_LIMIT):
                return doctor.server(one, await who_answers(deps, one), "")
        except TimeoutError:
            why = f"{one.name} gave no answer within {ARR_LIMIT:.0f} s: look whether it is busy or hangs."
        except (ServerError, WrongSecretKey) as error:
            why = error.message
        return doctor.server(one, None, why)

    return await asyncio.gather(*(ask(one) for one in known))


async def _connections(deps: Deps, known: Sequence[_Asked]) -> list[Finding]:
    """Ask all Arrs at once, then look at all their folders at once."""
    asked = await asyncio.gather(*(_ask(deps, one) for one in known))
    in_use = [path for one in asked for path in sorted(one.here())]
    groups = await asyncio.gather(*(_connection(deps, one, in_use) for one in asked))
    return [finding for group in groups for finding in group]


async def _ask(deps: Deps, known: _Asked) -> _Asked:
    """Ask an Arr who it is, then for its root folders, which take it longer where a disk sleeps."""
    connection = known.connection
    if not connection.enabled:
        return known
    status = None
    try:
        manager = manager_for(deps, target_of(connection, deps))
        async with asyncio.timeout(ARR_LIMIT):
            status = await manager.get_system_status()
        async with asyncio.timeout(ARR_LIMIT):
            roots, entry = await asyncio.gather(_root_paths(manager), _entry(deps, connection, status))
    except TimeoutError:
        return replace(known, status=status, why=doctor.no_answer(connection, ARR_LIMIT))
    except (ArrError, WrongSecretKey) as error:
        return replace(known, status=status, why=error.message)
    if isinstance(roots, ArrError):
        return replace(known, status=status, entry=entry, why=roots.message)
    return replace(known, status=status, roots=roots, entry=entry)


async def _root_paths(manager: ArrManagerProtocol) -> tuple[str, ...] | ArrError:
    """Ask for the root folders; an error is given, not raised, so that what is asked beside it comes to its end."""
    try:
        return tuple(root.path for root in await manager.get_root_folders())
    except ArrError as error:
        return error


async def _entry(deps: Deps, connection: Connection, status: SystemStatus) -> EntryFacts | None:
    """Ask for our webhook; where that fails what is stored of it is judged."""
    if connection.manual_webhook:
        return None
    try:
        return await look_at_entry(deps, connection, status)
    except ArrError:
        return None


async def _connection(deps: Deps, asked: _Asked, in_use: Sequence[str]) -> list[Finding]:
    connection, status, now = asked.connection, asked.status, deps.now()
    if not connection.enabled:
        return [doctor.disabled(connection)]
    doubt = None if status is None else address_doubt(deps, connection, status)
    version = None if status is None else status.version
    roots, targets = await asyncio.gather(_roots(deps, asked, in_use), _mapping_targets(deps, asked))
    return [
        doctor.connection(connection, version, asked.why, now),
        doctor.webhook(connection, asked.last_event_at, doubt, now, asked.entry),
        *([doctor.no_roots(connection, asked.why)] if status is not None and asked.roots is None else roots),
        *targets,
    ]


async def _roots(deps: Deps, asked: _Asked, in_use: Sequence[str]) -> list[Finding]:
    connection, user = asked.connection, os.geteuid()
    found = await look_at_roots(deps, asked.roots or (), connection.path_mappings, in_use)
    return [doctor.root(connection.name, facts, user) for facts in found]


async def _mapping_targets(deps: Deps, asked: _Asked) -> list[Finding]:
    """Judge the mappings that are no root's own, which is judged already."""

    async def judge(mapping: PathMapping) -> Finding:
        facts = await deps.machine.look_at(mapping.path_to)
        return doctor.mapping_target(asked.connection, mapping, facts, os.geteuid())

    judged = asked.here()
    mappings = [one for one in asked.connection.path_mappings if one.path_to.rstrip("/") not in judged]
    return await asyncio.gather(*(judge(one) for one in mappings))
