"""Which value of a setting holds: the environment's, else the one that a person chose, else the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.settings import SettingSource, SettingsUpdate, Tunables

_RANGES = (("policy_min_seconds", "policy_max_seconds"), ("policy_min_height", "policy_max_height"))


@dataclass(frozen=True, slots=True)
class Effective:
    """The values that hold, and where each comes from."""

    values: Tunables
    sources: Mapping[str, SettingSource]


def effective(environment: Mapping[str, Any], stored: Mapping[str, Any]) -> Effective:
    """Lay the environment's values over those from the database, and these over the defaults."""
    chosen = _usable(stored)
    sources = {
        name: SettingSource.ENVIRONMENT
        if name in environment
        else SettingSource.DATABASE
        if name in chosen
        else SettingSource.DEFAULT
        for name in Tunables.model_fields
    }
    return Effective(Tunables.model_construct(**{**chosen, **environment}), sources)


def contradictions(values: Tunables, changed: Mapping[str, Any]) -> dict[str, str]:
    """Name the changed settings with which no video could be taken."""
    faults: dict[str, str] = {}
    for least, most in _RANGES:
        low, high = getattr(values, least), getattr(values, most)
        if low > high:
            fault = f"{least} ({low}) is above {most} ({high})"
            faults |= {name: fault for name in (least, most) if name in changed}
    return faults


def _usable(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give the stored values; one that another version of the program took and this one does not counts as none."""
    try:
        return SettingsUpdate.model_validate(stored).model_dump(exclude_none=True)
    except ValidationError as error:
        unusable = {fault["loc"][0] for fault in error.errors(include_url=False, include_input=False)}
        return _usable({name: value for name, value in stored.items() if name not in unusable})
