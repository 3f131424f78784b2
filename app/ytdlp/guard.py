"""The child's bounds: it leads its own process group, ends it when its worker goes, and may not fill a disk."""

from __future__ import annotations

import os
import resource
import signal
import threading
from typing import NoReturn

_MOST_FILES = 1024
_NICENESS = 5


def lead_own_group() -> None:
    """Make this process the leader of its group, and let both usual signals end it with its helpers."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    os.umask(0o077)
    # A worker started in the background of a shell ignores SIGINT, and so would its child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: end_group())


def end_group() -> NoReturn:
    """Kill this process and its helpers at once: a helper such as ffmpeg would live on otherwise."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def read_line() -> bytes:
    """Read one line from standard input; unbuffered, so that nothing holds a lock on it when the process ends."""
    line = bytearray()
    while not line.endswith(b"\n"):
        more = os.read(0, 1 << 16)
        if not more:
            break
        line += more
    return bytes(line)


def die_with_stdin() -> None:
    """End the group as soon as standard input closes: then the worker has gone, however it went."""

    def watch() -> None:
        while os.read(0, 1 << 16):
            pass
        end_group()

    threading.Thread(target=watch, name="worker-watch", daemon=True).start()


def limit_resources(max_file_bytes: int) -> None:
    """Allow no larger file, no core dump and no masses of open files, and step back for others; helpers as well."""
    _limit(resource.RLIMIT_FSIZE, max_file_bytes)
    _limit(resource.RLIMIT_NOFILE, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)


def _limit(which: int, value: int) -> None:
    _, most = resource.getrlimit(which)
    resource.setrlimit(which, (value if most == resource.RLIM_INFINITY else min(value, most), most))
