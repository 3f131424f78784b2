"""Choose the account of an embedded server when we are root: Postgres refuses to run as root, Valkey need not."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from app.embedded.launch import CAP_DAC_READ_SEARCH
from app.errors import EmbeddedError

_ACCOUNTS = ("trailhook", "nobody")  # the first that exists; `nobody` is there on every system but shared with others


@dataclass(frozen=True)
class Account:
    """An unprivileged account; `search` lets it pass directories that are closed to it, never write there."""

    name: str
    uid: int
    gid: int
    search: bool = False

    def for_launch(self) -> str:
        """Write it as `launch` reads it."""
        return f"{self.uid}:{self.gid}:search" if self.search else f"{self.uid}:{self.gid}"


def choose_account(owned: Iterable[Path], reached: Iterable[Path]) -> Account | None:
    """Give the account that a server runs as, None where we are no root and it runs as we do.

    It is the owner of the first path in `owned` that exists and is not root's, else a system account. Where it cannot
    reach every path in `reached` by its own rights it gets `search`. Raises EmbeddedError where that is not to be had.
    """
    if os.geteuid() != 0:
        return None
    account = _owner(owned) or _system_account()
    closed = [path for path in reached if not reachable(path, account)]
    if not closed:
        return account
    if not _has_capability(CAP_DAC_READ_SEARCH):
        message = (
            f"The embedded servers must not run as root, and user {account.name} cannot reach {closed[0]}: start "
            "Trailhook as an ordinary user, or move it and its data to directories that others may enter."
        )
        raise EmbeddedError(message)
    return replace(account, search=True)


def reachable(path: Path, account: Account) -> bool:
    """Say whether the account, by ownership and mode alone, may pass every directory down to `path`."""
    for directory in (path, *path.parents):
        try:
            status = directory.stat()
        except FileNotFoundError:
            continue
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        if not status.st_mode >> shift & 1:
            return False
    return True


def _owner(paths: Iterable[Path]) -> Account | None:
    for path in paths:
        try:
            entry = pwd.getpwuid(path.stat().st_uid)
        except (FileNotFoundError, KeyError):  # initdb insists on a passwd entry
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return None


def _system_account() -> Account:
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    message = "The embedded servers must not run as root: start Trailhook as an ordinary user."
    raise EmbeddedError(message)


def _has_capability(number: int) -> bool:
    """Say whether a child of ours can hold the capability (the bounding set, proc(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False
