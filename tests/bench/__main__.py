"""`make bench [ONLY=name]`: measures ratios within one run, prints them and writes build/bench.json."""

from __future__ import annotations

import argparse

from tests.bench import inbox, reconcile, trailer
from tests.bench.figures import publish

BENCHES = {"inbox": inbox.measure, "reconcile": reconcile.measure, "trailer": trailer.measure}


def main() -> None:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="run this one alone")
    only = parser.parse_args().only
    publish([figure for name, measure in BENCHES.items() if only in {None, name} for figure in measure()])


if __name__ == "__main__":
    main()
