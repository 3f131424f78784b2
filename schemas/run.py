"""Reconciliation runs as the API shows them."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Model, RunOutcome, RunTrigger


class SkippedItem(Model):
    """An item of the Arr's list that could not be read; its row was kept."""

    arr_id: int | None
    title: str | None
    error: str


class RunRead(Model):
    """One reconciliation of one connection; `outcome` is null while it runs."""

    id: int
    connection_id: int
    trigger: RunTrigger
    outcome: RunOutcome | None
    fetched: int
    created: int
    updated: int
    unchanged: int
    deleted: int
    held_deletions: int
    skipped_items: list[SkippedItem]
    error: str | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None


class RunAccepted(Model):
    """The answer to a request for a reconciliation."""

    run_id: int
