"""`trailhook update-yt-dlp`, with the real pip and wheels from a directory instead of an index."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yt_dlp  # type: ignore[import-untyped]  # yt-dlp has no types
import yt_dlp_ejs  # type: ignore[import-untyped]  # nor has it

from app.domain.ytdlp_release import YtDlpVersions
from app.errors import SetupError
from app.ytdlp.releases import fetched, newest, versions
from app.ytdlp.update import Updated, update
from tests.studio import Studio, fetch, names_in

INSTALLED = version("yt-dlp")
SAME = """
from pathlib import Path
__path__.append({real!r})
exec(compile(Path({real!r}, "__init__.py").read_text(), "yt_dlp", "exec"))
"""
"""A package that is the installed one under another version."""

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    made = tmp_path / "wheels"
    made.mkdir()
    return made


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "data" / "yt-dlp"


def environment(wheels: Path) -> dict[str, str]:
    ours = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull, "PIP_USER": "1"}
    return {**os.environ, **ours, "TRAILHOOK_SECRET_KEY": "s3cret"}


def offer(wheels: Path, version: str, code: str | None = None, solver: str = "9.9.9") -> None:
    """Put a yt-dlp and the yt-dlp-ejs that it asks for among the wheels."""
    same = SAME.format(real=str(Path(yt_dlp.__file__).parent))
    needs = f"Requires-Dist: requests; extra == 'default'\nRequires-Dist: yt-dlp-ejs=={solver}; extra == 'default'\n"
    write_wheel(wheels, "yt_dlp", version, {"yt_dlp/__init__.py": same if code is None else code}, needs)
    same = SAME.format(real=str(Path(yt_dlp_ejs.__file__).parent))
    write_wheel(wheels, "yt_dlp_ejs", solver, {"yt_dlp_ejs/__init__.py": same})


def write_wheel(wheels: Path, name: str, version: str, files: dict[str, str], needs: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    about = (
        f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\nProvides-Extra: default\n{needs}"
    )
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    parts = {**files, f"{info}/METADATA": about, f"{info}/WHEEL": tags}
    record = "".join(f"{part},,\n" for part in [*parts, f"{info}/RECORD"])
    with zipfile.ZipFile(wheels / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for part, text in {**parts, f"{info}/RECORD": record}.items():
            wheel.writestr(part, text)


def test_the_next_job_uses_the_new_one_without_a_restart(
    studio: Studio, wheels: Path, releases: Path, work_dir: Path
) -> None:
    videos = studio.videos(releases=releases)
    url = studio.add(kind="mp4")
    asyncio.run(fetch(videos, url, work_dir))
    mark = 'from pathlib import Path\nPath("new-one-was-here").touch()\n'
    offer(wheels, "2099.1.2", mark + SAME.format(real=str(Path(yt_dlp.__file__).parent)))
    ran = subprocess.run(
        [sys.executable, "-m", "app.cli", "update-yt-dlp"],
        cwd=wheels,  # it is tried out there, and leaves its mark
        env={**environment(wheels), "TRAILHOOK_DATA_DIR": str(releases.parent), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (f"yt-dlp {INSTALLED} -> 2099.1.2; the next download uses it.\n", "")
    assert videos.versions() == YtDlpVersions("2099.1.2", "9.9.9")
    assert names_in(work_dir) == ["trailer.mp4"]
    asyncio.run(fetch(videos, url, work_dir))
    assert names_in(work_dir) == ["new-one-was-here", "trailer.mp4"]


def test_two_are_kept_and_what_was_left_half_done_goes(wheels: Path, releases: Path) -> None:
    for known in ("2099.1.2", "2099.1.3", "2099.1.3.dev0", "notes"):
        (releases / known).mkdir(parents=True)
    (releases / ".new-left").mkdir()
    offer(wheels, "2099.12.1")
    assert update(releases, environment(wheels)) == Updated("2099.1.3", "2099.12.1")
    assert [release.version for release in fetched(releases)] == ["2099.12.1", "2099.1.3"]
    assert ".new-left" not in names_in(releases)
    assert "notes" in names_in(releases)


def test_an_older_one_changes_nothing(wheels: Path, releases: Path) -> None:
    offer(wheels, "2020.1.1")
    assert update(releases, environment(wheels)) == Updated(INSTALLED, INSTALLED)
    assert fetched(releases) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('needs Python 4')", "needs Python 4"),
        ("", "does not work here"),
        (None, "yt-dlp-ejs==9.9.9"),
    ],
    ids=["broken", "another", "without its scripts"],
)
def test_one_that_fails_leaves_the_present_one(wheels: Path, releases: Path, code: str | None, words: str) -> None:
    offer(wheels, "2099.1.2", code)
    if code is None:
        next(wheels.glob("yt_dlp_ejs*")).unlink()
    with pytest.raises(SetupError, match=words) as caught:
        update(releases, environment(wheels))
    assert "stays in use" in caught.value.message
    assert names_in(releases) == [".lock"]
    assert versions(releases) == YtDlpVersions(INSTALLED, version("yt-dlp-ejs"))


def test_without_an_index_it_says_so(wheels: Path, releases: Path) -> None:
    with pytest.raises(SetupError, match="pip could not install yt-dlp"):
        update(releases, environment(wheels))


def test_a_directory_that_cannot_be_written(tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SetupError, match="TRAILHOOK_DATA_DIR"):
        update(tmp_path / "data" / "yt-dlp", environment(wheels))


def test_an_older_fetched_one_is_not_used(releases: Path) -> None:
    """Trailhook itself was updated since, and brought a newer one."""
    (releases / "2020.1.1").mkdir(parents=True)
    found = newest(releases)
    assert found is not None
    assert (found.version, found.path) == (INSTALLED, None)
