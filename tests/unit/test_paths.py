"""Path mapping: the longest prefix wins, on segment borders, whatever the separators and the host."""

from __future__ import annotations

import pytest

from app.domain.paths import LocalPath, title_folder, to_local
from schemas.connection import PathMapping

MAPPINGS = (
    PathMapping(path_from="/movies", path_to="/mnt/nas/movies"),
    PathMapping(path_from="/movies/4k/", path_to="/mnt/fast/4k"),
    PathMapping(path_from="D:\\Films", path_to="/mnt/d/films"),
    PathMapping(path_from="\\\\nas\\share\\TV", path_to="/mnt/tv"),
    PathMapping(path_from="/", path_to="/mnt/rest"),
)


@pytest.mark.parametrize(
    ("arr_path", "expected"),
    [
        ("/movies/Sintel (2010)", "/mnt/nas/movies/Sintel (2010)"),
        ("/movies/Sintel (2010)/", "/mnt/nas/movies/Sintel (2010)"),
        ("/movies/4k/Sintel (2010)", "/mnt/fast/4k/Sintel (2010)"),
        ("/movies/4k-old/Sintel", "/mnt/nas/movies/4k-old/Sintel"),
        ("/movies-old/Sintel", "/mnt/rest/movies-old/Sintel"),
        ("/Movies/Sintel", "/mnt/rest/Movies/Sintel"),
        ("d:/films/Sintel", "/mnt/d/films/Sintel"),
        ("D:\\FILMS\\Sintel\\", "/mnt/d/films/Sintel"),
        ("D:\\Filmsammlung\\Sintel", None),
        ("\\\\NAS\\Share\\tv\\Pioneer One", "/mnt/tv/Pioneer One"),
        ("E:\\Other\\Sintel", None),
        ("relative/path", None),
        ("/movies/../etc", None),
        ("/movies/a\x00b", None),
        ("", None),
    ],
)
def test_the_longest_mapping_wins(arr_path: str, expected: str | None) -> None:
    local = to_local(arr_path, MAPPINGS)
    assert (local.path if local else None) == expected
    assert local is None or local.mapped


def test_without_a_mapping_a_posix_path_is_the_same_here() -> None:
    local = to_local("/media/movies//Sintel (2010)/.", ())
    assert local is not None
    assert (local.path, local.mapped) == ("/media/movies/Sintel (2010)", False)


@pytest.mark.parametrize(
    ("path", "root", "folder"),
    [
        ("/media/movies/Sintel", "/media/movies", "/media/movies/Sintel"),
        ("/media/movies/Sintel", None, "/media/movies/Sintel"),
        ("/media/movies", "/media/movies", None),
        ("/", None, None),
        (None, "/media/movies", None),
    ],
)
def test_a_librarys_root_is_never_a_titles_folder(path: str | None, root: str | None, folder: str | None) -> None:
    local, above = (None if one is None else LocalPath(one, mapped=False) for one in (path, root))
    assert title_folder(local, above) == folder
