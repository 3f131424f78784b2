"""An Arr's root folders that no mapping covers and that are not here: no trailer can be put below them."""

from __future__ import annotations

from app.context import Deps
from app.db import connections
from app.domain.doctor import PathKind, RootFacts
from app.domain.records import Connection
from app.pipeline.arrs import manager_for, target_of
from app.pipeline.roots import look_at_roots


async def missing_roots(deps: Deps, connection: Connection) -> list[RootFacts]:
    """Ask the Arr and look here, with where each probably is. Raises ArrError."""
    roots = await manager_for(deps, target_of(connection, deps)).get_root_folders()
    async with deps.db.transaction() as tx:
        in_use = [mapping.path_to for one in await connections.list_all(tx) for mapping in one.path_mappings]
    found = await look_at_roots(deps, [root.path for root in roots], connection.path_mappings, in_use)
    return [one for one in found if not _is_mapped(one) and not _is_here(one)]


def _is_mapped(root: RootFacts) -> bool:
    return root.local is not None and root.local.mapped


def _is_here(root: RootFacts) -> bool:
    return root.facts is not None and root.facts.kind is not PathKind.MISSING
