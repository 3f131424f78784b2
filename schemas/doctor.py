"""What `doctor` finds, as the API and the command line show it."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Model


class Level(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Model):
    """One line: what was checked, what was found and, unless it is ok, what to do about it in one sentence.

    `check` names the kind of the check and does not change; `title` names the thing for a person.
    """

    check: str
    level: Level
    title: str
    detail: str
    remedy: str | None = None


class DoctorRead(Model):
    """All findings in their order; `healthy` is false where one of them is a problem."""

    healthy: bool
    findings: list[Finding]
