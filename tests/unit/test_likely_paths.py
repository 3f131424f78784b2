"""The likely mapping: a folder beside one in use goes before one of the same name; nothing is claimed without cause."""

from __future__ import annotations

import pytest

from app.domain.likely_paths import likely_folder, likely_folders, map_option, missing_root
from schemas.connection import PathMapping

NAS = (PathMapping(path_from="/movies", path_to="/mnt/nas/movies"),)


@pytest.mark.parametrize(
    ("root", "mappings", "roots", "existing", "expected"),
    [
        ("/tv", NAS, [], {"/mnt/nas/movies", "/mnt/nas/tv", "/media/tv"}, "/mnt/nas/tv"),
        ("/movies", (), ["/mnt/nas/movies"], {"/mnt/nas/movies", "/media/movies"}, "/mnt/nas/movies"),
        ("/tv/", (), ["/mnt/nas/movies"], {"/mnt/nas/tv"}, "/mnt/nas/tv"),
        ("/data/media/movies", (), [], {"/mnt/media/movies", "/media/movies", "/mnt/movies"}, "/media/movies"),
        ("/data/library/movies", (), [], {"/mnt/library/movies", "/media/movies"}, "/mnt/library/movies"),
        ("/movies", (), [], {"/srv/movies", "/volume1/movies"}, "/srv/movies"),
        ("D:\\Movies", (), [], {"/media/movies"}, "/media/movies"),
        ("D:\\Movies\\", (), [], {"/media/movies", "/media/Movies"}, "/media/Movies"),
        ("\\\\nas\\share\\TV", NAS, [], {"/mnt/nas/tv"}, "/mnt/nas/tv"),
        ("/movies", (), [], {"/movies"}, None),
        ("/movies", (), [], set(), None),
        ("/srv/data", (), [], {"/data"}, None),
        ("/config/lib", (), [], {"/lib"}, None),
        ("/var/lib", (), [], {"/var/lib", "/media/lib"}, "/media/lib"),
        ("/", NAS, ["/mnt/nas/movies"], {"/mnt/nas", "/mnt/nas/movies"}, None),
        ("D:\\", (), [], {"/D:"}, None),
        ("", (), [], {"/"}, None),
        ("/a/../tv", (), [], {"/media/tv"}, "/media/tv"),
    ],
)
def test_the_best_guess(
    root: str, mappings: tuple[PathMapping, ...], roots: list[str], existing: set[str], expected: str | None
) -> None:
    assert likely_folder(likely_folders(root, mappings, roots), existing) == expected


def test_a_long_list_of_roots_makes_no_endless_list_of_guesses() -> None:
    assert len(likely_folders("/tv", (), [f"/mnt/disk{number}/movies" for number in range(500)])) == 40


@pytest.mark.parametrize(
    ("path_from", "path_to", "option"),
    [
        ("/tv", "/mnt/tv", "--map '/tv=/mnt/tv'"),
        ("D:\\Movies", "/media/My Movies", "--map 'D:\\Movies=/media/My Movies'"),
        ("/it's", "/mnt/x", """--map '/it'"'"'s=/mnt/x'"""),
    ],
)
def test_the_option_is_written_for_a_shell(path_from: str, path_to: str, option: str) -> None:
    assert map_option(path_from, path_to) == option


def test_a_guess_never_claims_more_than_maybe() -> None:
    assert missing_root("/tv", "/mnt/tv") == (
        "/tv does not exist here; maybe it is /mnt/tv: then use --map '/tv=/mnt/tv'."
    )
    assert missing_root("/tv", None) == "/tv does not exist here; say where it is with --map '/tv=/path/here'."
