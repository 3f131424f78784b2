"""What `connect` is given: key files, mappings, and what it says of the work ahead."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.connect_commands import read_key_file, read_mapping
from app.domain.expectation import expectation
from app.errors import TrailhookError


@pytest.mark.parametrize("text", ["0123456789abcdef", "0123456789abcdef\n", "  0123456789abcdef\r\n"])
def test_white_space_around_a_key_is_no_part_of_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "radarr.key"
    file.write_bytes(text.encode())
    assert read_key_file(str(file)) == "0123456789abcdef"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"0123456789\nabcdef", "holds more than one line or word: it must hold exactly one API key, on one line"),
        (b"api key", "holds more than one line or word"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a" * 513, "is too large"),
        (b"\xff\xfe\x00", "cannot be read"),
        (None, "cannot be read: give a file with nothing but the API key in it"),
    ],
)
def test_a_key_file_that_holds_no_key(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "radarr.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TrailhookError) as refused:
        read_key_file(str(file))
    assert refused.value.message.startswith(f"The key file '{file}' ")
    assert words in refused.value.message
    assert refused.value.message.count(".") == str(file).count(".") + 1
    assert "0123456789" not in refused.value.message


@pytest.mark.parametrize("source", ["/", "/dev/zero", "/dev/null", "nul\x00"])
def test_what_is_no_file_is_no_key_file(source: str) -> None:
    with pytest.raises(TrailhookError, match=r"cannot be read|is too large|is empty"):
        read_key_file(source)


@pytest.mark.parametrize(
    ("text", "path_from", "path_to"),
    [
        ("/movies=/mnt/nas/movies", "/movies", "/mnt/nas/movies"),
        ("D:\\Films=/mnt/films", "D:\\Films", "/mnt/films"),
        ("\\\\nas\\tv=/mnt/tv", "\\\\nas\\tv", "/mnt/tv"),
        ("/a=b=/mnt/a=b", "/a=b", "/mnt/a=b"),
        ("/movies=/mnt/my films=all", "/movies", "/mnt/my films=all"),
    ],
)
def test_a_mapping_is_split_where_a_full_path_follows(text: str, path_from: str, path_to: str) -> None:
    assert read_mapping(text) == {"path_from": path_from, "path_to": path_to}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no full path after '=': write FROM=TO with full paths"),
        ("/movies", "no full path after '='"),
        ("/movies=", "no full path after '='"),
        ("/movies=films", "no full path after '='"),
        ("=/films", "no full path before '='"),
        ("movies=/films", "no full path before '='"),
        ("/a=/b=/c", "can be split at more than one '='"),
    ],
)
def test_a_mapping_that_is_none(text: str, words: str) -> None:
    with pytest.raises(TrailhookError) as refused:
        read_mapping(text)
    assert words in refused.value.message
    assert refused.value.message.startswith(f"--map {text!r} ")


@pytest.mark.parametrize(
    ("titles", "wanted", "seconds", "said"),
    [
        (0, 0, 80, "It has no titles yet."),
        (5, 0, 80, "5 titles, 0 of them want a trailer."),
        (1, 1, 80, "1 title, 1 of them wants a trailer; at about one every 80 s that takes about 1 minute."),
        (9, 2, 20, "9 titles, 2 of them want a trailer; at about one every 20 s that takes about 1 minute."),
        (900, 90, 80, "900 titles, 90 of them want a trailer; at about one every 80 s that takes about 2 hours."),
        (9000, 5000, 80, "9000 titles, 5000 of them want a trailer; at about one every 80 s that takes about 5 days."),
    ],
)
def test_what_is_ahead_is_said(titles: int, wanted: int, seconds: float, said: str) -> None:
    assert expectation(titles, wanted, seconds) == said
