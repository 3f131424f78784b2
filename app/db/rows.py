"""Rows of the tables turned into the records of the domain."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from app.domain.disk import DiskState
from app.domain.records import Connection, Media, Rank
from schemas.base import ArrType, FetchFailure, MediaKind, MonitorStatus, MonitorType, Reason
from schemas.connection import PathMapping, PolicyOverride

_SECRET_COLUMNS = {"webhook_password_sha256"}


def to_connection(row: RowMapping) -> Connection:
    """Make the record of a `connection` row."""
    values: dict[str, Any] = {key: value for key, value in row.items() if key not in _SECRET_COLUMNS}
    values["arr_type"] = ArrType(row["arr_type"])
    values["monitor_type"] = MonitorType(row["monitor_type"])
    values["path_mappings"] = tuple(PathMapping.model_validate(mapping) for mapping in row["path_mappings"])
    values["policy"] = PolicyOverride.model_validate(row["policy"])
    values["tag_labels"] = {int(tag): label for tag, label in row["tag_labels"].items()}
    return Connection(**values)


def to_media(row: RowMapping) -> Media:
    """Make the record of a `media` row."""
    values: dict[str, Any] = dict(row)
    values["kind"] = MediaKind(row["kind"])
    values["alternative_titles"] = tuple(row["alternative_titles"])
    values["tags"] = tuple(row["tags"])
    values["genres"] = tuple(row["genres"])
    values["disk_state"] = DiskState(row["disk_state"])
    values["wanted_rank"] = Rank(row["wanted_rank"])
    values["status"] = MonitorStatus(row["status"])
    values["last_failure"] = None if row["last_failure"] is None else FetchFailure(row["last_failure"])
    values["reason"] = None if row["reason"] is None else Reason(row["reason"])
    values["due_rank"] = None if row["due_rank"] is None else Rank(row["due_rank"])
    return Media(**values)
