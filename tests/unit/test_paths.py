"""Path mapping: the longest prefix wins, on segment borders, whatever the separators and the host."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


# Whatever an Arr says, and whatever is mapped.

segments = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", "movies", "Movies", "4k", "D:", "C:\\", "\x00", "..\\..", "a\\..\\b", " ", "~"]
    ),
    st.text(st.characters(exclude_characters="/"), max_size=8),
)
beginnings = st.sampled_from(["/", "//", "", "./", "../", "C:\\", "d:/", "\\\\nas\\", "\\"])
arr_paths = st.builds(
    lambda begin, between, parts: begin + between.join(parts), beginnings, st.sampled_from("/\\"), st.lists(segments)
)


@given(arr_path=arr_paths, mappings=st.lists(st.sampled_from(MAPPINGS), max_size=5))
@example(arr_path="/movies/..", mappings=list(MAPPINGS))
@example(arr_path="D:\\Films/../..\\x", mappings=list(MAPPINGS))
@example(arr_path="\\\\nas\\share\\TV\\..\\..", mappings=list(MAPPINGS))
def test_no_path_leads_out_of_where_it_is_mapped_to(arr_path: str, mappings: list[PathMapping]) -> None:
    local = to_local(arr_path, mappings)
    if local is None:
        return
    here = PurePosixPath(local.path)
    assert here.is_absolute()
    assert not {"..", "."} & set(local.path.split("/"))
    assert "\x00" not in local.path
    targets = [PurePosixPath(mapping.path_to) for mapping in mappings]
    if local.mapped:
        assert any(here.is_relative_to(target) for target in targets)
    else:
        assert arr_path.startswith("/")
        assert here.parts[1:] == tuple(part for part in arr_path.split("/") if part not in {"", "."})


@given(arr_path=arr_paths, mappings=st.lists(st.sampled_from(MAPPINGS), max_size=5))
def test_what_is_relative_or_leads_up_has_no_place_here(arr_path: str, mappings: list[PathMapping]) -> None:
    windows = arr_path[1:3] in {":\\", ":/"} or arr_path.startswith("\\\\")
    parts = arr_path.replace("\\", "/").split("/") if windows else arr_path.split("/")
    if ".." in parts or "\x00" in arr_path or not (windows or arr_path.startswith("/")):
        assert to_local(arr_path, mappings) is None


@given(path=arr_paths, root=arr_paths, mappings=st.lists(st.sampled_from(MAPPINGS), max_size=5))
def test_no_title_gets_a_root_as_its_folder(path: str, root: str, mappings: list[PathMapping]) -> None:
    local, above = to_local(path, mappings), to_local(root, mappings)
    folder = title_folder(local, above)
    assert folder is None or (local is not None and folder == local.path)
    assert folder not in {"/", above.path if above else None} or folder is None
