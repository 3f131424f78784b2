"""The names of trailers: what we write and what we recognise."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.naming import (
    is_plain_path,
    is_trailer,
    is_video,
    movie_trailer_name,
    series_trailer_name,
    title_trailer_name,
)
from app.errors import StorageError
from schemas.base import MediaKind, StorageProblem

MOVIE, SERIES = MediaKind.MOVIE, MediaKind.SERIES
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
LONG_TEXT = st.text(st.sampled_from("aé漢🎬 .-"), min_size=200, max_size=400)
SEGMENT = (ANY_TEXT | LONG_TEXT).filter(lambda name: len(name.encode(errors="replace")) <= 255)


@pytest.mark.parametrize(
    ("media_filename", "expected"),
    [
        ("Film (2009) [1080p].mkv", "Film (2009) [1080p]-trailer.mp4"),
        ("disc/Film.part1.avi", "disc/Film.part1-trailer.mp4"),
        ("No extension", "No extension-trailer.mp4"),
        ("漢" * 83 + ".mkv", "漢" * 81 + "-trailer.mp4"),
        ("a" * 243 + ".mkv", "a" * 243 + "-trailer.mp4"),
        ("a" * 242 + "é.mkv", "a" * 242 + "-trailer.mp4"),
    ],
)
def test_a_movies_trailer_is_named_after_its_file(media_filename: str, expected: str) -> None:
    assert movie_trailer_name(media_filename) == expected


@pytest.mark.parametrize(
    "name", ["", "/etc/film.mkv", "../film.mkv", "a/../../film.mkv", "a//film.mkv", "a/", ".", "a\\film.mkv", "a\0.mkv"]
)
def test_a_movie_file_outside_its_folder_is_refused(name: str) -> None:
    with pytest.raises(StorageError) as caught:
        movie_trailer_name(name)
    assert caught.value.problem is StorageProblem.OUTSIDE


@pytest.mark.parametrize(
    ("title", "year", "expected"),
    [
        ("Dark", 2017, "Trailers/Dark (2017)-trailer.mp4"),
        ("Dark", None, "Trailers/Dark-trailer.mp4"),
        ("Battlestar Galactica (2003)", 2003, "Trailers/Battlestar Galactica (2003)-trailer.mp4"),
        ("Star Trek: Picard", 2020, "Trailers/Star Trek - Picard (2020)-trailer.mp4"),
        ('What/If? <"*|\\>', 2019, "Trailers/What If (2019)-trailer.mp4"),
        ("  ...  ", 2001, "Trailers/Untitled (2001)-trailer.mp4"),
        ("\x00\x1f\ud800", None, "Trailers/Untitled-trailer.mp4"),
        ("Con Air", 1997, "Trailers/Con Air (1997)-trailer.mp4"),
        ("con.air", None, "Trailers/_con.air-trailer.mp4"),
        ("LPT¹ .x", None, "Trailers/_LPT¹ .x-trailer.mp4"),
        ("../../etc", None, "Trailers/etc-trailer.mp4"),
    ],
)
def test_a_series_trailer_goes_into_trailers(title: str, year: int | None, expected: str) -> None:
    assert series_trailer_name(title, year) == expected


@given(ANY_TEXT | LONG_TEXT, st.none() | st.integers(1, 9999))
def test_a_titles_name_fits_every_file_system(title: str, year: int | None) -> None:
    name = title_trailer_name(title, year)
    assert len(name.encode()) <= 255
    assert is_plain_path(name)
    assert name.endswith("-trailer.mp4")
    assert name[0] not in " ."
    assert not set(name) & set('<>:"/\\|?*')
    assert all(ord(char) >= 32 for char in name)
    assert title_trailer_name(name.removesuffix("-trailer.mp4"), None) == name


@given(st.lists(SEGMENT | st.sampled_from(["..", ".", ""]), min_size=1, max_size=3))
def test_a_movies_trailer_never_leaves_the_folder_of_its_file(segments: list[str]) -> None:
    media_filename = "/".join(segments) + ".mkv"
    try:
        name = movie_trailer_name(media_filename)
    except StorageError:
        assert not is_plain_path(media_filename)
        return
    folder, _, _name = media_filename.rpartition("/")
    assert str(PurePosixPath(name).parent) == (folder or ".")
    assert len(PurePosixPath(name).name.encode(errors="surrogateescape")) <= 255
    assert is_trailer(name, MOVIE, media_filename)
    assert is_trailer(name, MOVIE, media_filename, shared=True)
    assert not is_trailer(media_filename, MOVIE, media_filename)
    assert movie_trailer_name(name.removesuffix("-trailer.mp4") + ".mkv") == name


@pytest.mark.parametrize(
    "name",
    [
        "Film (2009)-trailer.mp4",
        "Film (2009)-TRAILER2.MKV",
        "Film.trailer.webm",
        "Film_trailer.avi",
        "Film - trailer.mp4",
        "Film trailer.m4v",
        "trailer.mp4",
        "Trailer1.mov",
        "movie-trailer.mp4",
        "Trailers/anything.ts",
        "tRAILERS/Other.mkv",
        "disc/Film-trailer.mp4",
    ],
)
def test_names_that_a_server_takes_for_a_movies_trailer(name: str) -> None:
    assert is_trailer(name, MOVIE, "Film (2009).mkv")


@pytest.mark.parametrize(
    "name",
    [
        "Film (2009).mkv",
        "film (2009).MKV",
        "Film-trailer.nfo",
        "Film-trailer.mp4.part",
        "Trailer Park.mkv",
        "Film-trailers.mp4",
        "Filmtrailer.mp4",
        "Film-featurette.mp4",
        "Trailers/notes.txt",
    ],
)
def test_names_that_are_no_trailer_of_a_movie(name: str) -> None:
    assert not is_trailer(name, MOVIE, "Film (2009).mkv")


@pytest.mark.parametrize("own", ["Trailer.mkv", "Sneak-trailer.mp4", "The.Trailer.avi", "Trailers/Film.mkv"])
def test_the_media_file_itself_is_never_a_trailer(own: str) -> None:
    assert not is_trailer(own, MOVIE, own)


def test_accents_encoded_another_way_are_the_same_file() -> None:
    assert not is_trailer("Le\u0301on trailer.mkv", MOVIE, "L\u00e9on trailer.mkv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Trailers/Dark (2017)-trailer.mp4", True),
        ("TRAILERS/clip.mkv", True),
        ("Dark-trailer.mp4", True),
        ("trailer.mp4", True),
        ("Season 01/Trailers/x.mp4", False),
        ("Season 01/Dark-trailer.mp4", False),
        ("Dark - S01E05 - The Trailer.mkv", False),
        ("Dark 1x05-trailer.mkv", False),
        ("Dark S01E01.mkv", False),
    ],
)
def test_trailers_of_a_series(name: str, expected: bool) -> None:
    assert is_trailer(name, SERIES) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Alien-trailer.mp4", True),
        ("ALIEN-trailer2.mkv", True),
        ("Alien.trailer.mp4", True),
        ("Alien - trailer.mp4", True),
        ("Alien 3-trailer.mp4", False),
        ("Aliens-trailer.mp4", False),
        ("Alientrailer.mp4", False),
        ("trailer.mp4", False),
        ("movie-trailer.mp4", False),
        ("Trailers/Other.mp4", False),
        ("Trailers/Alien-trailer.mp4", True),
    ],
)
def test_in_a_shared_folder_only_the_own_name_counts(name: str, expected: bool) -> None:
    assert is_trailer(name, MOVIE, "Alien.mkv", shared=True) is expected


def test_in_a_shared_folder_nothing_counts_without_a_media_file() -> None:
    assert not is_trailer("Alien-trailer.mp4", MOVIE, None, shared=True)


@pytest.mark.parametrize(("name", "expected"), [("a.MKV", True), ("a.m2ts", True), ("a.srt", False), ("mkv", False)])
def test_videos_are_known_by_their_extension(name: str, expected: bool) -> None:
    assert is_video(name) is expected
