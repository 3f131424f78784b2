"""`trailhook match`: which hit of a search is a title's trailer, by the very code that chooses in production."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from pydantic import ValidationError

from app.domain.matching import Judgement, Wanted, judge_hits, matches
from app.domain.videos import SearchHit
from schemas.matching import HitJudgement, MatchAnswer, MatchHit, MatchRequest


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(match)


def match(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(help="JSON lines, each a title with the hits of a search; - is standard input."),
    ],
) -> None:
    """Say which hit of a search is surely the title's trailer, and why each was taken or not."""
    failed = False
    for number, answer in _answers(file):
        if answer is None:
            typer.echo(f"error: Line {number} is not a title with its hits in JSON; the other lines go on.", err=True)
            failed = True
        else:
            typer.echo(answer.model_dump_json())
    if failed:
        raise typer.Exit(1)


def _answers(lines: Iterable[bytes]) -> Iterator[tuple[int, MatchAnswer | None]]:
    """Answer line by line; None for a line that is no title, nothing for an empty one."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if text.strip():
            yield number, _answer(text)


def _answer(line: bytes) -> MatchAnswer | None:
    try:
        request = MatchRequest.model_validate_json(line)
    except ValidationError:
        return None
    judgements = judge_hits(_wanted(request), [_hit(hit) for hit in request.hits or ()])
    best = next((judgement.hit.video_id for judgement in matches(judgements)), None)
    return MatchAnswer(id=request.id, chosen=best, reasons=[_read(judgement) for judgement in judgements])


def _wanted(request: MatchRequest) -> Wanted:
    return Wanted(
        kind=request.kind,
        title=request.title,
        original_title=request.original_title,
        alternative_titles=tuple(request.alternative_titles or ()),
        year=request.year,
        language=request.language,
        runtime=request.runtime,
        studio=request.studio,
        season=request.season,
    )


def _hit(hit: MatchHit) -> SearchHit:
    return SearchHit(
        video_id=hit.video_id,
        title=hit.title,
        channel=hit.channel,
        seconds=hit.duration,
        is_live=hit.is_live or False,
        view_count=hit.view_count,
        upload_date=hit.upload_date,
    )


def _read(judgement: Judgement) -> HitJudgement:
    return HitJudgement(
        video_id=judgement.hit.video_id, verdict=judgement.verdict, score=judgement.score, reason=judgement.reason
    )
