"""The one table of what `/api/v1` offers: each operation with its handler, what it takes and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from app.web.api import connections, doctor, events, media, runs, servers, settings, status
from app.web.paging import DEFAULT_LIMIT, MAX_LIMIT
from app.web.state import AppRequest
from schemas.base import EventState, MonitorStatus
from schemas.connection import (
    ConnectionChanged,
    ConnectionCreate,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionRead,
    ConnectionTest,
    ConnectionUpdate,
)
from schemas.doctor import DoctorRead
from schemas.event import EventDetail, EventRead
from schemas.media import MediaDetail, MediaRead, MediaUpdate
from schemas.run import RunAccepted, RunRead
from schemas.server import ServerCreate, ServerRead, ServerTest, ServerUpdate
from schemas.settings import SettingRead, SettingsUpdate
from schemas.status import Page, StatusRead

Handler = Callable[[AppRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `query` has the JSON schema of each parameter, `errors` what is beyond the usual."""

    method: str
    path: str
    handler: Handler
    answer: type[BaseModel]
    status: int = 200
    body: type[BaseModel] | None = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: tuple[int, ...] = ()

    @property
    def all_errors(self) -> list[int]:
        """Every status that is not a success."""
        found = {401, 405, 429, 503, *self.errors}
        found |= {404} if "{" in self.path else set()
        found |= {422} if self.query or self.body else set()
        found |= {408, 413} if self.body else set()
        return sorted(found)


def _one_of(choices: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [choice.value for choice in choices]}


_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_PAGED: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "cursor": {"type": "string", "description": "`next_cursor` of the part before"},
}
_CONNECTION, _MEDIA, _EVENT = "/connections/{connection_id:id}", "/media/{media_id:id}", "/events/{event_id:id}"
_SERVER = "/servers/{server_id:id}"

OPERATIONS = (
    Operation("GET", "/status", status.get_status, StatusRead),
    Operation("GET", "/doctor", doctor.get_doctor, DoctorRead),
    Operation("GET", "/connections", connections.list_connections, Page[ConnectionRead]),
    Operation(
        "POST",
        "/connections",
        connections.create_connection,
        ConnectionCreated,
        201,
        body=ConnectionCreate,
        errors=(409,),
    ),
    Operation("GET", _CONNECTION, connections.get_one, ConnectionRead),
    Operation("PATCH", _CONNECTION, connections.change_one, ConnectionChanged, body=ConnectionUpdate, errors=(409,)),
    Operation(
        "DELETE",
        _CONNECTION,
        connections.delete_one,
        ConnectionDeleted,
        202,
        query={"trailers": {"type": "string", "enum": ["keep", "remove"], "default": "keep"}},
    ),
    Operation("POST", f"{_CONNECTION}/test", connections.test_one, ConnectionTest),
    Operation("POST", f"{_CONNECTION}/webhook", connections.register_one, ConnectionRead, errors=(409,)),
    Operation(
        "POST",
        f"{_CONNECTION}/reconcile",
        connections.reconcile_connection,
        RunAccepted,
        202,
        query={"accept_deletions": {"type": "boolean", "default": False}},
        errors=(409,),
    ),
    Operation(
        "GET",
        "/media",
        media.list_media,
        Page[MediaRead],
        query={
            "status": _one_of(MonitorStatus),
            "q": {"type": "string", "description": "a part of the title"},
            "connection_id": _WHOLE,
            **_PAGED,
        },
    ),
    Operation("GET", _MEDIA, media.get_one, MediaDetail),
    Operation("PATCH", _MEDIA, media.change_one, MediaDetail, body=MediaUpdate),
    Operation("POST", f"{_MEDIA}/download", media.download_one, MediaDetail, 202, errors=(409,)),
    Operation("POST", f"{_MEDIA}/reject-trailer", media.reject_one, MediaDetail, 202, errors=(409,)),
    Operation("POST", f"{_MEDIA}/sync", media.sync_one, MediaDetail, 202, errors=(409,)),
    Operation(
        "GET",
        "/events",
        events.list_events,
        Page[EventRead],
        query={"state": _one_of(EventState), "connection_id": _WHOLE, **_PAGED},
    ),
    Operation("GET", _EVENT, events.get_one, EventDetail),
    Operation("POST", f"{_EVENT}/replay", events.replay_one, EventRead, 202, errors=(409,)),
    Operation("GET", "/servers", servers.list_servers, Page[ServerRead]),
    Operation("POST", "/servers", servers.create_server, ServerRead, 201, body=ServerCreate, errors=(409,)),
    Operation("GET", _SERVER, servers.get_one, ServerRead),
    Operation("PATCH", _SERVER, servers.change_one, ServerRead, body=ServerUpdate, errors=(409,)),
    Operation("DELETE", _SERVER, servers.delete_one, ServerRead),
    Operation("POST", f"{_SERVER}/test", servers.test_one, ServerTest),
    Operation("GET", "/settings", settings.list_settings, Page[SettingRead]),
    Operation("PATCH", "/settings", settings.change_some, Page[SettingRead], body=SettingsUpdate, errors=(409,)),
    Operation("GET", "/runs", runs.list_runs, Page[RunRead], query=_PAGED),
    Operation("GET", "/runs/{run_id:id}", runs.get_run, RunRead),
)
