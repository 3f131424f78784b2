"""Which search hits are surely a title's trailer, and the reason for each that is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.domain.matching import Judgement, Wanted, judge_hits, matches
from app.domain.videos import SearchHit
from schemas.base import MediaKind
from schemas.matching import Verdict

V = Verdict
PIONEER = Wanted(MediaKind.MOVIE, "Pioneer One", year=2010, runtime=90, studio="Vodo")
DREAMS = Wanted(MediaKind.MOVIE, "Dreams", "夢", ("Akira Kurosawa's Dreams",), 1990, "Japanese", 119, "Warner Bros.")
DUNE = Wanted(MediaKind.MOVIE, "Dune", year=2021, runtime=155, studio="Legendary Pictures")
DUNE_TWO = Wanted(MediaKind.MOVIE, "Dune: Part Two", year=2024, runtime=166, studio="Legendary Pictures")
SEVEN = Wanted(MediaKind.MOVIE, "Se7en", None, ("Seven",), 1995, "English", 127, "New Line Cinema")
NINE = Wanted(MediaKind.MOVIE, "9", None, ("Nine",), 2009, "English", 79, "Focus Features")
AMELIE = Wanted(MediaKind.MOVIE, "Amélie", "Le Fabuleux Destin d'Amélie Poulain", (), 2001, "French", 122, "UGC")
BUSAN = Wanted(MediaKind.MOVIE, "Train to Busan", "부산행", (), 2016, "Korean", 118, "Next Entertainment World")
THREADS = Wanted(MediaKind.SERIES, "Stranger Things", year=2016, runtime=50, studio="Netflix")
SECOND_SEASON = Wanted(MediaKind.SERIES, "Stranger Things", year=2016, runtime=50, studio="Netflix", season=2)
OFFICE = Wanted(MediaKind.SERIES, "The Office (US)", year=2005, runtime=22, studio="NBC")
MATRIX = Wanted(MediaKind.MOVIE, "The Matrix", year=1999, runtime=136, studio="Warner Bros. Pictures")
ROCKY = Wanted(MediaKind.MOVIE, "Rocky V", year=1990, runtime=104, studio="United Artists")
POLICE = Wanted(MediaKind.MOVIE, "Police Academy 4: Citizens on Patrol", year=1987, runtime=88, studio="Warner Bros.")
SPLIT = Wanted(MediaKind.MOVIE, "Split", year=2016, runtime=117, studio="Universal Pictures")
ROGUE = Wanted(MediaKind.MOVIE, "Rogue", year=2016, runtime=100, studio="Vodo")
BATMAN = Wanted(MediaKind.MOVIE, "Batman v Superman: Dawn of Justice", year=2016, runtime=151, studio="DC")
HORROR = Wanted(MediaKind.MOVIE, "A Horror Trailer", year=2020, runtime=90)
UNRELEASED = Wanted(MediaKind.MOVIE, "Nova Strike", year=2027, studio="Nation Films")


def hit(title: str, channel: str | None = "Some Channel", video_id: str = "abcdefghijk", **facts: object) -> SearchHit:
    known: dict[str, object] = {"seconds": 140.0, "is_live": False, "view_count": 1000, "upload_date": None, **facts}
    return SearchHit(video_id, title, channel, **known)  # type: ignore[arg-type]  # facts by name, as a table wants them


def judged(wanted: Wanted, *hits: SearchHit) -> Judgement:
    return judge_hits(wanted, hits)[0]


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        (PIONEER, "Pioneer One - Official Trailer (2010)"),
        (PIONEER, "PIONEER ONE | Trailer 2010"),
        (PIONEER, "[Official Trailer] Pioneer 1 (2010) HD"),
        (PIONEER, "Pioneer One (2010) Trailer #1 - Jane Doe, John Doe Movie HD"),
        (PIONEER, "Pioneer One (2010) - Jane Doe - Trailer"),
        (ROCKY, "Rocky V Official Trailer #1 (1990)"),
        (ROCKY, "ROCKY 5 (1990) Trailer"),
        (POLICE, "Police Academy 4 (1987) Trailer"),
        (POLICE, "Police Academy: Citizens on Patrol (1987) Trailer"),
        (SPLIT, "Split | Second Trailer (2016)"),
        (SPLIT, "Split First Trailer (2016)"),
        (BATMAN, "Batman v Superman: Dawn of Justice (2016) - The Versus Trailer"),
        (HORROR, "A Horror Trailer - Trailer (2020)"),
        (DUNE, "Dune (2021) Trailer V.O."),
        (PIONEER, "Pioneer One - Tráiler Oficial Español (2010)"),
        (PIONEER, "Pioneer One - zwiastun (2010)"),
        (PIONEER, "Pioneer One (2011) Official Trailer 2 - Jane Doe"),
        (DREAMS, "Akira Kurosawa's Dreams (1990) Trailer"),
        (DREAMS, "「夢」予告編 (1990)"),
        (DUNE_TWO, "DUNE 2 Trailer (2024)"),
        (DUNE_TWO, "Dune: Teil 2 - Trailer Deutsch (2024)"),
        (DUNE, "DUNE Trailer (2021)"),
        (SEVEN, "Seven (1995) Official Trailer - Brad Pitt, Morgan Freeman Movie HD"),
        (SEVEN, "SE7EN (1995) | Official 4K Trailer"),
        (NINE, "9 (2009) Trailer HD 1080p"),
        (AMELIE, "Amelie (2001) Official Trailer"),
        (AMELIE, "Le fabuleux destin d\N{RIGHT SINGLE QUOTATION MARK}Amélie Poulain - Bande-annonce"),
        (BUSAN, "부산행 메인 예고편"),
        (THREADS, "Stranger Things (2016) Season 1 Trailer"),
        (SECOND_SEASON, "Stranger Things | Season Two | Final Trailer"),
        (SECOND_SEASON, "Stranger Things 2 - Official Trailer - Netflix"),
        (SECOND_SEASON, "Stranger Things Staffel 2 - Offizieller Trailer"),
        (SECOND_SEASON, "Stranger Things S2 trailer (2017)"),
        (SECOND_SEASON, "Stranger Things Season II Trailer"),
        (SECOND_SEASON, "Stranger Things 2ª temporada tráiler (2017)"),
        (SECOND_SEASON, "Stranger Things segunda temporada tráiler (2017)"),
        (SECOND_SEASON, "Stranger Things - Deuxième saison - bande-annonce (2017)"),
        (SECOND_SEASON, "Stranger Things Year Two Trailer (2017)"),
        (SECOND_SEASON, "Stranger Things | 2 сезон | Трейлер (2017)"),
        (SECOND_SEASON, "Stranger Things Season 2 Part 1 Trailer (2017)"),
        (OFFICE, "The Office (US) | Season 1 Trailer"),
    ],
)
def test_taken(wanted: Wanted, title: str) -> None:
    assert judged(wanted, hit(title)).verdict is V.MATCH


@pytest.mark.parametrize(
    ("wanted", "title", "verdict"),
    [
        (PIONEER, "Pioneer One - Official Trailer", V.NO_YEAR),
        (PIONEER, "Pioneer One - Official Trailer (2015)", V.OTHER_YEAR),
        (PIONEER, "The Pioneer One Trailer (2010)", V.OTHER_TITLE),
        (PIONEER, "Pioneer Trailer (2010)", V.OTHER_TITLE),
        (PIONEER, "Pioneer One: The Return Trailer (2010)", V.OTHER_TITLE),
        (PIONEER, "Pioneer One 2 Trailer (2010)", V.OTHER_TITLE),
        (PIONEER, "Somebody's Long Pioneer One Night Trailer (2010)", V.OTHER_TITLE),
        (PIONEER, "Pioneer One (2010)", V.NOT_A_TRAILER),
        (PIONEER, "Pioneer One Trailer (2010) REACTION!!", V.NOT_A_TRAILER),
        (PIONEER, "Pioneer One full movie 2010 trailer", V.NOT_A_TRAILER),
        (PIONEER, "Pioneer One (2010) Trailer Music", V.NOT_A_TRAILER),
        (PIONEER, "Honest Trailers | Pioneer One (2010)", V.NOT_A_TRAILER),
        (PIONEER, "Pioneer One Trailer (2010) - Recut as a Comedy", V.FAN_MADE),
        (PIONEER, "Pioneer One - Concept Trailer (2010)", V.FAN_MADE),
        (PIONEER, "Top 10 Trailers of 2010 - Pioneer One", V.COMPILATION),
        (PIONEER, "Pioneer One trailer (2010) #shorts", V.SHORT),
        (DUNE, "Dune (2021) Trailer vs Dune (1984) Trailer", V.NOT_A_TRAILER),
        (DUNE, "Dune (1984) versus Dune (2021) - Trailer", V.NOT_A_TRAILER),
        (DUNE, "Dune (2021) v/s Dune (1984) Trailer", V.NOT_A_TRAILER),
        (DUNE, "Dune v Dune Trailer (2021)", V.NOT_A_TRAILER),
        (PIONEER, "Pioneer One (2010) Official Trailer (Tagalog Fandub)", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) Trailer Fan Dub", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) - Horror Trailer", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) - Rom-Com Movie Trailer", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) Trailer as a horror movie", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) Trailer, into a drama", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) Trailer (Re-Cut)", V.FAN_MADE),
        (PIONEER, "Pioneer One (2010) Trailer Retrailer", V.FAN_MADE),
        (SPLIT, "Split Second Official Trailer (2016)", V.OTHER_TITLE),
        (SPLIT, "Split Second (2016) Trailer", V.OTHER_TITLE),
        (ROGUE, "Rogue One Trailer (2016)", V.OTHER_TITLE),
        (ROCKY, "Rocky IV Official Trailer (1990)", V.OTHER_TITLE),
        (POLICE, "Police Academy 4 Trailer", V.OTHER_TITLE),
        (POLICE, "Police Academy 5 (1987) Trailer", V.OTHER_TITLE),
        (PIONEER, "Pioneer One Season 2 Trailer (2010)", V.WRONG_KIND),
        (PIONEER, "Pioneer One - Short Film Trailer (2010)", V.WRONG_KIND),
        (DREAMS, "Burden of Dreams Trailer (1990)", V.OTHER_TITLE),
        (DREAMS, "Dreams | Official Trailer", V.NO_YEAR),
        (DUNE, "Dune: Part Two | Official Trailer (2021)", V.OTHER_TITLE),
        (DUNE_TWO, "Dune (2024) Trailer", V.OTHER_TITLE),
        (NINE, "Nine (2009) Official Trailer - Daniel Day-Lewis", V.OTHER_TITLE),
        (BUSAN, "Train to Busan 2: Peninsula trailer (2020)", V.OTHER_TITLE),
        (THREADS, "Stranger Things Season 2 Trailer", V.WRONG_SEASON),
        (THREADS, "Stranger Things 4 | Official Trailer | Netflix", V.WRONG_SEASON),
        (THREADS, "Stranger Things | The Final Season Trailer", V.WRONG_SEASON),
        (THREADS, "Stranger Things (2016) The Movie Trailer", V.WRONG_KIND),
        (SECOND_SEASON, "Stranger Things (2016) Official Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 3 Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 12 Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 3 Trailer 2", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things 4 | Volume 2 Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Final Season Part 2 Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 1 and 2 Trailer", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 3 and Season 2 Trailer", V.WRONG_SEASON),
        (THREADS, "Stranger Things Seasons 1-3 Trailer (2016)", V.WRONG_SEASON),
        (SECOND_SEASON, "Stranger Things Season 2 Episode 3 Trailer", V.NOT_A_TRAILER),
        (SECOND_SEASON, "Stranger Things S02E03 Trailer", V.NOT_A_TRAILER),
        (SECOND_SEASON, "Stranger Things Season 2 Finale Trailer", V.NOT_A_TRAILER),
        (SECOND_SEASON, "Stranger Things US Season 2 Trailer", V.OTHER_TITLE),
        (SECOND_SEASON, "Stranger Things Season 2 Trailer (2036)", V.OTHER_YEAR),
        (OFFICE, "The Office UK Series 1 trailer", V.OTHER_TITLE),
    ],
)
def test_not_taken(wanted: Wanted, title: str, verdict: Verdict) -> None:
    assert judged(wanted, hit(title)).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"seconds": 19.0}, V.TOO_SHORT),
        ({"seconds": 601.0}, V.TOO_LONG),
        ({"seconds": None}, V.MATCH),
        ({"is_live": True}, V.LIVE),
        ({"upload_date": date(2007, 1, 1)}, V.TOO_EARLY),
        ({"channel": "KH Studio"}, V.FAN_MADE),
        ({"channel": "Film Reactions"}, V.NOT_A_TRAILER),
    ],
)
def test_what_is_known_beside_the_title_counts(facts: dict[str, object], verdict: Verdict) -> None:
    assert judged(PIONEER, hit("Pioneer One Trailer (2010)", **facts)).verdict is verdict  # type: ignore[arg-type]  # as in hit


def test_a_short_films_own_length_is_no_trailers() -> None:
    short = Wanted(MediaKind.MOVIE, "Sintel", year=2010, runtime=15)
    assert judged(short, hit("Sintel Trailer (2010)", seconds=460.0)).verdict is V.TOO_LONG


@pytest.mark.parametrize(
    ("channel", "day", "verdict"),
    [
        ("Warner Bros. Pictures", date(2020, 9, 9), V.MATCH),
        ("Warner Bros. Pictures", None, V.MATCH),
        ("Some Channel", None, V.NO_YEAR),
        ("Some Channel", date(2015, 9, 9), V.TOO_EARLY),
        ("Warner Bros. Pictures", date(2024, 9, 9), V.NO_YEAR),
    ],
)
def test_without_a_year_channel_and_date_must_speak_for_it(channel: str, day: date | None, verdict: Verdict) -> None:
    assert judged(DUNE, hit("DUNE | Official Trailer", channel, upload_date=day)).verdict is verdict


def test_an_old_film_without_its_year_must_be_known_as_an_old_one() -> None:
    assert judged(MATRIX, hit("The Matrix - Official Trailer", "Warner Bros. Pictures")).verdict is V.NO_YEAR
    anniversary = "The Matrix 25th Anniversary - Official Trailer"
    assert judged(MATRIX, hit(anniversary, "Warner Bros. Pictures")).verdict is V.MATCH


@pytest.mark.parametrize(
    ("studio", "channel", "verdict"),
    [
        ("Nation Films", "Nation Pictures UK", V.MATCH),
        ("Nation Films", "Trailer Nation", V.FAN_MADE),
        ("Nation Films", "Rotten Tomatoes Trailers", V.MATCH),
        ("Nation Films", "KinoCheck.com", V.MATCH),
        ("Nation Films", "Trailer Zone HD", V.FAN_MADE),
        ("Marvel Studios", "Marvel Zone", V.FAN_MADE),
        ("Marvel Studios", "Marvel Entertainment", V.MATCH),
        ("Marvel Studios", "Disney Deutschland", V.MATCH),
        ("Marvel Studios", "Entertainment Pictures", V.FAN_MADE),
    ],
)
def test_an_unreleased_film_needs_a_channel_that_is_known_by_its_whole_name(
    studio: str, channel: str, verdict: Verdict
) -> None:
    wanted = replace(UNRELEASED, studio=studio)
    assert judged(wanted, hit("Nova Strike | Official Trailer (2027)", channel)).verdict is verdict


def test_an_old_sequel_is_told_from_namesakes_by_its_number() -> None:
    wanted = Wanted(MediaKind.MOVIE, "Predator 2", year=1990, runtime=108, studio="20th Century Fox")
    assert judged(wanted, hit("Predator 2 | Trailer", "20th Century Studios")).verdict is V.MATCH
    heist = Wanted(MediaKind.MOVIE, "Ocean's Eleven", year=1960, runtime=127, studio="Warner Bros.")
    assert judged(heist, hit("Ocean's Eleven | Trailer", "Warner Bros. Pictures")).verdict is V.NO_YEAR


def test_a_later_season_may_be_of_the_streaming_years_when_the_series_is_older() -> None:
    dexter = Wanted(MediaKind.SERIES, "Dexter", year=2006, runtime=53, studio="Showtime", season=8)
    assert judged(dexter, hit("Dexter | Season 8 Official Trailer", "SHOWTIME")).verdict is V.MATCH


def test_a_namesake_among_the_hits_makes_one_without_a_year_unsure() -> None:
    alone = hit("Dune | Official Trailer", "Universal Pictures", upload_date=date(2021, 1, 1))
    namesake = hit("Dune (2013) Official Trailer")
    assert judged(DUNE, alone).verdict is V.MATCH
    assert judged(DUNE, alone, namesake).verdict is V.NO_YEAR


def test_a_title_that_says_trailer_or_scene_is_taken_by_what_stands_beside_it() -> None:
    wanted = Wanted(MediaKind.MOVIE, "Scene of the Trailer", year=2017)
    assert judged(wanted, hit("Scene of the Trailer (2017)")).verdict is V.NOT_A_TRAILER
    assert judged(wanted, hit("Scene of the Trailer - Trailer (2017)")).verdict is V.MATCH


def test_trailer_official_language_studio_views_and_place_order_the_matches() -> None:
    ranked = [
        hit("Pioneer One (2010) Official Trailer", "Vodo Pictures", "studio00000"),
        hit("Pioneer One (2010) Official Trailer", video_id="views000000", view_count=10_000_000),
        hit("Pioneer One (2010) Official Trailer", video_id="first000000"),
        hit("Pioneer One (2010) Official Trailer", video_id="second00000"),
        hit("Pioneer One (2010) Official Trailer Deutsch", video_id="german00000"),
        hit("Pioneer One (2010) Trailer", video_id="unofficial0"),
        hit("Pioneer One (2010) Official Teaser", video_id="teaser00000"),
    ]
    shuffled = [ranked[place] for place in (6, 4, 2, 5, 3, 1, 0)]
    found = matches(judge_hits(PIONEER, shuffled))
    assert [judgement.hit.video_id for judgement in found] == [one.video_id for one in ranked]
    (best, *_) = matches(judge_hits(PIONEER, ranked[2:], languages=["german", "english"]))
    assert best.hit.video_id == "german00000"


def test_every_hit_has_a_reason_in_a_sentence() -> None:
    hits = [hit("Pioneer One (2010) Trailer"), hit("Something else"), hit(""), hit("😀 ((("), hit("(2010) " * 500)]
    for judgement in judge_hits(PIONEER, hits):
        assert judgement.reason[0].isupper()
        assert judgement.reason.endswith(".")


@pytest.mark.parametrize("title", ["", "!!!", "()", "The", "1", "(2010)", "\N{SECTION SIGN}", "a" * 300])
def test_any_title_can_be_judged(title: str) -> None:
    judge_hits(Wanted(MediaKind.SERIES, title, title, (title, ""), None), [hit(f"{title} Trailer"), hit(title)])
