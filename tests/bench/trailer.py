"""`make bench ONLY=trailer`: what a trailer costs beside its bare download, and what is left when something breaks."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from app.log import configure_logging
from tests.bench import acquiring
from tests.bench.figures import Figure
from tests.faulty_downloads import Fault, FaultyDownloads, Tally, can_mount
from tests.studio import open_studio

ROUNDS = 5
CANCELLED, FAULTY = 100, 200
CPU_TARGET = 2.0  # s
RSS_TARGET = 120.0  # MB


def measure() -> list[Figure]:
    """Measure one trailer as YouTube has them, then break many small ones."""
    configure_logging("critical", "console")
    with tempfile.TemporaryDirectory(prefix="trailhook-bench-") as place:
        figures = asyncio.run(_cost(Path(place)))
    with tempfile.TemporaryDirectory(prefix="trailhook-bench-") as place:
        return [*figures, *asyncio.run(_break(Path(place)))]


async def _cost(place: Path) -> list[Figure]:
    async with acquiring.opened(place) as bench:
        pairs = [(await bench.bare(), await bench.acquire()) for _ in range(ROUNDS)]
        rss = max([await bench.peak_rss() for _ in range(2)])
        print(f"The trailer has {bench.megabytes():.0f} MB.")
    bare, ours = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    over = statistics.median(pair[1] - pair[0] for pair in pairs)
    return [
        Figure("trailer.cpu", ours, "s CPU", bare, ours / bare),
        Figure("trailer.cpu_overhead", over, "s CPU", target=f"<= {CPU_TARGET:.1f}", met=over <= CPU_TARGET),
        Figure("trailer.child_rss", rss, "MB", target=f"<= {RSS_TARGET:.0f}", met=rss <= RSS_TARGET),
    ]


async def _break(place: Path) -> list[Figure]:
    faults = list(Fault) if can_mount(place / "mount") else [fault for fault in Fault if fault is not Fault.DISK_FULL]
    with open_studio(place) as studio:
        downloads = FaultyDownloads(studio, place / "library", seed=1)
        try:
            await downloads.cancel(CANCELLED)
            await downloads.run([faults[number % len(faults)] for number in range(FAULTY)])
        finally:
            downloads.close()
    tally = downloads.tally
    for title, counted in (("runs", tally.runs), ("placed", tally.placed), ("failed", tally.failures)):
        print(f"{title}: {', '.join(f'{name} {number}' for name, number in sorted(counted.items()))}")
    for line in (*tally.wrong, *tally.orphans):
        print(line)
    return broken_figures(tally)


def broken_figures(tally: Tally) -> list[Figure]:
    """Judge the runs: nothing may be left or wrong, and where a fault could not be played nothing is proved."""
    played = all(tally.runs[fault] for fault in Fault)
    if not tally.runs[Fault.DISK_FULL]:
        print("No small disk can be mounted here: the runs with a full one are missing, so neither figure is met.")
    wrong, orphans = len(tally.wrong), len(tally.orphans)
    return [
        Figure("trailer.orphans", orphans, f"in {tally.runs.total()} runs", target="0", met=played and orphans == 0),
        Figure("trailer.wrong_files", wrong, f"in {FAULTY} runs", target="0", met=played and wrong == 0),
    ]
