"""`/api/v1/settings`."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from starlette.responses import Response

from app.domain.tunables import Effective
from app.pipeline.settings import change_settings, get_settings
from app.settings import ENV_PREFIX
from app.web.api.answers import answer
from app.web.bodies import read_model
from app.web.state import AppRequest
from schemas.duration import format_duration
from schemas.settings import SettingRead, SettingsUpdate, Tunables
from schemas.status import Page

_TYPES: tuple[tuple[type, Literal["boolean", "integer", "number", "duration", "choice", "list"]], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (timedelta, "duration"),
    (StrEnum, "choice"),
    (tuple, "list"),
)


async def list_settings(request: AppRequest) -> Response:
    """List what may be changed while it runs."""
    return answer(settings_page(await get_settings(request.state["deps"])))


async def change_some(request: AppRequest) -> Response:
    """Change what is given and list all."""
    changes = await read_model(request, SettingsUpdate)
    given = changes.model_dump(mode="json", exclude_unset=True)
    return answer(settings_page(await change_settings(request.state["deps"], given)))


def settings_page(now: Effective) -> Page[SettingRead]:
    """Show each setting with what a form needs."""
    shown = [_setting_read(name, now) for name in Tunables.model_fields]
    return Page[SettingRead](items=shown, next_cursor=None, total=len(shown))


def _setting_read(name: str, now: Effective) -> SettingRead:
    field = Tunables.model_fields[name]
    extra = field.json_schema_extra
    return SettingRead(
        key=name,
        value=_shown(getattr(now.values, name)),
        default=_shown(field.default),
        source=now.sources[name],
        variable=ENV_PREFIX + name.upper(),
        description=field.description or "",
        type=next(word for kind, word in _TYPES if isinstance(field.default, kind)),
        unit=str(extra["unit"]) if isinstance(extra, dict) else None,
        minimum=_bound(field.metadata, "ge"),
        maximum=_bound(field.metadata, "le"),
        choices=[word.value for word in type(field.default)] if isinstance(field.default, StrEnum) else None,
    )


def _bound(rules: list[Any], kind: str) -> Any:
    limits = (getattr(rule, "func", rule) for rule in rules)
    return next((_shown(getattr(limit, kind)) for limit in limits if hasattr(limit, kind)), None)


def _shown(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    return list(value) if isinstance(value, tuple) else value
