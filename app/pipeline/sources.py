"""Which sources may be used now, and what an attempt learnt about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Deps
from app.db import sources
from app.db.attempts import AttemptClaim, Closed
from app.domain import intents
from app.domain.breaker import (
    Passage,
    SourceState,
    Trouble,
    after_trouble,
    passage,
    sources_of,
)
from app.domain.records import Media
from app.pipeline.titles import change_title


@dataclass(frozen=True, slots=True)
class Gate:
    """The sources that are open, with who may use them."""

    passages: dict[str, Passage]

    @property
    def closed(self) -> Closed:
        """What may not be claimed."""
        return Closed(
            for_all=[name for name, who in self.passages.items() if who is Passage.NOBODY],
            but_for_persons=[name for name, who in self.passages.items() if who is Passage.PERSON],
        )

    async def probe(self, tx: AsyncConnection, title: Media, attempt_id: int) -> None:
        """Make an attempt for a title the probe of the open sources that it uses."""
        used = [name for name in sources_of(title.trailer_url, title.root_path) if name in self.passages]
        if used:
            await sources.set_probe(tx, used, attempt_id)


async def gate(deps: Deps, tx: AsyncConnection, *, lock: bool = False) -> Gate:
    """Read who may use what; with `lock` nobody else claims by the same word before this transaction ends."""
    states = await (sources.lock_open(tx) if lock else sources.list_open(tx))
    busy = await sources.probing(tx, states)
    now = deps.now()
    return Gate({one.name: passage(one, probe_running=one.name in busy, now=now) for one in states})


async def may_use(deps: Deps, name: str, attempt_id: int) -> bool:
    """Say whether an attempt may use a source now; of one whose pause is over it is the probe."""
    async with deps.db.transaction() as tx:
        states = [state for state in await sources.lock_open(tx) if state.name == name]
        if not states:
            return True
        busy = await sources.probing(tx, states)
        if passage(states[0], probe_running=name in busy, now=deps.now()) is not Passage.PROBE:
            return False
        await sources.set_probe(tx, [name], attempt_id)
        return True


async def report_trouble(deps: Deps, held: AttemptClaim, name: str, trouble: Trouble) -> bool:
    """Tell a source's breaker; True where it is open now, so that the title is not to be charged.

    Titles that were charged for what turns out to be the source's fault are forgiven.
    """
    async with deps.db.transaction() as tx:
        before = await sources.lock(tx, name)
        after = after_trouble(before, trouble, held.id, deps.now())
        await sources.save(tx, after)
    if after.is_open and not before.is_open:
        until = None if after.paused_until is None else after.paused_until.isoformat(timespec="minutes")
        structlog.get_logger(__name__).warning("downloads paused", source=name, until=until, why=trouble.reason)
        await _forgive(deps, after, held.media_id)
    return after.is_open


async def report_answer(deps: Deps, names: Collection[str]) -> None:
    """Note that sources work."""
    async with deps.db.transaction() as tx:
        await sources.forget(tx, names)


async def _forgive(deps: Deps, state: SourceState, but_for: int | None) -> None:
    for media_id in {one.media_id for one in state.suspects} - {but_for}:
        async with deps.db.transaction() as tx:
            await change_title(deps, tx, media_id, intents.forgiven)
