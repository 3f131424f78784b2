"""Become another program: give up root, bind this process's life to its parent's, then exec.

Run as `python -I -S launch.py PARENT_PID DEATH_SIGNAL ACCOUNT PROGRAM ARGUMENT...` where ACCOUNT is `-` (stay who
we are), `UID:GID` or `UID:GID:search`. A program of its own rather than a preexec_fn, because Python code between
fork and exec can deadlock in a parent that has threads. It imports the standard library only: there is no sys.path
beyond that.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
CANNOT_START = 71  # EX_OSERR


class _CapabilitySets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def prctl(option: int, argument: int, argument2: int = 0) -> None:
    """Set an attribute of the calling thread; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(*(ctypes.c_ulong(value) for value in (option, argument, argument2, 0, 0))) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _keep_only(capabilities: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (_CapabilitySets * 2)(_CapabilitySets(capabilities, capabilities, capabilities), _CapabilitySets(0, 0, 0))
    if libc.capset(header, sets) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def become(uid: int, gid: int, *, search: bool) -> None:
    """Give up root for good; with `search` keep the right to pass and read any directory, but not to write."""
    if search:
        # Without it access(2), by which Postgres looks at its own binary, ignores the capabilities of a non-root uid.
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _keep_only(1 << CAP_DAC_READ_SEARCH if search else 0)
    if search:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent ends; call after `become`, which clears the request."""
    prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before the request was made
        os._exit(CANNOT_START)


def main(arguments: list[str]) -> None:
    """Do what the module says; on a failure say it in one line and end with CANNOT_START."""
    parent, death_signal, account, *argv = arguments
    try:
        if account != "-":
            uid, gid, *flags = account.split(":")
            become(int(uid), int(gid), search="search" in flags)
        die_with(int(parent), int(death_signal))
        os.execv(argv[0], argv)  # noqa: S606 - a list that our own parent built
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
        os._exit(CANNOT_START)


if __name__ == "__main__":
    main(sys.argv[1:])
