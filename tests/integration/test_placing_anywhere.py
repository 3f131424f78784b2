"""Whatever path a trailer is to get: nothing appears outside its folder, and nothing that is there changes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.errors import StorageError
from app.files.placing import Manner, place

EXISTING = ("Film.mkv", "Film-trailer.mp4", "Trailers/Old-trailer.mp4", "Season 01/S01E01.mkv")
parts = st.one_of(
    st.sampled_from(
        ["", ".", "..", "Trailers", "trailers", "out", "loop", "dead", "Film.mkv", "Film-trailer.mp4", "Season 01"]
    ),
    st.sampled_from(
        ["new-trailer.mp4", ".trailhook-1", "..\\x", "a\0b", "\udcff", "\ud800", "x" * 300, "~", "-rf", "\n"]
    ),
    st.text(max_size=6),
)
rel_paths = st.one_of(st.text(max_size=12), st.lists(parts, max_size=5).map("/".join))


@settings(deadline=None, max_examples=300, database=None)
@given(rel_path=rel_paths)
@example(rel_path="../outside/new-trailer.mp4")
@example(rel_path="/etc/new-trailer.mp4")
@example(rel_path="out/new-trailer.mp4")
@example(rel_path="Trailers/../../outside/new-trailer.mp4")
@example(rel_path="dead")
@example(rel_path="Film-trailer.mp4")
@example(rel_path="Trailers/new-trailer.mp4")
def test_a_trailer_appears_below_its_folder_or_nowhere(rel_path: str) -> None:
    with tempfile.TemporaryDirectory() as place_of_all:
        top = Path(place_of_all)
        folder, source = a_library(top)
        before = seen_in(top)
        try:
            placed = place(source, folder, rel_path, Manner())
        except (StorageError, OSError):
            assert without_trailers_dir(seen_in(top)) == without_trailers_dir(before)
        else:
            after = seen_in(top)
            (new,) = set(after) - set(before) - {folder / "Trailers"}
            assert (placed.path, after[new]) == (new, "the trailer")
            assert new.resolve().is_relative_to(folder.resolve())
            assert {path: after[path] for path in before if path != source} == without(before, source)
            assert source not in after


def a_library(top: Path) -> tuple[Path, Path]:
    """Make a title's folder with links that lead out of it, and a fetched file in its work directory."""
    folder, outside = top / "library" / "Film (2010)", top / "outside"
    for path in (*(folder / name for name in EXISTING), outside / "precious.mp4"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    (folder / "out").symlink_to(outside)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dead").symlink_to(outside / "new-trailer.mp4")
    source = folder / ".trailhook-7" / "trailer.mp4"
    source.parent.mkdir()
    source.write_text("the trailer")
    return folder, source


def seen_in(top: Path) -> dict[Path, str]:
    """Give all names with what is there, links as links."""
    found = {}
    for path in top.rglob("*"):
        if path.is_symlink():
            found[path] = f"-> {path.readlink()}"
        else:
            found[path] = path.read_text() if path.is_file() else "a directory"
    return found


def without(seen: dict[Path, str], left_out: Path) -> dict[Path, str]:
    return {path: what for path, what in seen.items() if path != left_out}


def without_trailers_dir(seen: dict[Path, str]) -> dict[Path, str]:
    """Leave out the one directory that may be made, empty, before a name turns out to be impossible."""
    return {path: what for path, what in seen.items() if (path.name, what) != ("Trailers", "a directory")}
