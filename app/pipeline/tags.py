"""The names of an Arr's tags, which its items carry as ids; policies name them by label."""

from __future__ import annotations

from collections.abc import Collection

from app.context import ArrManagerProtocol, Deps
from app.db import connections
from app.domain.policy import needs_tags
from app.domain.records import Connection
from app.pipeline.titles import policy_of


async def learn(deps: Deps, arr: ArrManagerProtocol, connection: Connection) -> None:
    """Ask for the names and keep them. Raises what asking an Arr raises."""
    labels = await arr.get_tags()
    async with deps.db.transaction() as tx:
        await connections.set_tag_labels(tx, connection.id, labels)


async def learn_if_new(deps: Deps, arr: ArrManagerProtocol, connection: Connection, tags: Collection[int]) -> None:
    """Ask only where an item has a tag whose name is not known and the policy needs it."""
    if set(tags) <= connection.tag_labels.keys():
        return
    async with deps.db.transaction() as tx:
        needed = needs_tags(await policy_of(deps, tx, connection.id))
    if needed:
        await learn(deps, arr, connection)
