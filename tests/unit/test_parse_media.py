"""What parse_movie and parse_series make of the Arrs' resources, and how an unreadable one is named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from app.arr.items import raw_item
from app.arr.notification import notification_body
from app.arr.radarr import parse_movie
from app.arr.sonarr import parse_series
from app.context import WebhookEntry
from app.domain.webhook_events import parse_version
from app.errors import ArrItemError
from schemas.base import ArrType, MediaKind
from schemas.media import MediaCreate
from tests.fakes import as_raw

Raw = dict[str, object]


def movie(**changes: object) -> Raw:
    raw: Raw = {
        "id": 7,
        "title": "Night Ferry",
        "originalTitle": "Nachtfähre",
        "originalLanguage": {"id": 4, "name": "German"},
        "sortTitle": "night ferry",
        "alternateTitles": [{"title": "Traghetto"}, {"title": "Fähre"}, {"title": "Fähre"}, {"title": None}, 7],
        "cleanTitle": "nightferry",
        "year": 2019,
        "overview": "A ferry, a night.",
        "runtime": 101,
        "studio": "Hafen Film",
        "imdbId": "tt0000007",
        "tmdbId": 70007,
        "titleSlug": "70007",
        "youTubeTrailerId": "aB3-_6789xY",
        "path": "/data/films/Night Ferry (2019)",
        "rootFolderPath": "/data/films/",
        "hasFile": True,
        "movieFile": {"id": 3, "relativePath": "Night Ferry (2019) [WEBDL-1080p].mkv", "size": 5_000_000_000},
        "monitored": True,
        "genres": ["Drama", "Thriller"],
        "tags": [2, 5],
        "images": [
            {"coverType": "banner", "remoteUrl": "https://img.example/banner.jpg"},
            {"coverType": "poster", "url": "/MediaCover/7/poster.jpg", "remoteUrl": "https://img.example/p.jpg"},
            {"coverType": "fanart", "url": "/MediaCover/7/fanart.jpg", "remoteUrl": "https://img.example/f.jpg"},
        ],
        "added": "2024-03-05T18:11:29Z",
        "popularity": 4.5,
    }
    return raw | changes


def read_movie(raw: Raw) -> MediaCreate:
    return parse_movie(as_raw(raw))


def read_series(raw: Raw) -> MediaCreate:
    return parse_series(as_raw(raw))


def series(**changes: object) -> Raw:
    raw: Raw = {
        "id": 9,
        "title": "Harbour Watch",
        "originalLanguage": {"id": 1, "name": "English"},
        "cleanTitle": "harbourwatch",
        "year": 2021,
        "network": "Channel 9",
        "runtime": 45,
        "tvdbId": 90009,
        "tmdbId": 0,
        "imdbId": "tt0000009",
        "titleSlug": "harbour-watch",
        "path": "D:\\TV\\Harbour Watch",
        "rootFolderPath": "D:\\TV",
        "monitored": False,
        "seasons": [{"seasonNumber": 0}, {"seasonNumber": 1}],
        "statistics": {"seasonCount": 1, "episodeFileCount": 8, "episodeCount": 8},
        "images": [{"coverType": "poster", "remoteUrl": "https://img.example/s.jpg"}],
        "added": "2024-10-14T23:26:50Z",
    }
    return raw | changes


def test_a_movie_in_full() -> None:
    assert read_movie(movie()) == MediaCreate(
        arr_id=7,
        kind=MediaKind.MOVIE,
        title="Night Ferry",
        original_title="Nachtfähre",
        alternative_titles=("Fähre", "Traghetto"),
        clean_title="nightferry",
        year=2019,
        language="German",
        overview="A ferry, a night.",
        runtime=101,
        studio="Hafen Film",
        imdb_id="tt0000007",
        tmdb_id=70007,
        youtube_trailer_id="aB3-_6789xY",
        title_slug="70007",
        poster_url="https://img.example/p.jpg",
        fanart_url="https://img.example/f.jpg",
        arr_path="/data/films/Night Ferry (2019)",
        arr_root="/data/films/",
        media_exists=True,
        media_filename="Night Ferry (2019) [WEBDL-1080p].mkv",
        tags=(2, 5),
        genres=("Drama", "Thriller"),
        arr_monitored=True,
        arr_added_at=datetime(2024, 3, 5, 18, 11, 29, tzinfo=UTC),
    )


def test_a_series_in_full() -> None:
    assert read_series(series()) == MediaCreate(
        arr_id=9,
        kind=MediaKind.SERIES,
        title="Harbour Watch",
        clean_title="harbourwatch",
        year=2021,
        language="English",
        runtime=45,
        studio="Channel 9",
        imdb_id="tt0000009",
        tvdb_id=90009,
        title_slug="harbour-watch",
        poster_url="https://img.example/s.jpg",
        arr_path="D:\\TV\\Harbour Watch",
        arr_root="D:\\TV",
        media_exists=True,
        season_count=1,
        arr_added_at=datetime(2024, 10, 14, 23, 26, 50, tzinfo=UTC),
    )


def test_the_least_that_is_readable() -> None:
    bare = {"id": 1, "title": "X", "path": "/m/X"}
    assert read_movie(bare) == MediaCreate(arr_id=1, kind=MediaKind.MOVIE, title="X", arr_path="/m/X")
    assert read_series(bare) == MediaCreate(arr_id=1, kind=MediaKind.SERIES, title="X", arr_path="/m/X")


def test_null_means_absent_and_zero_or_empty_means_unknown() -> None:
    bare = {"id": 7, "title": "X", "path": "/m/X"}
    nulls = dict.fromkeys(movie()) | bare
    assert read_movie(nulls) == read_movie(bare)
    empty = bare | {"year": 0, "runtime": 0, "tmdbId": 0, "imdbId": "", "studio": "", "rootFolderPath": ""}
    assert read_movie(empty) == read_movie(bare)
    assert read_series(dict.fromkeys(series()) | bare) == read_series(bare)


def test_the_file_counts_only_where_radarr_says_that_it_has_it() -> None:
    without = read_movie(movie(hasFile=False))
    assert (without.media_exists, without.media_filename) == (False, None)
    nameless = read_movie(movie(movieFile=None))
    assert (nameless.media_exists, nameless.media_filename) == (True, None)


@pytest.mark.parametrize(("files", "exists"), [(0, False), (1, True)])
def test_a_series_exists_with_its_first_episode_file(files: int, exists: bool) -> None:
    assert read_series(series(statistics={"seasonCount": 2, "episodeFileCount": files})).media_exists is exists


@pytest.mark.parametrize(
    "text", ["", "short", "aB3-_6789xYz", "aB3-_6789x\n", "aB3-_6789x?", "https://youtu.be/aB3-_6789xY", "äB3-_6789xY"]
)
def test_a_trailer_id_of_another_shape_is_none(text: str) -> None:
    assert read_movie(movie(youTubeTrailerId=text)).youtube_trailer_id is None


def test_sonarr_has_no_trailer_id_and_no_file_name() -> None:
    parsed = read_series(series(youTubeTrailerId="aB3-_6789xY", movieFile={"relativePath": "x.mkv"}))
    assert (parsed.youtube_trailer_id, parsed.media_filename) == (None, None)


@pytest.mark.parametrize("url", ["/MediaCover/7/poster.jpg", "javascript:alert(1)", "ftp://img.example/p.jpg"])
def test_only_web_addresses_are_images(url: str) -> None:
    assert read_movie(movie(images=[{"coverType": "poster", "remoteUrl": url}])).poster_url is None


@pytest.mark.parametrize(
    ("added", "parsed"),
    [
        ("2024-03-05T18:11:29", datetime(2024, 3, 5, 18, 11, 29, tzinfo=UTC)),
        ("2024-03-05T18:11:29.1234567Z", datetime(2024, 3, 5, 18, 11, 29, 123456, tzinfo=UTC)),
        ("2024-03-05T20:11:29+02:00", datetime(2024, 3, 5, 18, 11, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("9999-12-31T23:59:59.9999999Z", None),
    ],
)
def test_times_are_utc(added: str, parsed: datetime | None) -> None:
    for media in (read_movie(movie(added=added)), read_series(series(added=added))):
        assert media.arr_added_at == parsed
        assert media.arr_added_at is None or media.arr_added_at.tzinfo is UTC


def test_text_that_postgres_refuses_is_cleaned() -> None:
    parsed = read_movie(movie(title="a\x00b", overview="\ud800c", genres=["\x00d"]))
    assert (parsed.title, parsed.overview, parsed.genres) == ("ab", "?c", ("d",))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"path": None}, "path"),
        ({"path": ""}, "path"),
        ({"path": "\x00"}, "path"),
        ({"title": None}, "title"),
        ({"year": "soon"}, "year"),
        ({"runtime": 2**40}, "runtime"),
        ({"tmdbId": 2**31}, "tmdbId"),
        ({"tags": [1, 2**31]}, "tags[1]"),
        ({"tags": "new"}, "tags"),
        ({"hasFile": "perhaps"}, "hasFile"),
        ({"added": "yesterday"}, "added"),
        ({"images": [{"coverType": []}]}, "images[0].coverType"),
    ],
)
def test_an_unreadable_movie_names_itself_and_the_field(changes: Raw, field: str) -> None:
    with pytest.raises(ArrItemError) as caught:
        read_movie(movie(**changes))
    message = caught.value.message
    assert message.startswith("Radarr's movie 7" + ("" if "title" in changes else ' "Night Ferry"'))
    assert f"at fault: {field} (" in message
    assert message.endswith("open it in Radarr and refresh it.")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("arr_id", [0, -1, 2**31, "7", 7.0, True, None, [7]])
def test_an_id_that_is_none_makes_a_series_unreadable(arr_id: object) -> None:
    with pytest.raises(ArrItemError, match=r'^Sonarr\'s series.* "Harbour Watch" cannot be read, at fault: id '):
        read_series(series(id=arr_id))


def test_the_message_stays_short_and_quotes_no_value() -> None:
    wild = movie(title="T" * 5000, path=None, year="V" * 5000, tags=["w"] * 5000)
    with pytest.raises(ArrItemError) as caught:
        read_movie(wild)
    assert len(caught.value.message) < 450
    assert "VVV" not in caught.value.message + str(caught.value.__cause__)


_values: st.SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.none() | st.integers(), max_size=3)
)


# The machine may be busy, and the first text of a run builds hypothesis' tables.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(movie())), _values, max_size=5))
def test_any_movie_parses_or_is_an_item_error(changes: Raw) -> None:
    try:
        parsed = read_movie(movie(**changes))
    except ArrItemError:
        return
    numbers = [parsed.arr_id, parsed.year, parsed.runtime, parsed.tmdb_id, *parsed.tags]
    assert all(number is None or abs(number) < 2**31 for number in numbers)


ENTRY = WebhookEntry("Trailhook", "http://trailhook:7979/webhooks/films", "trailhook", SecretStr("s3cret-word"))
_NEWEST = (99,)


def wanted_flags(body: Raw) -> set[str]:
    return {name for name, value in body.items() if value is True}


def test_the_entry_for_radarr() -> None:
    body = notification_body(ArrType.RADARR, _NEWEST, ENTRY)
    assert wanted_flags(body) == {
        "onDownload",
        "onUpgrade",
        "onRename",
        "onMovieAdded",
        "onMovieDelete",
        "onMovieFileDelete",
        "onMovieFileDeleteForUpgrade",
    }
    unwanted = {"onGrab", "onHealthIssue", "includeHealthWarnings", "onHealthRestored", "onApplicationUpdate"}
    assert {name for name, value in body.items() if value is False} == unwanted | {"onManualInteractionRequired"}
    assert {key: body[key] for key in ("name", "implementation", "configContract", "tags")} == {
        "name": "Trailhook",
        "implementation": "Webhook",
        "configContract": "WebhookSettings",
        "tags": [],
    }
    assert body["fields"] == [
        {"name": "url", "value": "http://trailhook:7979/webhooks/films"},
        {"name": "method", "value": 1},
        {"name": "username", "value": "trailhook"},
        {"name": "password", "value": "s3cret-word"},
    ]
    assert "id" not in body


def test_the_entry_for_sonarr() -> None:
    body = notification_body(ArrType.SONARR, None, ENTRY, {"id": 4, "name": "Mine"})
    assert wanted_flags(body) == {
        "onDownload",
        "onUpgrade",
        "onImportComplete",
        "onRename",
        "onSeriesAdd",
        "onSeriesDelete",
        "onEpisodeFileDelete",
        "onEpisodeFileDeleteForUpgrade",
    }
    assert body["id"] == 4


@pytest.mark.parametrize(
    ("arr_type", "version", "missing"),
    [
        (ArrType.SONARR, "3.0.10.1567", {"onSeriesAdd", "onImportComplete", "onHealthRestored"}),
        (ArrType.SONARR, "4.0.6.1846", {"onImportComplete"}),
        (ArrType.SONARR, "4.0.6.1847", set[str]()),
        (ArrType.RADARR, "4.1.0.6175", {"onMovieAdded", "onHealthRestored", "onManualInteractionRequired"}),
        (ArrType.RADARR, "6.0.3.10276", set[str]()),
    ],
)
def test_older_versions_get_only_the_flags_they_know(arr_type: ArrType, version: str, missing: set[str]) -> None:
    newest = notification_body(arr_type, _NEWEST, ENTRY).keys()
    gone = newest - notification_body(arr_type, parse_version(version), ENTRY).keys()
    assert missing <= gone
    assert missing or not gone


@pytest.mark.parametrize("text", ["", "develop", "4.", "4.0-beta", "٤.0", "4.0.6.1847.1.1.1"])
def test_a_strange_version_is_taken_for_the_newest(text: str) -> None:
    assert parse_version(text) is None


def test_a_title_of_one_season_is_none_of_the_series() -> None:
    titles = [
        {"title": "Hafenwache", "seasonNumber": -1, "sceneSeasonNumber": -1},
        {"title": "Harbour Watch: Winter", "seasonNumber": 2},
        {"title": "Harbour Watch 3", "sceneSeasonNumber": 3},
        {"title": "Harbour", "seasonNumber": []},
    ]
    assert read_series(series(alternateTitles=titles)).alternative_titles == ("Hafenwache",)
    assert read_series(series(alternateTitles="Hafenwache")).alternative_titles == ()


@pytest.mark.parametrize("odd", ["9" * 5000, "NaN", "-Infinity", '"\\ud800"'])
@pytest.mark.parametrize("title", ["a", "\\u0061"])
def test_what_nobody_reads_may_be_odd(odd: str, title: str) -> None:
    parsed = parse_movie(raw_item(f'{{"id":7,"title":"{title}","path":"/m","size":{odd}}}'.encode()))
    assert (parsed.arr_id, parsed.title) == (7, "a")


def test_numbers_and_flags_may_be_written_in_other_ways() -> None:
    parsed = read_movie(movie(year="2020", hasFile=1, monitored="true", added="2024-03-05"))
    assert (parsed.year, parsed.media_exists, parsed.arr_monitored) == (2020, True, True)
    assert parsed.arr_added_at == datetime(2024, 3, 5, tzinfo=UTC)


def test_an_id_that_is_beyond_all_numbers_is_an_item_error() -> None:
    with pytest.raises(ArrItemError, match="at fault: id "):
        parse_movie(raw_item(b'{"id":' + b"9" * 5000 + b',"title":"a","path":"/m"}'))
