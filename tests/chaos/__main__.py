"""The long chaos test: `python -m tests.chaos [--seed N] [--seconds 60] [--seeds 5]`; exits 1 on any violation."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.plan import LONG, SHORT, make_plan
from tests.chaos.run import run


def main() -> int:
    """Run seed after seed; the directory of one that failed is kept and named."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the first seed; none: any")
    parser.add_argument("--seconds", type=float, default=LONG.seconds)
    parser.add_argument("--seeds", type=int, default=5, help="how many runs, each with the next seed")
    parser.add_argument("--keep", action="store_true", help="keep the logs of runs that went well, too")
    given = parser.parse_args()
    first = random.randrange(1_000_000) if given.seed is None else given.seed
    size = replace(LONG if given.seconds > 2 * SHORT.seconds else SHORT, seconds=given.seconds)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of the simulators, whose faults are meant
    failed = False
    for seed in range(first, first + given.seeds):
        place = Path(tempfile.mkdtemp(prefix=f"trailhook-chaos-{seed}-"))
        try:
            report = run(make_plan(seed, size), place)
        except BaseException:
            _say(f"seed {seed} was broken off; logs: {place / 'logs'}")
            raise
        _say(str(report))
        if report.verdict.complaints:
            failed = True
            again = f"make chaos SEED={seed} SECONDS={given.seconds:g} SEEDS=1"
            _say(*(f"  {complaint}" for complaint in report.verdict.complaints))
            _say(f"  logs: {place / 'logs'}; again: {again}")
        elif not given.keep:
            shutil.rmtree(place, ignore_errors=True)
    return 1 if failed else 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
