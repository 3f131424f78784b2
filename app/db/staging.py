"""Titles as their Arr describes them, written in bulk: only rows that differ are locked and written.

    stage (COPY; JSON for a few) -> match -> lock what differs -> displace, vacate, update -> insert

`create_or_update_bulk` is the one entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from sqlalchemy import CursorResult, Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import copy_rows
from app.domain.disk import DiskState
from app.domain.intents import FirstDecision
from app.domain.records import Media, Rank
from schemas.base import MediaKind, MonitorStatus
from schemas.media import MediaCreate

COPY_FROM = 20  # rows; a table of their own costs more than JSON for fewer


@dataclass(frozen=True, slots=True)
class StagedMedia:
    """A title as its Arr describes it, with what our rules add; `monitor` is the rule's word, a pin beats it.

    `decided` is what a new row starts with, as decided after a look at its folder; None: it is still to be decided.
    """

    created: MediaCreate
    monitor: bool
    path_mapped: bool
    folder_path: str | None
    root_path: str | None
    decided: FirstDecision | None = None


class Written(StrEnum):
    """What writing a title did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Upserted:
    """The row of one staged title; `settled`: it is new and was written as decided."""

    arr_id: int
    media_id: int
    written: Written
    settled: bool = False


_OF_THE_ARR = {
    "arr_id": "integer",
    "kind": "text",
    "title": "text",
    "original_title": "text",
    "alternative_titles": "text[]",
    "clean_title": "text",
    "year": "integer",
    "language": "text",
    "overview": "text",
    "runtime": "integer",
    "studio": "text",
    "imdb_id": "text",
    "tmdb_id": "integer",
    "tvdb_id": "integer",
    "youtube_trailer_id": "text",
    "title_slug": "text",
    "poster_url": "text",
    "fanart_url": "text",
    "arr_path": "text",
    "media_exists": "boolean",
    "media_filename": "text",
    "season_count": "integer",
    "tags": "integer[]",
    "genres": "text[]",
    "arr_monitored": "boolean",
    "arr_added_at": "timestamptz",
}
_OF_OUR_RULES = {"monitor": "boolean", "path_mapped": "boolean", "folder_path": "text", "root_path": "text"}
_ARR_COLUMNS = {**_OF_THE_ARR, **_OF_OUR_RULES}
_FIRST_DECIDED = {
    "disk_state": "text",
    "trailer_exists": "boolean",
    "status": "text",
    "reason": "text",
    "reason_detail": "text",
    "next_try_at": "timestamptz",
    "due_rank": "smallint",
}
_UNDECIDED = FirstDecision()
_values_of_the_arr = attrgetter(*_OF_THE_ARR)
_STAGED_COLUMNS = {**_ARR_COLUMNS, **_FIRST_DECIDED}
_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in _STAGED_COLUMNS.items())
_CREATE = text(f"CREATE TEMPORARY TABLE staged_media ({_COLUMNS}) ON COMMIT DROP")
_EXTERNAL = "CASE WHEN {0}.kind = 'movie' THEN {0}.tmdb_id ELSE {0}.tvdb_id END"
_KEPT = {"monitor": "CASE WHEN m.monitor_pinned THEN m.monitor ELSE s.monitor END"}
_NEW_VALUES = {name: _KEPT.get(name, f"s.{name}") for name in _ARR_COLUMNS}
_DIFFERS = f"""(m.missing_since IS NOT NULL
    OR ({", ".join(f"m.{name}" for name in _ARR_COLUMNS)}) IS DISTINCT FROM ({", ".join(_NEW_VALUES.values())}))"""
_KNOWN_BY = (
    ("true", "m.kind = 'movie' AND s.kind = 'movie' AND m.tmdb_id = s.tmdb_id"),
    ("true", "m.kind = 'series' AND s.kind = 'series' AND m.tvdb_id = s.tvdb_id"),
    ("false", f"m.arr_id = s.arr_id AND ({_EXTERNAL.format('m')} IS NULL OR {_EXTERNAL.format('s')} IS NULL)"),
)
_PAIRS = "unnest(CAST(:arr_ids AS integer[]), CAST(:ids AS bigint[])) AS k(arr_id, id)"

_LOCK = text("SELECT id FROM media WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")

_DISPLACE = text(f"""
    UPDATE media m SET arr_id = NULL, missing_since = COALESCE(missing_since, now()), version = version + 1,
      due_rank = NULL, updated_at = now()
    FROM {_PAIRS}
    WHERE m.connection_id = :connection_id AND m.arr_id = k.arr_id AND m.id IS DISTINCT FROM k.id
      AND m.read_at <= :read_at
""")  # noqa: S608 - built from the constants above

_VACATE = text(f"""
    UPDATE media m SET arr_id = NULL FROM {_PAIRS}
    WHERE m.id = k.id AND m.arr_id IS DISTINCT FROM k.arr_id AND m.read_at <= :read_at
""")  # noqa: S608 - built from the constants above


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is asked of staged rows, wherever they are."""

    match: TextClause
    update: TextClause
    insert: TextClause


def _statements(staged: str) -> _Statements:
    # One look-up for each way to know a title; OFFSET 0 makes each one in an index, whatever the statistics say.
    match = " UNION ALL ".join(
        f"""
        SELECT s.arr_id, m.id, {by_external} AS by_external, {_DIFFERS} AS differs FROM {staged}
        CROSS JOIN LATERAL (SELECT * FROM media m WHERE m.connection_id = :connection_id AND {condition} OFFSET 0) m
        """  # noqa: S608 - built from the constants above
        for by_external, condition in _KNOWN_BY
    )
    update = f"""
        UPDATE media m
        SET {", ".join(f"{name} = {value}" for name, value in _NEW_VALUES.items())},
            read_at = :read_at, updated_at = now(), version = version + 1, missing_since = NULL,
            disk_state = CASE WHEN m.folder_path IS DISTINCT FROM s.folder_path THEN 'unknown' ELSE m.disk_state END,
            disk_tries = CASE WHEN m.media_filename IS DISTINCT FROM s.media_filename
                                OR m.folder_path IS DISTINCT FROM s.folder_path THEN 0 ELSE m.disk_tries END,
            trailer_removed = m.trailer_removed AND m.folder_path IS NOT DISTINCT FROM s.folder_path,
            tries = CASE WHEN m.youtube_trailer_id IS DISTINCT FROM s.youtube_trailer_id THEN 0 ELSE m.tries END,
            retry_at = CASE WHEN m.youtube_trailer_id IS DISTINCT FROM s.youtube_trailer_id THEN NULL
                            ELSE m.retry_at END
        FROM {staged} JOIN {_PAIRS} USING (arr_id)
        WHERE m.id = k.id AND m.read_at <= :read_at AND {_DIFFERS}
          AND NOT EXISTS (SELECT 1 FROM media o WHERE o.connection_id = m.connection_id AND o.arr_id = s.arr_id
                            AND o.id <> m.id AND o.read_at > :read_at)
        RETURNING m.id
    """  # noqa: S608 - built from the constants above
    columns = ", ".join(_STAGED_COLUMNS)
    insert = f"""
        INSERT INTO media (connection_id, wanted_rank, read_at, {columns})
        SELECT :connection_id, :rank, :read_at, {columns} FROM {staged} WHERE NOT s.arr_id = ANY(:known)
        ON CONFLICT DO NOTHING
        RETURNING arr_id, id
    """  # noqa: S608 - built from the constants above
    return _Statements(text(match), text(update), text(insert))


_FROM_JSON = _statements(f"jsonb_to_recordset(CAST(:staged AS jsonb)) AS s({_COLUMNS})")
_FROM_TABLE = _statements("staged_media AS s")


async def create_or_update_bulk(
    tx: AsyncConnection, connection_id: int, staged: Sequence[StagedMedia], read_at: datetime, rank: Rank
) -> Sequence[Upserted]:
    """Write titles of one connection, each only where it differs and the row was not read later than `read_at`.

    A title is known by its external id, whatever arr_id it has now; without one by its arr_id alone. A row whose
    arr_id another title took over loses it and counts as missing. Of two staged titles with one identity the last
    counts. New rows are wanted by `rank`. Rows that do not differ are neither locked nor written.
    """
    distinct = {_identity(item): item for item in staged}
    by_arr_id = {item.created.arr_id: item for item in distinct.values()}
    upsert = await _Upsert.begin(tx, connection_id, list(by_arr_id.values()), read_at, rank)
    done = await upsert.run()
    if len(done) < len(by_arr_id):  # another transaction inserted them meanwhile; now they match
        again = await upsert.run()
        known = {row.arr_id for row in done}
        return [*done, *(row for row in again if row.arr_id not in known)]
    return done


def new_title(connection_id: int, staged: StagedMedia, read_at: datetime, rank: Rank) -> Media:
    """Give a title as its row begins: nothing is known of its folder and nothing is decided."""
    return Media(
        **dict(zip(_OF_THE_ARR, _values_of_the_arr(staged.created), strict=True)),
        id=0,
        connection_id=connection_id,
        path_mapped=staged.path_mapped,
        folder_path=staged.folder_path,
        root_path=staged.root_path,
        monitor=staged.monitor,
        monitor_pinned=False,
        trailer_url=None,
        disk_state=DiskState.UNKNOWN,
        disk_tries=0,
        trailer_exists=False,
        trailer_removed=False,
        missing_since=None,
        wanted_rank=rank,
        tries=0,
        retry_at=None,
        last_failure=None,
        failure_text=None,
        status=MonitorStatus.MISSING,
        reason=None,
        reason_detail=None,
        next_try_at=None,
        due_rank=None,
        version=1,
        read_at=read_at,
        added_at=read_at,
        updated_at=read_at,
        downloaded_at=None,
    )


@dataclass(frozen=True, slots=True)
class _Upsert:
    """One bulk of titles in one transaction; none is there twice."""

    tx: AsyncConnection
    statements: _Statements
    staged: Sequence[StagedMedia]
    common: dict[str, object]

    @classmethod
    async def begin(
        cls, tx: AsyncConnection, connection_id: int, staged: Sequence[StagedMedia], read_at: datetime, rank: Rank
    ) -> _Upsert:
        """Bring the titles to where SQL can reach them."""
        common: dict[str, object] = {"connection_id": connection_id, "read_at": read_at, "rank": int(rank)}
        if len(staged) < COPY_FROM:
            rows = [dict(zip(_STAGED_COLUMNS, _staged_row(item), strict=True)) for item in staged]
            return cls(tx, _FROM_JSON, staged, {**common, "staged": json.dumps(rows, default=datetime.isoformat)})
        await tx.execute(_CREATE)
        await copy_rows(tx, "staged_media", list(_STAGED_COLUMNS), [_staged_row(item) for item in staged])
        return cls(tx, _FROM_TABLE, staged, common)

    async def run(self) -> list[Upserted]:
        """Write each title once; one that another transaction inserts meanwhile is left out."""
        matches = (await self._execute(self.statements.match)).all()
        paired = _pair(matches)
        differing = {row.id for row in matches if row.differs}
        gone = differing - await self._lock(differing)
        paired = {arr_id: media_id for arr_id, media_id in paired.items() if media_id not in gone}
        updated = await self._update({arr_id: one for arr_id, one in paired.items() if one in differing})
        created = await self._insert(paired)
        return created + [
            Upserted(arr_id, media_id, Written.UPDATED if media_id in updated else Written.UNCHANGED)
            for arr_id, media_id in paired.items()
        ]

    async def _lock(self, media_ids: set[int]) -> set[int]:
        if not media_ids:
            return set()
        return {row.id for row in await self.tx.execute(_LOCK, {"ids": sorted(media_ids)})}

    async def _update(self, differing: dict[int, int]) -> set[int]:
        if not differing:
            return set()
        pairs = {"arr_ids": list(differing), "ids": list(differing.values())}
        await self._execute(_DISPLACE, pairs)
        await self._execute(_VACATE, pairs)
        return {row.id for row in await self._execute(self.statements.update, pairs)}

    async def _insert(self, paired: dict[int, int]) -> list[Upserted]:
        new = [item.created.arr_id for item in self.staged if item.created.arr_id not in paired]
        if not new:
            return []
        await self._execute(_DISPLACE, {"arr_ids": new, "ids": [None] * len(new)})
        settled = {item.created.arr_id for item in self.staged if item.decided is not None}
        rows = await self._execute(self.statements.insert, {"known": list(paired)})
        return [Upserted(row.arr_id, row.id, Written.CREATED, row.arr_id in settled) for row in rows]

    async def _execute(self, statement: TextClause, values: Mapping[str, object] | None = None) -> CursorResult[Any]:
        return await self.tx.execute(statement, {**self.common, **(values or {})})


def _pair(matches: Sequence[Row[Any]]) -> dict[int, int]:
    """Give each staged arr_id its row: by external id first; a row serves one title only."""
    paired: dict[int, int] = {}
    taken: set[int] = set()
    for match in sorted(matches, key=lambda row: not row.by_external):
        if match.arr_id not in paired and match.id not in taken:
            paired[match.arr_id] = match.id
            taken.add(match.id)
    return paired


def _identity(item: StagedMedia) -> tuple[str, int]:
    created = item.created
    external = created.tmdb_id if created.kind is MediaKind.MOVIE else created.tvdb_id
    return ("external", external) if external else ("arr", created.arr_id)


def _staged_row(item: StagedMedia) -> tuple[object, ...]:
    ours = (item.monitor, item.path_mapped, item.folder_path, item.root_path)
    return *_values_of_the_arr(item.created), *ours, *(item.decided or _UNDECIDED)
