"""Where a media server sees a title's folder, and which of its items the title is."""

from __future__ import annotations

import pytest

from app.domain.servers import ServerItem, ServerTitle, pick_items, server_title, to_theirs
from schemas.base import MediaKind
from schemas.connection import PathMapping
from tests.unit.titles import movie, series

TITLE = ServerTitle(MediaKind.MOVIE, "/data/films/Dune", 2021, frozenset({"tmdb:1", "imdb:tt1"}))


def item(key: str, path: str, *ids: str) -> ServerItem:
    return ServerItem(key, (path,), frozenset(ids))


@pytest.mark.parametrize(
    ("local", "theirs"),
    [
        ("/mnt/films/Dune", "/data/films/Dune"),
        ("/mnt/films/4k/Dune", "D:\\4K\\Dune"),
        ("/mnt/films", "/data/films"),
        ("/mnt/films2/Dune", "/mnt/films2/Dune"),
        ("/elsewhere/Dune", "/elsewhere/Dune"),
        ("/root/x/Dune (2021)", "\\\\nas\\share\\x\\Dune (2021)"),
    ],
)
def test_the_longest_mapping_leads_to_their_path(local: str, theirs: str) -> None:
    pairs = {"/data/films/": "/mnt/films/", "D:\\4K": "/mnt/films/4k", "\\\\nas\\share\\": "/root"}
    mappings = [PathMapping(path_from=path_from, path_to=path_to) for path_from, path_to in pairs.items()]
    assert to_theirs(local, mappings) == theirs


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        ([], []),
        ([item("1", "/data/films/Dune/d.mkv")], ["1"]),
        ([item("1", "/data/films/Dune 2/d.mkv")], []),
        ([item("1", "/data/films/dune/d.mkv")], []),
        ([item("1", "/data/films/Dune/d.mkv", "tmdb:2")], ["1"]),
        ([item("1", "/other/d.mkv", "imdb:tt1")], ["1"]),
        ([item("1", "/other/d.mkv", "tmdb:11")], []),
        ([item("1", "/data/films/Dune/a.mkv", "tmdb:1"), item("2", "/data/films/Dune/b.mkv", "tmdb:2")], ["1"]),
        ([item("1", "/data/films/Dune/a.mkv"), item("2", "/data/films/Dune/b.mkv")], []),
        ([item("1", "/data/films/Dune/d.mkv", "tmdb:1"), item("2", "/4k/Dune/d.mkv", "tmdb:1")], ["1"]),
        ([item("1", "/hd/Dune/d.mkv", "tmdb:1"), item("2", "/4k/Dune/d.mkv", "tmdb:1")], ["1", "2"]),
    ],
)
def test_an_item_counts_by_its_folder_and_its_ids(items: list[ServerItem], keys: list[str]) -> None:
    assert pick_items(TITLE, items) == keys
    assert len(pick_items(TITLE, [item(str(n), "/x", "tmdb:1") for n in range(100)])) == 5


def test_windows_ignores_case_and_knows_both_slashes() -> None:
    there = ServerTitle(MediaKind.MOVIE, "d:\\films\\Dune", 2021, frozenset())
    assert pick_items(there, [item("1", "D:/Films/dune/Dune.mkv")]) == ["1"]


def test_a_title_is_described_by_what_is_known() -> None:
    shown = server_title(movie(), "/media/movies/Sintel (2010)", ())
    assert (shown.ids, shown.year) == (frozenset({"tmdb:45745", "imdb:tt1727587"}), 2010)
    assert server_title(series(imdb_id=None, tmdb_id=0), "/tv/x", ()).ids == frozenset({"tvdb:170551"})
