"""How sure it is that a hit is of this title and not of a namesake, in points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.matching.hits import Read
from app.domain.matching.title_match import Carried
from app.domain.matching.wanted import Wanted, country_in, country_of
from schemas.base import MediaKind

SURE = 2.0
YEAR_NAMED = 4.0
# Studios have put their trailers on YouTube since about then: a trailer without a year is most likely of a newer film.
FIRST_UPLOADS = 2007
STREAMING_BEGAN = 2013


@dataclass(frozen=True, slots=True)
class Rivals:
    """Years of namesakes that the other hits of the same search name, by whether they carry a foreign title."""

    years: frozenset[tuple[bool, int]]

    def against(self, wanted: Wanted, read: Read, carried: Carried) -> float:
        """Give the points against a hit without a year: it may be of a namesake; less so of one before its time.

        What is shown again is old: no newer namesake.
        """
        own = wanted.year
        named = {year for foreign, year in self.years if foreign == carried.variant.foreign}
        rivals = {
            year for year in named if own is not None and abs(year - own) > 1 and not (read.rerelease and year > own)
        }
        if not rivals or own is None:
            return 0.0
        return 1.0 if max(rivals) < FIRST_UPLOADS <= own else 2.0


def rivals_among(reads: Sequence[Read]) -> Rivals:
    """Collect the years in hits that carry the title alone."""
    return Rivals(
        frozenset(
            (read.carried.variant.foreign, year)
            for read in reads
            if read.carried is not None and not any(read.carried.doubt[:3]) and not read.rerelease
            for year in read.years
        )
    )


def points(wanted: Wanted, read: Read, carried: Carried, rivals: Rivals) -> float:
    """Add up what speaks for the hit; from `SURE` on it is this title."""
    if wanted.year is not None and wanted.year in read.years:
        return YEAR_NAMED + _doubts(wanted, read, carried)
    year = wanted.year or 0
    # Films reach most cinemas in the year after their first festival, never the year before.
    near = 2.0 * (year + 1 in read.years)
    total = (
        _distinctive(carried)
        - 0.5 * _maybe_english(wanted, read, carried)
        + 0.5 * (carried.variant.foreign and (wanted.language or "").casefold() in read.languages)
        # A film with a sequel's number has hardly ever been remade under the same title.
        + _channel(read, old=(wanted.year or FIRST_UPLOADS) < FIRST_UPLOADS and not carried.variant.numbered)
        + _date(wanted, read)
        + _doubts(wanted, read, carried)
    )
    total += near + 0.5 * read.official
    if wanted.kind is MediaKind.SERIES:
        total += _of_series(wanted, read, carried)
    else:
        total -= 3.0 * read.broadcast * (not read.channel.of_studio)
        total += 0.5 * (read.told.cinema and read.channel.studio)
    if not near:
        total -= _age(wanted, read, carried)
        total -= rivals.against(wanted, read, carried) * (not read.told.series)
        total -= 3.0 * _before_streaming(wanted, read)
    return total


def _by_name(carried: Carried) -> float:
    """Weigh a genitive before the title: before a single word it names another's version more often than not."""
    if not carried.by_name:
        return 0.0
    return 1.0 if carried.variant.content > 1 else 4.0


def _distinctive(carried: Carried) -> float:
    """Rate the title: a short common word has many namesakes, a long one or one in another writing hardly any."""
    variant = carried.variant
    if not variant.latin:
        return 2.5 if len(variant.joined) > 1 else 0.0
    size = min(variant.content - 1, 3) - 0.5 * (len(variant.joined) <= 3)
    return (
        size
        + 0.5 * (variant.foreign and variant.content > 1)
        + 0.5 * (variant.words[-1].isdecimal() and variant.words[-1] != "1")
    )


def _maybe_english(wanted: Wanted, read: Read, carried: Carried) -> bool:
    """Say whether a one-word title of a film in another language stands alone: most such hits are of an English one."""
    alone = carried.variant.content < 2 and carried.variant.latin and not carried.variant.foreign
    return alone and wanted.language not in {None, "English"} and not (read.languages or read.channel.of_studio)


def _channel(read: Read, *, old: bool) -> float:
    channel = read.channel
    # A studio's channel shows the remake of its own old film as well.
    if old and not (read.rerelease or read.as_it_was or channel.old_films):
        return 0.5 * channel.studio
    if channel.of_studio:
        return 2.5 if channel.own else 2.0
    return 1.0 if channel.studio else 0.25 * channel.trailers


def _date(wanted: Wanted, read: Read) -> float:
    if read.hit.upload_date is None or wanted.year is None or wanted.year < FIRST_UPLOADS or (wanted.season or 1) > 1:
        return 0.0
    late = read.hit.upload_date.year - wanted.year
    if late == 1 and read.hit.upload_date.month > 6:
        return 0.5
    if late == -1 and read.hit.upload_date.month < 4:
        return -1.5
    if -1 <= late <= 1:
        return 2.0
    return -2.0 if late > 2 and not read.rerelease else 0.0


def _doubts(wanted: Wanted, read: Read, carried: Carried) -> float:
    """Take off for words that may belong to a longer title, a name before it, an odd length, a likely invention."""
    seconds = read.hit.seconds
    total = -1.0 * min(carried.stray, 2) - 0.5 * min(carried.bracketed, 2) - _by_name(carried)
    if seconds is not None:
        total -= 1.0 * (seconds > 300) + 1.5 * (seconds < 45 and not read.teaser)
    return total - 3.0 * _maybe_invented(wanted, read)


def _maybe_invented(wanted: Wanted, read: Read) -> bool:
    """Say whether it is worded as invented trailers are, or is of a film that is not out and from just anybody."""
    if read.channel.official or (wanted.year or 0) < 2018 or wanted.kind is MediaKind.SERIES:
        return False
    return read.first or not (wanted.runtime or read.channel.known_trailers)


def _of_series(wanted: Wanted, read: Read, carried: Carried) -> float:
    named = wanted.season is not None and wanted.season in read.told.seasons
    modern = (wanted.year or 0) >= STREAMING_BEGAN
    same_country = country_of(wanted) is not None and country_in(carried.beside) == country_of(wanted)
    first = wanted.season is None and 1 in read.told.seasons
    return (
        2.5 * named
        + 0.5 * first
        + 1.0 * same_country
        + 1.5 * (read.told.series and not named)
        + 1.0 * (read.broadcast or (modern and read.streamed))
    )


def _age(wanted: Wanted, read: Read, carried: Carried) -> float:
    """Doubt a hit without a year more the older the title is, unless it says itself that it is an old one."""
    if wanted.year is None or wanted.year >= FIRST_UPLOADS or read.rerelease or not carried.variant.latin:
        return -1.5 * (read.rerelease and wanted.year is not None and wanted.year < FIRST_UPLOADS)
    doubt = 1.0 if carried.variant.numbered else 3.0
    if carried.variant.foreign:
        doubt = 0.5 if carried.variant.content > 1 else min(doubt, 2.0)
    if wanted.kind is MediaKind.SERIES:
        doubt = 1.0
    return doubt - 1.5 * read.as_it_was - 3.0 * read.channel.old_films


def _before_streaming(wanted: Wanted, read: Read) -> bool:
    if _later_season(wanted, read) and (wanted.year or 0) + (wanted.season or 1) > STREAMING_BEGAN:
        return False
    return read.streamed and (wanted.year or STREAMING_BEGAN) < STREAMING_BEGAN and not read.rerelease


def _later_season(wanted: Wanted, read: Read) -> bool:
    """Say whether it names the wanted season and that one came after the series' first year."""
    return wanted.season is not None and wanted.season > 1 and wanted.season in read.told.seasons
