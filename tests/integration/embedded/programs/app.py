"""A stand-in for the API or the worker: `app.py NAME BEHAVIOUR SIGN` writes the file SIGN once it is up.

It ends by SIGTERM, unless `stubborn`; `family` has a child in a process group of its own; `crash` and `refuse` end at
once, the latter as one does whose set-up is wrong.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def main(name: str, behaviour: str, sign: str) -> None:
    if behaviour == "refuse":
        sys.stderr.write(f"{name}: the port is taken\n")
        sys.exit(os.EX_CONFIG)
    if behaviour == "crash":
        sys.exit(3)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if behaviour == "family":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
        sys.stdout.write(f'{{"event": "child", "pid": {child.pid}}}\n')
        sys.stdout.flush()
    Path(sign).touch()
    signal.sigwait({signal.SIGTERM} if behaviour != "stubborn" else {signal.SIGUSR1})


if __name__ == "__main__":
    main(*sys.argv[1:])
