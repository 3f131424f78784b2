"""Whatever breaks during a download: no wrong file under a final name, no process left; `make bench` does more."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.bench.trailer import broken_figures
from tests.faulty_downloads import CANCELLED, WORK_DIR, Fault, FaultyDownloads, Tally, can_mount
from tests.studio import Studio

EACH = 2


async def test_nothing_wrong_ever_has_a_final_name(studio: Studio, tmp_path: Path) -> None:
    possible = [fault for fault in Fault if fault is not Fault.DISK_FULL or can_mount(tmp_path / "mount")]
    downloads = FaultyDownloads(studio, tmp_path, seed=7)
    try:
        await downloads.run(possible * EACH)
    finally:
        downloads.close()
    assert downloads.tally.wrong == []
    assert downloads.tally.orphans == []
    assert downloads.tally.runs.total() == len(possible) * EACH
    for broken in (Fault.CUT, Fault.MISSING, Fault.LYING):
        assert downloads.tally.failures[f"{broken}: transient"] == EACH


async def test_cancelled_downloads_leave_nothing(studio: Studio, tmp_path: Path) -> None:
    downloads = FaultyDownloads(studio, tmp_path, seed=7)
    try:
        await downloads.cancel(5)
    finally:
        downloads.close()
    assert downloads.tally.orphans == []
    assert downloads.tally.runs[CANCELLED] == 5


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_process_that_outlives_its_directory_is_counted(
    studio: Studio, tmp_path: Path, work_dir: Path, *, elsewhere: bool
) -> None:
    """The check itself: what is left behind is seen after the directory was removed, wherever it works."""
    environment: Mapping[str, str] = {**os.environ, **({"TMPDIR": str(work_dir)} if elsewhere else {})}
    left = await asyncio.create_subprocess_exec("sleep", "60", cwd="/" if elsewhere else work_dir, env=environment)
    downloads = FaultyDownloads(studio, tmp_path, seed=7)
    try:
        shutil.rmtree(work_dir)
        await downloads.look_for_orphans("planted", work_dir.parent)
        assert work_dir.name == WORK_DIR
        assert downloads.tally.orphans == [f"planted: [{left.pid}]"]
    finally:
        left.kill()
        await left.wait()
        downloads.close()
    await downloads.look_for_orphans("gone", work_dir.parent)
    assert len(downloads.tally.orphans) == 1


def test_figures_are_met_only_where_every_fault_was_played() -> None:
    everything = Tally(runs=Counter([*map(str, Fault), CANCELLED]))
    assert [figure.met for figure in broken_figures(everything)] == [True, True]
    for fault in Fault:
        without = Tally(runs=everything.runs - Counter([str(fault)]))
        assert [figure.met for figure in broken_figures(without)] == [False, False]
    orphaned = Tally(runs=everything.runs, orphans=["cut body: [1]"])
    assert [figure.met for figure in broken_figures(orphaned)] == [False, True]
    wrong = Tally(runs=everything.runs, wrong=["1/trailer.mp4: 7 bytes"])
    assert [figure.met for figure in broken_figures(wrong)] == [True, False]
