"""An Arr's root folders as this machine sees them, and where one that is not here probably is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence

from app.context import Deps
from app.domain import doctor
from app.domain.doctor import PathKind, RootFacts
from app.domain.likely_paths import likely_folder, likely_folders, missing_root
from app.domain.paths import to_local
from schemas.connection import PathMapping
from schemas.doctor import Level


async def look_at_roots(
    deps: Deps, roots: Iterable[str], mappings: Sequence[PathMapping], in_use: Sequence[str]
) -> list[RootFacts]:
    """Look at all of them at once; `in_use` are folders of this machine that other roots or mappings lead to."""

    async def look(path: str) -> RootFacts:
        local = to_local(path, mappings)
        facts = None if local is None else await deps.machine.look_at(local.path)
        absent = facts is None or facts.kind is PathKind.MISSING
        return RootFacts(path, local, facts, await _likely(deps, path, mappings, in_use) if absent else None)

    return await asyncio.gather(*(look(path) for path in roots))


async def root_warnings(
    deps: Deps, roots: Sequence[str], mappings: Sequence[PathMapping], in_use: Sequence[str]
) -> list[str]:
    """Name the root folders that no trailer can be put into here, each with what to do."""
    here = [local.path for path in roots if (local := to_local(path, mappings)) is not None]
    found = await look_at_roots(deps, roots, mappings, [*here, *in_use])
    return [text for facts in found if (text := _warning(facts)) is not None]


def _warning(facts: RootFacts) -> str | None:
    finding = doctor.root("", facts, os.geteuid())
    if finding.level is Level.OK:
        return None
    mapped = facts.local is not None and facts.local.mapped
    if not mapped and (facts.facts is None or facts.facts.kind is PathKind.MISSING):
        return missing_root(facts.arr_path, facts.likely)
    return f"{facts.arr_path}: {finding.detail}. {finding.remedy}"


async def _likely(deps: Deps, root: str, mappings: Sequence[PathMapping], in_use: Sequence[str]) -> str | None:
    guesses = likely_folders(root, mappings, in_use)
    facts = await asyncio.gather(*(deps.machine.look_at(path) for path in guesses))
    there = {path for path, fact in zip(guesses, facts, strict=True) if fact.kind is PathKind.FOLDER}
    return likely_folder(guesses, there)
