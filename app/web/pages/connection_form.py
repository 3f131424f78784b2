"""The form of a connection: what a person typed, as the API's models, and back with the faults beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.domain.policy import Policy
from app.domain.records import Connection
from app.web.errors import invalid
from app.web.pages.shell import Form
from schemas.base import ArrType, MonitorType
from schemas.connection import ConnectionCreate, ConnectionUpdate, PolicyOverride

LEAST_ROWS, SPARE_ROWS = 3, 2
_TEXTS = ("name", "url", "monitor_type", "ca_file")
_YES_NO = {"yes": True, "no": False}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """The fields as text; `faults` has what is wrong by the field's path in the API. There is never a key in it."""

    texts: Mapping[str, str]
    rows: tuple[tuple[str, str], ...] = ()
    verify_tls: bool = True
    register_webhook: bool = True
    faults: Mapping[str, str] = field(default_factory=dict)

    def all_rows(self) -> list[tuple[str, str]]:
        """Give the mappings, and empty rows for more."""
        spare = max(LEAST_ROWS - len(self.rows), SPARE_ROWS)
        return [*self.rows, *[("", "")] * spare]

    def text(self, name: str) -> str:
        """Give what stands in a field."""
        return self.texts.get(name, "")

    def fault(self, name: str) -> str:
        """Say what is wrong with a field, empty where nothing is."""
        return self.faults.get(name, "")

    def faulty(self, *prefixes: str) -> bool:
        """Say whether anything in a group of fields is wrong."""
        return any(name.startswith(prefixes) for name in self.faults)

    def with_rows(self, rows: Sequence[tuple[str, str]]) -> ConnectionForm:
        """Give the form with more mappings."""
        return replace(self, rows=(*self.rows, *rows))

    def with_faults(self, faults: Mapping[str, str]) -> ConnectionForm:
        """Give the form with what is wrong."""
        return replace(self, faults=faults)


def empty_form(arr_type: str) -> ConnectionForm:
    """Give the form of a new connection."""
    known = arr_type if arr_type in set(ArrType) else ArrType.RADARR.value
    return ConnectionForm({"arr_type": known, "monitor_type": MonitorType.MISSING.value})


def form_of(connection: Connection) -> ConnectionForm:
    """Give the form as a connection is now, without its key."""
    policy = connection.policy.model_dump(exclude_none=True)
    texts = {name: str(getattr(connection, name) or "") for name in _TEXTS}
    chosen = {f"policy.{name}": _as_text(value) for name, value in policy.items()}
    rows = tuple((one.path_from, one.path_to) for one in connection.path_mappings)
    return ConnectionForm({**texts, **chosen}, rows, verify_tls=connection.verify_tls)


def typed(form: Form) -> ConnectionForm:
    """Give what was typed, without the key."""
    names = ("arr_type", *_TEXTS, *(f"policy.{name}" for name in PolicyOverride.model_fields))
    pairs = zip(form.texts("path_from"), form.texts("path_to"), strict=False)
    return ConnectionForm(
        {name: form.text(name) for name in names},
        tuple(pair for pair in pairs if any(pair)),
        verify_tls=form.ticked("verify_tls"),
        register_webhook=form.ticked("register_webhook"),
    )


def new_connection(shown: ConnectionForm, api_key: str) -> ConnectionCreate:
    """Read the form of a new connection. Raises InvalidRequest that names each field at fault."""
    given = {"arr_type": shown.text("arr_type"), "api_key": api_key, "register_webhook": shown.register_webhook}
    name = {"name": shown.text("name")} if shown.text("name") else {}
    return _read(ConnectionCreate, {**_common(shown), **given, **name})


def changes(shown: ConnectionForm, api_key: str) -> ConnectionUpdate:
    """Read the form of a present connection, where no key means the old one. Raises InvalidRequest."""
    key = {"api_key": api_key} if api_key else {}
    return _read(ConnectionUpdate, {**_common(shown), **key, "name": shown.text("name")})


def _common(shown: ConnectionForm) -> dict[str, Any]:
    policy = {name: shown.text(f"policy.{name}") for name in PolicyOverride.model_fields}
    return {
        "url": shown.text("url"),
        "monitor_type": shown.text("monitor_type"),
        "path_mappings": [{"path_from": path_from, "path_to": path_to} for path_from, path_to in shown.rows],
        "policy": {name: _value(name, text) for name, text in policy.items() if text},
        "ca_file": shown.text("ca_file") or None,
        "verify_tls": shown.verify_tls,
    }


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _value(name: str, text: str) -> object:
    """Give what stands in a policy's field as JSON would have it; what is none stays text, which the model refuses."""
    if isinstance(getattr(Policy(), name), tuple):
        return [word.strip() for word in text.split(",") if word.strip()]
    return _YES_NO.get(text, text)


def _read(model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None
