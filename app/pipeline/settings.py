"""The settings that hold now, and changing them while everything runs.

Who needs one reads it where its work begins, in the transaction that it has open there: a change holds for all that
begins after its commit, in every process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import connections, runs, settings
from app.domain.policy import default_policy
from app.domain.tunables import Effective, contradictions, effective
from app.errors import Conflict, InvalidRequest
from app.settings import ENV_PREFIX
from schemas.base import RunTrigger
from schemas.settings import Tunables


async def tunables(deps: Deps, tx: AsyncConnection) -> Tunables:
    """Give the values that hold."""
    return effective(deps.settings.fixed, await settings.stored(tx)).values


async def get_settings(deps: Deps) -> Effective:
    """Give the values that hold, and where they come from."""
    async with deps.db.transaction() as tx:
        return effective(deps.settings.fixed, await settings.stored(tx))


async def change_settings(deps: Deps, changes: Mapping[str, Any]) -> Effective:
    """Save changes, as JSON by name, null for the default; another policy has all titles decided anew.

    Raises Conflict where the environment sets one of them, InvalidRequest where they contradict each other; nothing is
    saved then.
    """
    fixed = deps.settings.fixed
    if refused := sorted(fixed.keys() & changes.keys()):
        raise Conflict(_fixed_text(refused))
    async with deps.db.transaction() as tx:
        stored = await settings.lock_stored(tx)
        chosen = {name: value for name, value in {**stored, **changes}.items() if value is not None}
        before, after = effective(fixed, stored), effective(fixed, chosen)
        if faults := contradictions(after.values, changes):
            message = f"Correct the request: {'; '.join(sorted(set(faults.values())))}."
            raise InvalidRequest(message, faults)
        await settings.store(tx, chosen)
        policy_changed = default_policy(before.values) != default_policy(after.values)
        run_ids = await _decide_anew(tx) if policy_changed else []
    for run_id in run_ids:
        await deps.wakeups.wake_refresh(run_id)
    return after


async def _decide_anew(tx: AsyncConnection) -> list[int]:
    """Ask for a reconciliation of each enabled connection; the policy is read when it decides."""
    enabled = [connection.id for connection in await connections.list_all(tx) if connection.enabled]
    return [await runs.request(tx, connection_id, RunTrigger.MANUAL) for connection_id in enabled]


def _fixed_text(names: list[str]) -> str:
    variables = " and ".join(f"{ENV_PREFIX}{name.upper()}" for name in names)
    verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return f"{variables} {verb} set in the environment, which wins: change {them} there, or remove {them} and restart."
