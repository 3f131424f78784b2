"""Titles with the hits of a search and the hits that are right: the set that trailer matching is judged by."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
UPLOAD_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a flat search, as far as it says; the duration is in seconds, the date is YYYYMMDD."""

    video_id: str
    title: str
    channel: str | None
    duration: int | None
    view_count: int | None
    is_live: bool
    upload_date: str | None

    def __post_init__(self) -> None:
        _require(VIDEO_ID.fullmatch(self.video_id), f"no video id: {self.video_id!r}")
        _require(self.title.strip() == self.title != "", f"no title: {self.video_id}")
        _require(self.channel is None or self.channel, f"empty channel: {self.video_id}")
        for number in (self.duration, self.view_count):
            _require(number is None or (type(number) is int and number >= 0), f"no count: {self.video_id}")
        _require(type(self.is_live) is bool, f"is_live: {self.video_id}")
        _require(self.upload_date is None or UPLOAD_DATE.fullmatch(self.upload_date), f"no date: {self.video_id}")


@dataclass(frozen=True, slots=True)
class Case:
    """A title as Radarr or Sonarr knows it, what a search found, and the ids that are a trailer of exactly it."""

    id: str
    group: str
    kind: Literal["movie", "series"]
    title: str
    original_title: str
    alternative_titles: tuple[str, ...]
    year: int
    language: str
    runtime: int | None
    studio: str
    season: int | None
    hits: tuple[Hit, ...]
    right: frozenset[str]
    note: str

    def __post_init__(self) -> None:
        _require(re.fullmatch(r"[a-z0-9-]+", self.id), f"no case id: {self.id!r}")
        _require(self.kind in {"movie", "series"}, f"kind of {self.id}")
        _require(self.title and self.original_title and self.language, f"an empty text in {self.id}")
        _require(1890 <= self.year <= 2030, f"year of {self.id}")
        _require(self.season is None or (self.kind == "series" and self.season >= 0), f"season of {self.id}")
        _require(3 <= len(self.hits) <= 10, f"number of hits of {self.id}")
        _require(self.right <= {hit.video_id for hit in self.hits}, f"a right id of {self.id} is not among its hits")


def tuning() -> tuple[Case, ...]:
    """Return the half that the matcher is tuned with; raise ValueError where a line is not of the format."""
    return read_cases(HERE / "tuning.jsonl")


def unseen() -> tuple[Case, ...]:
    """Return the half that only judges: nobody who writes the matcher looks into it."""
    return read_cases(HERE / "unseen.jsonl")


def read_cases(path: Path) -> tuple[Case, ...]:
    """Return the cases of a file; raise ValueError where a line is not of the format."""
    cases = tuple(_case(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())
    _require(len({case.id for case in cases}) == len(cases), f"a case id is used twice in {path.name}")
    return cases


def _case(line: dict[str, Any]) -> Case:
    line = {**line, "group": line["class"]}
    del line["class"]
    _require(line.keys() == {field.name for field in fields(Case)}, f"fields of {line.get('id')}")
    right = line["right"]
    _require(len(set(right)) == len(right), f"a right id of {line['id']} stands there twice")
    return Case(
        **{
            **line,
            "alternative_titles": tuple(line["alternative_titles"]),
            "hits": tuple(_hit(hit) for hit in line["hits"]),
            "right": frozenset(right),
        }
    )


def _hit(hit: dict[str, Any]) -> Hit:
    _require(hit.keys() == {field.name for field in fields(Hit)}, f"fields of hit {hit.get('video_id')}")
    return Hit(**hit)


def _require(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(what)
