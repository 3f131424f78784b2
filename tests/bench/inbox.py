"""`make bench ONLY=inbox`: what a durable webhook costs beside an empty route, and how soon its item is synced."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import receiving, syncing
from tests.bench.figures import Figure
from tests.bench.service import running_service


def measure() -> list[Figure]:
    """Measure the receiving side alone, then with two workers."""
    with (
        tempfile.TemporaryDirectory(prefix="trailhook-bench-") as receiving_place,
        running_service(Path(receiving_place)) as service,
    ):
        figures = receiving.measure(service, Path(receiving_place))
    with (
        tempfile.TemporaryDirectory(prefix="trailhook-bench-") as syncing_place,
        running_service(Path(syncing_place)) as service,
    ):
        return [*figures, *syncing.measure(service, Path(syncing_place))]
