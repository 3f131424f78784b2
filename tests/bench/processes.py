"""What processes cost, read from /proc: CPU seconds of a tree of them, and the most memory that one ever held."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _WAITED_SYSTEM = 1, 11, 14  # fields of /proc/PID/stat, counted from behind the name


def cpu_seconds(*roots: int) -> float:
    """Give the CPU time of these processes, of their children, and of children that ended before."""
    ticks, wanted = 0, set(roots)
    for pid in sorted(_pids()):
        fields = _stat(pid)
        if fields and (pid in wanted or int(fields[_PARENT]) in wanted):
            wanted.add(pid)
            ticks += sum(map(int, fields[_USER : _WAITED_SYSTEM + 1]))
    return ticks / _TICKS


def peak_memory(pid: int) -> float:
    """Give the most memory (resident, in MiB) that a process held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return []
