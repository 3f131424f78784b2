"""Whatever breaks during a download: no wrong file under a final name, no process left; `make bench` does more."""

from __future__ import annotations

from pathlib import Path

from tests.faulty_downloads import CANCELLED, Fault, FaultyDownloads, can_mount
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
