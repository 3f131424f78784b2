"""Titles as their Arr describes them, written in bulk: only rows that differ are locked and written.

    stage (COPY; JSON for a few) -> match -> lock what differs -> displace, vacate, update -> insert

`create_or_update_bulk` is the one entry.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import copy_rows
from app.domain.intents import FirstDecision
from app.domain.records import Rank, StagedMedia

COPY_FROM = 20  # rows; a table of their own costs more than JSON for fewer


class Written(StrEnum):
    """What writing a title did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Upserted(NamedTuple):
    """The row of one staged title; `settled`: it is new and was written as decided."""

    arr_id: int
    media_id: int
    written: Written
    settled: bool = False


class Beginning(NamedTuple):
    """What a new row begins with, as decided after a look at its folder, and the note of that (see app.db.seen)."""

    first: FirstDecision
    digest: bytes | None
    mark: str | None


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
_UNDECIDED = Beginning(FirstDecision(), None, None)
_NOTED = {"digest": "bytea", "mark": "text"}
_values_of_the_arr = attrgetter(*_OF_THE_ARR)
_MEDIA_COLUMNS = {**_ARR_COLUMNS, **_FIRST_DECIDED}
_STAGED_COLUMNS = {**_MEDIA_COLUMNS, **_NOTED}
_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in _STAGED_COLUMNS.items())
_CREATE = text(f"CREATE TEMPORARY TABLE staged_media ({_COLUMNS}) ON COMMIT DROP")
_EXTERNAL = "CASE WHEN {0}.kind = 'movie' THEN {0}.tmdb_id ELSE {0}.tvdb_id END"
_KEPT = {"monitor": "CASE WHEN m.monitor_pinned THEN m.monitor ELSE s.monitor END"}
_NEW_VALUES = {name: _KEPT.get(name, f"s.{name}") for name in _ARR_COLUMNS}
_DIFFERS = f"""(m.missing_since IS NOT NULL
    OR ({", ".join(f"m.{name}" for name in _ARR_COLUMNS)}) IS DISTINCT FROM ({", ".join(_NEW_VALUES.values())}))"""
_IDS = ("youtube_trailer_id", "tmdb_id", "tvdb_id", "imdb_id")
_NEW_IDS = f"({', '.join(f'm.{name}' for name in _IDS)}) IS DISTINCT FROM ({', '.join(f's.{name}' for name in _IDS)})"
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
        WHERE s.arr_id = ANY(:arr_ids)
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
            tries = CASE WHEN {_NEW_IDS} THEN 0 ELSE m.tries END,
            retry_at = CASE WHEN {_NEW_IDS} THEN NULL ELSE m.retry_at END
        FROM {staged} JOIN {_PAIRS} USING (arr_id)
        WHERE m.id = k.id AND m.read_at <= :read_at AND {_DIFFERS}
          AND NOT EXISTS (SELECT 1 FROM media o WHERE o.connection_id = m.connection_id AND o.arr_id = s.arr_id
                            AND o.id <> m.id AND o.read_at > :read_at)
        RETURNING m.id
    """  # noqa: S608 - built from the constants above
    columns = ", ".join(_MEDIA_COLUMNS)
    insert = f"""
        WITH new AS (
          INSERT INTO media (connection_id, wanted_rank, read_at, {columns})
          SELECT :connection_id, :rank, :read_at, {columns} FROM {staged} WHERE s.arr_id = ANY(:arr_ids)
          ON CONFLICT DO NOTHING
          RETURNING arr_id, id, version
        ), noted AS (
          INSERT INTO media_seen (media_id, version, digest, mark)
          SELECT new.id, new.version, s.digest, s.mark FROM {staged} JOIN new USING (arr_id)
          WHERE s.digest IS NOT NULL
          ON CONFLICT DO NOTHING
        )
        SELECT arr_id, id FROM new
    """  # noqa: S608 - built from the constants above
    return _Statements(text(match), text(update), text(insert))


_FROM_JSON = _statements(f"jsonb_to_recordset(CAST(:staged AS jsonb)) AS s({_COLUMNS})")
_FROM_TABLE = _statements("staged_media AS s")


async def create_or_update_bulk(
    tx: AsyncConnection,
    connection_id: int,
    staged: Sequence[StagedMedia],
    read_at: datetime,
    rank: Rank,
    *,
    decided: Mapping[int, Beginning] | None = None,
) -> Sequence[Upserted]:
    """Write titles of one connection, each only where it differs and the row was not read later than `read_at`.

    A title is known by its external id, whatever arr_id it has now; without one by its arr_id alone. A row whose
    arr_id another title took over loses it and counts as missing. Of two staged titles with one identity the last
    counts. New rows are wanted by `rank`. Rows that do not differ are neither locked nor written.

    `decided` is what new rows begin with, by arr_id; a title that is not in it is still to be decided and noted.
    """
    distinct = {_identity(item): item for item in staged}
    by_arr_id = {item.created.arr_id: item for item in distinct.values()}
    begins = decided or {}
    upsert = await _Upsert.begin(tx, connection_id, list(by_arr_id.values()), read_at, rank, decided=begins)
    # Most titles that were decided upon are new indeed, and need no look-up; the others conflict.
    done = await upsert.insert([arr_id for arr_id in by_arr_id if arr_id in begins])
    for _ in range(2):  # what another transaction inserts meanwhile matches then
        there = {row.arr_id for row in done}
        if rest := [arr_id for arr_id in by_arr_id if arr_id not in there]:
            done += await upsert.run(rest, {row.media_id for row in done})
    return done


@dataclass(frozen=True, slots=True)
class _Upsert:
    """One bulk of titles in one transaction; none is there twice."""

    tx: AsyncConnection
    statements: _Statements
    decided: Mapping[int, Beginning]
    common: dict[str, object]

    @classmethod
    async def begin(
        cls,
        tx: AsyncConnection,
        connection_id: int,
        staged: Sequence[StagedMedia],
        read_at: datetime,
        rank: Rank,
        *,
        decided: Mapping[int, Beginning],
    ) -> _Upsert:
        """Bring the titles to where SQL can reach them."""
        common: dict[str, object] = {"connection_id": connection_id, "read_at": read_at, "rank": int(rank)}
        rows = [_staged_row(item, decided.get(item.created.arr_id, _UNDECIDED)) for item in staged]
        if len(rows) < COPY_FROM:
            named = [dict(zip(_STAGED_COLUMNS, row, strict=True)) for row in rows]
            return cls(tx, _FROM_JSON, decided, {**common, "staged": json.dumps(named, default=_as_text)})
        await tx.execute(_CREATE)
        await copy_rows(tx, "staged_media", list(_STAGED_COLUMNS), rows)
        return cls(tx, _FROM_TABLE, decided, common)

    async def run(self, arr_ids: Sequence[int], taken: Collection[int]) -> list[Upserted]:
        """Write each of these titles once, in none of the rows that are taken.

        One that another transaction inserts meanwhile is left out.
        """
        matches = (await self._execute(self.statements.match, {"arr_ids": arr_ids})).all()
        paired = _pair(matches, taken)
        differing = {row.id for row in matches if row.differs}
        gone = differing - await self._lock(differing)
        paired = {arr_id: media_id for arr_id, media_id in paired.items() if media_id not in gone}
        updated = await self._update({arr_id: one for arr_id, one in paired.items() if one in differing})
        created = await self._displace_and_insert([arr_id for arr_id in arr_ids if arr_id not in paired])
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

    async def _displace_and_insert(self, new: Sequence[int]) -> list[Upserted]:
        if new:
            await self._execute(_DISPLACE, {"arr_ids": new, "ids": [None] * len(new)})
        return await self.insert(new)

    async def insert(self, new: Sequence[int]) -> list[Upserted]:
        """Insert those of these titles whose arr_id and whose external id no row has."""
        if not new:
            return []
        rows = await self._execute(self.statements.insert, {"arr_ids": new})
        return [Upserted(row.arr_id, row.id, Written.CREATED, row.arr_id in self.decided) for row in rows]

    async def _execute(self, statement: TextClause, values: Mapping[str, object] | None = None) -> CursorResult[Any]:
        return await self.tx.execute(statement, {**self.common, **(values or {})})


def _pair(matches: Sequence[Row[Any]], already_taken: Collection[int]) -> dict[int, int]:
    """Give each staged arr_id its row: by external id first; a row serves one title only."""
    paired: dict[int, int] = {}
    taken = set(already_taken)
    for match in sorted(matches, key=lambda row: not row.by_external):
        if match.arr_id not in paired and match.id not in taken:
            paired[match.arr_id] = match.id
            taken.add(match.id)
    return paired


def _identity(item: StagedMedia) -> tuple[str, int]:
    external = item.created.external_id
    return ("external", external) if external else ("arr", item.created.arr_id)


def _staged_row(item: StagedMedia, begins: Beginning) -> tuple[object, ...]:
    ours = (item.monitor, item.path_mapped, item.folder_path, item.root_path)
    return *_values_of_the_arr(item.created), *ours, *begins.first, begins.digest, begins.mark


def _as_text(value: datetime | bytes) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat()
