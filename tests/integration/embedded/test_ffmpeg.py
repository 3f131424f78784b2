"""ffmpeg: the configured one, the system's, the bundled one; and a directory in which it is called ffmpeg."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.embedded.ffmpeg import find_ffmpeg, link_directory
from app.errors import EmbeddedError


@pytest.fixture
def nowhere_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_configured_one_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured = program(tmp_path / "mine" / "ffmpeg-7")
    on_path = program(tmp_path / "path" / "ffmpeg")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_ffmpeg(configured) == configured
    assert find_ffmpeg(None) == on_path


def test_a_configured_one_that_is_no_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="correct TRAILHOOK_FFMPEG"):
        find_ffmpeg(tmp_path / "missing")


@pytest.mark.usefixtures("nowhere_on_path")
def test_the_bundled_one_is_found_without_its_code_and_runs_under_its_name(tmp_path: Path) -> None:
    code = "import sys; from app.embedded.ffmpeg import find_ffmpeg; print(find_ffmpeg(None)); "
    code += "sys.exit('imageio_ffmpeg' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = Path(asked.stdout.strip())
    directory = link_directory(found, tmp_path / "data")
    assert directory == tmp_path / "data" / "bin"
    done = subprocess.run([directory / "ffmpeg", "-version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ffmpeg version")


def test_the_link_follows_another_ffmpeg(tmp_path: Path) -> None:
    for name in ("one", "two", "two"):
        target = program(tmp_path / name / "ffmpeg-x")
        directory = link_directory(target, tmp_path)
        assert [each.name for each in directory.iterdir()] == ["ffmpeg"]
        assert (directory / "ffmpeg").readlink() == target


def test_the_directory_on_path_does_not_make_a_link_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = program(tmp_path / "real" / "ffmpeg")
    directory = link_directory(target, tmp_path)
    monkeypatch.setenv("PATH", str(directory))
    assert link_directory(find_ffmpeg(None), tmp_path) == directory
    assert (directory / "ffmpeg").readlink() == target


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="make that directory writable"):
        link_directory(program(tmp_path / "ffmpeg"), tmp_path / "file")
