"""The page of the settings that may change while everything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from starlette.responses import Response

from app.errors import Conflict, InvalidRequest
from app.pipeline.settings import change_settings, get_settings
from app.web.api.settings import settings_page as as_api
from app.web.errors import invalid
from app.web.pages.shell import Flash, Form, html, page, redirect, takes_form
from app.web.state import AppRequest
from schemas.settings import SettingRead, SettingSource, SettingsUpdate, Value

POLICY = "policy_"
_TRUTH = {"true": True, "false": False}


@page
async def settings_page(request: AppRequest) -> Response:
    """Show each setting with where its value comes from."""
    return _settings(request, await _all(request))


@takes_form
async def save(request: AppRequest, form: Form) -> Response:
    """Save what was changed, or show the form again with what is wrong."""
    settings = await _all(request)
    texts = {one.key: form.text(one.key) for one in settings if form.ticked(one.key)}
    given = {one.key: _value(one, texts[one.key]) for one in settings if _is_changed(one, texts)}
    try:
        changes = SettingsUpdate.model_validate(given)
        await change_settings(request.state["deps"], changes.model_dump(mode="json", exclude_unset=True))
    except ValidationError as error:
        return _settings(request, settings, texts, invalid(error).fields)
    except InvalidRequest as error:
        return _settings(request, settings, texts, error.fields)
    except Conflict as error:
        return redirect(request, "/settings", Flash("problem", error.message))
    return redirect(request, "/settings", Flash("done", "The settings are saved." if given else "Nothing was changed."))


@takes_form
async def reset(request: AppRequest, form: Form) -> Response:
    """Set one setting back to its default."""
    key = form.text("key")
    if key in SettingsUpdate.model_fields:
        try:
            await change_settings(request.state["deps"], {key: None})
        except (Conflict, InvalidRequest) as error:
            return redirect(request, "/settings", Flash("problem", error.message))
    return redirect(request, "/settings", Flash("done", "The setting is back at its default."))


async def _all(request: AppRequest) -> Sequence[SettingRead]:
    return as_api(await get_settings(request.state["deps"])).items


def _settings(
    request: AppRequest,
    settings: Sequence[SettingRead],
    texts: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    groups = {
        "Library": [one for one in settings if not one.key.startswith(POLICY)],
        "Trailers": [one for one in settings if one.key.startswith(POLICY)],
    }
    return html(
        request,
        "settings.html",
        422 if faults else 200,
        groups=groups,
        labels={one.key: _label(one.key) for one in settings},
        shown={one.key: (texts or {}).get(one.key, as_text(one.value)) for one in settings},
        default={one.key: as_text(one.default) for one in settings},
        faults=faults or {},
    )


def _label(key: str) -> str:
    return key.removeprefix(POLICY).replace("seconds", "length").replace("_", " ").capitalize()


def as_text(value: Value) -> str:
    """Write a value as its field has it."""
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_changed(one: SettingRead, texts: Mapping[str, str]) -> bool:
    fixed = one.source is SettingSource.ENVIRONMENT
    return not fixed and one.key in texts and texts[one.key] != as_text(one.value)


def _value(one: SettingRead, text: str) -> object:
    """Give a field's text as JSON would have it; what is none stays text, which the model refuses."""
    match one.type:
        case "boolean":
            return _TRUTH.get(text, text)
        case "integer" | "number":
            kind = int if one.type == "integer" else float
            try:
                return kind(text)
            except ValueError:
                return text
        case "list":
            return words_of(text)
    return text


def words_of(text: str) -> list[str]:
    """Read a list as people type it, comma-separated."""
    return [word.strip() for word in text.split(",") if word.strip()]
