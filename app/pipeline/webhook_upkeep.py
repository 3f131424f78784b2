"""Keep our webhook alive in an Arr: look at our entry, then do what `app.domain.webhook_entry` decides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from app.context import ArrManagerProtocol, Deps, WebhookEntry
from app.db import connections
from app.db.connections import WebhookFindings
from app.domain import webhook_entry
from app.domain.addresses import Ways, likely_obstacle, webhook_doubt
from app.domain.records import Connection
from app.domain.webhook_entry import EntryFacts, Step
from app.domain.webhook_events import parse_version, wanted_events
from app.errors import ArrError, ArrRejected, WrongSecretKey
from app.pipeline.arrs import manager_for, target_of, webhook_url
from schemas.arr.common import Notification, NotificationField, SystemStatus

WEBHOOK_USER = "trailhook"
EVERY = timedelta(minutes=30)
EVERY_WITH_ERROR = timedelta(minutes=5)
REMOVAL_PATIENCE = 10.0  # s


@dataclass(frozen=True, slots=True)
class _Job:
    """One round over one connection; `doubt`: why webhooks will not reach us, `obstacle`: why they probably do not."""

    connection: Connection
    manager: ArrManagerProtocol
    entry: WebhookEntry
    doubt: str | None
    obstacle: str | None


async def keep_all(deps: Deps, every: timedelta = EVERY) -> None:
    """Look after the entries that nobody looked at for so long; several workers share them."""
    async with deps.db.transaction() as tx:
        due = await connections.take_webhook_checks(tx, every, min(every, EVERY_WITH_ERROR))
    for connection in due:
        try:
            await keep_webhook(deps, connection)
        except (ArrError, WrongSecretKey) as error:
            log = structlog.get_logger(__name__)
            log.warning("cannot look after the webhook", connection=connection.name, why=error.message)


async def keep_webhook(deps: Deps, connection: Connection, *, asked: bool = False) -> WebhookFindings:
    """Bring our entry in the Arr in order as far as that goes, and note what was found; never one made by hand.

    Where a person asked for it, or webhooks came with a wrong password, it is tested in any case. Raises ArrError
    where the Arr cannot be asked, WrongSecretKey; then nothing new is known.
    """
    if connection.manual_webhook:
        return WebhookFindings()
    manager = manager_for(deps, target_of(connection, deps))
    status = await manager.get_system_status()
    entries = await manager.get_webhooks()
    url, password = webhook_url(deps, connection.slug), deps.vault.decrypt(connection.webhook_password)
    name = webhook_entry.entry_name(connection.slug, [entry.name for entry in entries])
    doubt = address_doubt(deps, connection, status)
    obstacle = likely_obstacle(_ways(deps, connection), connection.arr_type)
    job = _Job(connection, manager, WebhookEntry(name, url, WEBHOOK_USER, password), doubt, obstacle)
    facts = await _facts(deps, connection, manager, entries, status)
    found = await _work_through(job, replace(facts, asked=asked or connection.webhook_refused))
    async with deps.db.transaction() as tx:
        await connections.set_webhook(tx, connection.id, found)
    return found


async def register_webhook(deps: Deps, connection: Connection) -> WebhookFindings:
    """Do the same because a person asked for it: that the Arr cannot be asked is noted too."""
    try:
        return await keep_webhook(deps, connection, asked=True)
    except (ArrError, WrongSecretKey) as error:
        found = WebhookFindings(connection.notification_id, error.message)
        async with deps.db.transaction() as tx:
            await connections.set_webhook(tx, connection.id, found)
        return found


async def remove_webhook(deps: Deps, connection: Connection) -> str | None:
    """Remove our entry in the Arr, or say why it may still be there."""
    try:
        manager = manager_for(deps, target_of(connection, deps))
        async with asyncio.timeout(REMOVAL_PATIENCE):
            url = webhook_url(deps, connection.slug)
            ours = webhook_entry.find_ours(await manager.get_webhooks(), connection.notification_id, url)
            if ours is not None:
                await manager.delete_webhook(ours.id)
    except (ArrError, WrongSecretKey) as error:
        return error.message
    except TimeoutError:
        return f"{connection.arr_type.app_name} did not answer within {REMOVAL_PATIENCE:g} s"
    return None


def address_doubt(deps: Deps, connection: Connection, status: SystemStatus) -> str | None:
    """Say why webhooks of this Arr will not reach us under our address."""
    return webhook_doubt(_ways(deps, connection), connection.arr_type, in_docker=status.is_docker)


def _ways(deps: Deps, connection: Connection) -> Ways:
    settings = deps.settings
    return Ways(settings.webhook_base_url, settings.url_base, settings.host, connection.url)


async def look_at_entry(deps: Deps, connection: Connection, status: SystemStatus) -> EntryFacts:
    """Ask the Arr for our entry as it is now, and change nothing. Raises ArrError, WrongSecretKey."""
    manager = manager_for(deps, target_of(connection, deps))
    return await _facts(deps, connection, manager, await manager.get_webhooks(), status)


async def _facts(
    deps: Deps,
    connection: Connection,
    manager: ArrManagerProtocol,
    entries: list[Notification],
    status: SystemStatus,
) -> EntryFacts:
    version, url = parse_version(status.version), webhook_url(deps, connection.slug)
    ours = webhook_entry.find_ours(entries, connection.notification_id, url)
    health_known = webhook_entry.tells_blocks(connection.arr_type, version)
    health = await manager.get_health() if ours is not None and health_known else []
    return EntryFacts(
        ours=ours,
        stored_id=connection.notification_id,
        webhook_url=url,
        events=wanted_events(connection.arr_type, version),
        blocked=ours is not None and webhook_entry.is_blocked(health, ours.name),
        health_known=health_known,
    )


async def _work_through(job: _Job, facts: EntryFacts) -> WebhookFindings:
    refusal: ArrRejected | None = None
    while (step := webhook_entry.next_step(facts)) not in {Step.LEAVE, Step.GIVE_UP}:
        structlog.get_logger(__name__).info("webhook", connection=job.connection.name, step=step.name.lower())
        try:
            facts = await _do(job, step, facts)
        except ArrRejected as error:
            refusal, facts = error, webhook_entry.after_refusal(facts, step)
    stored_id = None if facts.ours is None else facts.ours.id
    if step is Step.GIVE_UP and refusal is not None:
        said = " ".join(filter(None, (refusal.message, job.obstacle)))
        return WebhookFindings(stored_id, job.doubt or said, blocked=facts.blocked)
    return WebhookFindings(stored_id, notice=webhook_entry.notice_of(facts, job.connection.arr_type.app_name))


async def _do(job: _Job, step: Step, facts: EntryFacts) -> EntryFacts:
    """Do one step and give what is known after it. Raises ArrRejected, and what the Arr's calls raise."""
    ours = facts.ours
    if ours is None:
        saved = await job.manager.save_webhook(job.entry, None)
        return replace(facts, ours=_saved(job.entry, saved, facts), stored_id=saved, tested=True)
    if step is Step.TEST:
        await job.manager.test_webhook(ours.id)
        return replace(facts, tested=True)
    entry = job.entry if step is Step.TAKE_BACK else replace(job.entry, url=webhook_entry.address_of(ours))
    saved = await job.manager.save_webhook(replace(entry, name=ours.name), ours.id)
    taken_back = facts.taken_back or entry.url == job.entry.url
    after = replace(facts, ours=_saved(entry, saved, facts), stored_id=saved)
    return replace(after, restored=True, taken_back=taken_back, tested=None)


def _saved(entry: WebhookEntry, notification_id: int, facts: EntryFacts) -> Notification:
    """Give the entry as it is after it was saved."""
    fields = {"url": entry.url, "password": "********"}
    return Notification(
        id=notification_id,
        name=entry.name,
        fields=[NotificationField(name=name, value=value) for name, value in fields.items()],
        tags=[] if facts.ours is None else facts.ours.tags,
        events=dict(facts.events),
    )
