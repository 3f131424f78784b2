"""What the docs and the deploy files name is there, and the image runs as an ordinary user."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent.parent
KNOWN = {f"TRAILHOOK_{name.upper()}" for name in Settings.model_fields} | {"TRAILHOOK_URL"}
README = (ROOT / "README.md").read_text()
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").iterdir()), ids=lambda path: path.name)
def test_deploy_files_name_settings_that_exist(path: Path) -> None:
    named = set(re.findall(r"TRAILHOOK_[A-Z_]+", path.read_text()))
    assert named <= KNOWN


def test_the_readme_lists_every_setting() -> None:
    table = README.split("## Configure it")[1].split("\n## ")[0]
    listed = {
        f"TRAILHOOK_{name}"
        for row in table.splitlines()
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1] if row.startswith("|") else "")
    }
    assert listed == KNOWN - {"TRAILHOOK_URL"}


def test_the_readme_names_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= targets


def test_the_image_runs_as_an_ordinary_user_and_gets_its_signals() -> None:
    instructions = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    final = instructions[max(index for index, (name, _) in enumerate(instructions) if name == "FROM") :]
    named = dict(final)
    assert named["USER"] not in {"root", "0"}
    assert named["ENTRYPOINT"].startswith("[")
    assert named["CMD"].startswith("[")
    assert "apk" not in DOCKERFILE
