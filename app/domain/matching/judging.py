"""Which hit of a search is surely a title's trailer, with a score and a reason for every hit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.matching.evidence import SURE, YEAR_NAMED, Rivals, points, rivals_among
from app.domain.matching.hits import Read, read_hit
from app.domain.matching.title_match import Carried
from app.domain.matching.wanted import Wanted, country_in, country_of, variants_of
from app.domain.videos import SearchHit
from schemas.base import MediaKind
from schemas.matching import Verdict

_SHORT_FILM_MINUTES = 45
_USUAL_MINUTES = 100
_LONG_MINUTES = 150  # what was made for television in parts is listed as one long film, too
_FULL_FILM_SHARE = 0.5
_YEARS_FOR_A_SEASON = 3
_SPARE_YEARS = 2
_WEIGHT_OF_SURENESS = 1.5  # so that a doubtful hit goes after a sure one that is not called official


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one hit and why, in a sentence; among several matches the highest score is the best."""

    hit: SearchHit
    verdict: Verdict
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class _No:
    verdict: Verdict
    reason: str


def judge_hits(wanted: Wanted, hits: Sequence[SearchHit], languages: Sequence[str] = ()) -> tuple[Judgement, ...]:
    """Judge every hit, in the search's order; of two languages the earlier one is preferred."""
    variants = variants_of(wanted)
    reads = [read_hit(wanted, variants, hit) for hit in hits]
    rivals = rivals_among(reads)
    preferred = tuple(language.casefold() for language in languages) or _own_languages(wanted)
    return tuple(_judge(wanted, read, rivals, _rank(read, preferred, place)) for place, read in enumerate(reads))


def matches(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """Give the hits that are surely the title's trailer, the best one first."""
    found = [judgement for judgement in judgements if judgement.verdict is Verdict.MATCH]
    return tuple(sorted(found, key=lambda judgement: -judgement.score))


def _own_languages(wanted: Wanted) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, ((wanted.language or "").casefold(), "english"))))


def _judge(wanted: Wanted, read: Read, rivals: Rivals, rank: float) -> Judgement:
    no = _not_a_trailer(wanted, read) or _of_another(wanted, read)
    if no is not None or read.carried is None:
        no = no or _other_title()
        return Judgement(read.hit, no.verdict, 0.0, no.reason)
    sure = points(wanted, read, read.carried, rivals)
    if sure < SURE:
        no = _unsure(wanted, read, read.carried)
        return Judgement(read.hit, no.verdict, round(max(sure, 0.0), 2), no.reason)
    score = round(_WEIGHT_OF_SURENESS * min(sure, YEAR_NAMED) + rank, 2)
    return Judgement(read.hit, Verdict.MATCH, score, _why(wanted, read))


def _not_a_trailer(wanted: Wanted, read: Read) -> _No | None:
    hit, sign = read.hit, read.sign
    if hit.is_live:
        return _No(Verdict.LIVE, "It is a live stream.")
    if read.carried is None:
        return _other_title()
    if sign is not None:
        return _No(sign.verdict, f"Its title says that it is {sign.what}.")
    if read.channel.concepts:
        return _No(Verdict.FAN_MADE, "Its channel makes trailers of its own.")
    if read.channel.other_business:
        return _No(Verdict.NOT_A_TRAILER, "Its channel does not publish trailers.")
    if not read.trailer:
        return _No(Verdict.NOT_A_TRAILER, "Its title does not call it a trailer.")
    return _length(wanted, hit.seconds)


def _length(wanted: Wanted, seconds: float | None) -> _No | None:
    if seconds is None:
        return None
    if seconds < wanted.min_seconds:
        return _No(Verdict.TOO_SHORT, f"It lasts {seconds:.0f} seconds; at least {wanted.min_seconds} are wanted.")
    if seconds > wanted.max_seconds:
        return _No(Verdict.TOO_LONG, f"It lasts {seconds:.0f} seconds; at most {wanted.max_seconds} are wanted.")
    if wanted.runtime and seconds > wanted.runtime * 60 * _FULL_FILM_SHARE:
        return _No(Verdict.TOO_LONG, "It lasts as long as the title itself.")
    return None


def _of_another(wanted: Wanted, read: Read) -> _No | None:
    carried = read.carried
    if carried is None:
        return _other_title()
    named = wanted.year is not None and wanted.year in read.years
    series = wanted.kind is MediaKind.SERIES
    numbered = carried.number is not None and not series and not (named and carried.number == 1)
    if carried.glued or numbered or carried.longer or carried.stray > 3:
        return _other_title()
    by_name = carried.by_name and carried.variant.content < 2
    if (carried.stray or by_name or carried.variant.weak) and not (named or _season_named(wanted, read)):
        return _other_title()
    if _other_country(wanted, read, carried):
        return _No(Verdict.OTHER_TITLE, "Its title names another country's version.")
    return _kind(wanted, read) or (_season(wanted, read, carried) if series else None) or _year(wanted, read)


def _season_named(wanted: Wanted, read: Read) -> bool:
    return wanted.season is not None and wanted.season in read.told.seasons


def _other_title() -> _No:
    return _No(Verdict.OTHER_TITLE, "Its title does not carry the wanted one, or carries a longer one.")


def _other_country(wanted: Wanted, read: Read, carried: Carried) -> bool:
    if wanted.kind is MediaKind.MOVIE:
        return False
    named, own = country_in(carried.beside), country_of(wanted)
    if own is not None:
        return named is not None and named != own
    # "Ghosts US" is another series than the one that is listed as "Ghosts", unless its own studio says so.
    sure = read.channel.of_studio or (wanted.year is not None and wanted.year in read.years)
    return carried.country is not None and not sure


def _kind(wanted: Wanted, read: Read) -> _No | None:
    drawn = "anime" in (read.carried.text if read.carried else "").split() and wanted.language != "Japanese"
    told, minutes = read.told, wanted.runtime or _USUAL_MINUTES
    in_parts = told.series or told.seasons or (told.miniseries and minutes < _LONG_MINUTES)
    if wanted.kind is MediaKind.MOVIE and (in_parts or drawn):
        return _No(Verdict.WRONG_KIND, "It is of a series; a movie is wanted.")
    if told.short and wanted.kind is MediaKind.MOVIE and minutes > _SHORT_FILM_MINUTES:
        return _No(Verdict.WRONG_KIND, "It is of a short film.")
    if wanted.kind is MediaKind.SERIES and told.film:
        return _No(Verdict.WRONG_KIND, "It is of a movie; a series is wanted.")
    return None


def _season(wanted: Wanted, read: Read, carried: Carried) -> _No | None:
    """Refuse another season; for the whole series its first one will do."""
    seasons = set(read.told.seasons)
    if not seasons and carried.number is not None:
        seasons = {carried.number}
    right = wanted.season if wanted.season is not None else 1
    if read.told.several:
        return _No(Verdict.WRONG_SEASON, "It is of more than one season.")
    if read.told.episode:
        return _No(Verdict.NOT_A_TRAILER, "It is of a single episode.")
    if seasons and right not in seasons:
        return _No(Verdict.WRONG_SEASON, f"It is of season {min(seasons)}.")
    if read.told.later and right not in seasons:
        return _No(Verdict.WRONG_SEASON, "It is of a later season.")
    if not seasons and right != 1:
        return _No(Verdict.WRONG_SEASON, f"Its title does not name season {right}.")
    return None


def _year(wanted: Wanted, read: Read) -> _No | None:
    """Refuse another year; a later one is allowed where it is a later season's or a re-release's."""
    year = wanted.year
    if year is None:
        return None
    day = read.hit.upload_date
    if day is not None and day < date(year - 2, 7, 1):
        return _No(Verdict.TOO_EARLY, f"It was put up in {day.year}, before a trailer could exist.")
    near = any(abs(year - named) <= 1 for named in read.years)
    if read.years and not near and not (min(read.years) > year and _may_be_later(wanted, read)):
        return _No(Verdict.OTHER_YEAR, f"Its title says {min(read.years)}.")
    return None


def _may_be_later(wanted: Wanted, read: Read) -> bool:
    """Say whether a year after the first one fits: a re-release's, or a season's unless a remake's is more likely."""
    if read.rerelease:
        return True
    season = wanted.season or 0
    latest = (wanted.year or 0) + _YEARS_FOR_A_SEASON * season + _SPARE_YEARS
    return season > 1 and _season_named(wanted, read) and min(read.years) <= latest


def _unsure(wanted: Wanted, read: Read, carried: Carried) -> _No:
    if wanted.year is not None and wanted.year not in read.years:
        return _No(Verdict.NO_YEAR, f"Its title does not say {wanted.year}, and nothing else makes it sure.")
    if carried.stray or carried.bracketed:
        return _other_title()
    return _No(Verdict.FAN_MADE, "Its wording and its channel make it look fan-made.")


def _why(wanted: Wanted, read: Read) -> str:
    if wanted.year is not None and wanted.year in read.years:
        return f"Its title carries the title and the year {wanted.year}."
    if _season_named(wanted, read):
        return f"Its title carries the title and season {wanted.season}."
    return "Its title carries the title, and channel, date or wording leave no doubt."


def _rank(read: Read, languages: Sequence[str], place: int) -> float:
    """Order what is right: trailer, official, language, studio's channel, views, place in the search."""
    language = _language_rank(read, languages)
    views = math.log10(max(read.hit.view_count or 1, 1)) / 10
    studio = 1.0 if read.channel.of_studio else 0.6 * read.channel.studio
    return 4.0 * (not read.teaser) + 2.0 * read.official + language + studio + views - 0.02 * place


def _language_rank(read: Read, languages: Sequence[str]) -> float:
    if not read.languages:
        return 1.5
    places = [languages.index(language) for language in read.languages if language in languages]
    return 2.0 - 0.5 * min(places) if places else 0.0
