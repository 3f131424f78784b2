"""Find a directory for a server's Unix socket: beside its data where the path fits, else a private one elsewhere.

A path fits when the kernel takes it and when no driver's URL has to escape it. `run` in the server's directory is
either the socket directory or a link to it, so that every process finds the socket by the data directory alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from app.embedded.files import Owner, make_directory
from app.errors import EmbeddedError

_LONGEST = 107  # bytes: sun_path without its final NUL, unix(7)
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
_PLACE = "run"


def socket_directory(root: Path) -> Path:
    """Say where the sockets of the server in `root` are, or will be if it has never run."""
    place = root / _PLACE
    return place.readlink() if place.is_symlink() else place


def make_socket_directory(root: Path, socket_name: str, owner: Owner | None) -> Path:
    """Make sure that the socket directory exists, is private, and gives room for `socket_name`.

    Raises EmbeddedError where no directory is short enough, or somebody else has taken ours.
    """
    place = root / _PLACE
    if _fits(place / socket_name):
        if place.is_symlink():
            place.unlink()
        make_directory(place, 0o700, owner)
        return place
    elsewhere = _elsewhere(root, socket_name, open_to_others=owner is not None)
    make_directory(elsewhere, 0o700, owner)
    _link(place, elsewhere)
    return elsewhere


def socket_base(root: Path, socket_name: str) -> Path:
    """Give the existing directory under which the socket directory is or will be."""
    return root if _fits(root / _PLACE / socket_name) else _bases()[-1]


def _fits(socket: Path) -> bool:
    text = os.fsencode(socket)
    return len(text) <= _LONGEST and _PLAIN.fullmatch(os.fsdecode(text)) is not None


def _bases() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # Root's runtime directory is closed to the account that the server runs as.
    wanted = [Path(runtime)] if runtime and os.geteuid() != 0 else []
    return [*wanted, Path(tempfile.gettempdir()).resolve()]


def _elsewhere(root: Path, socket_name: str, *, open_to_others: bool) -> Path:
    tag = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    for base in _bases():
        private = base / f"trailhook-{os.geteuid()}-{tag}"
        if not base.is_dir() or not _fits(private / _PLACE / socket_name):
            continue
        make_directory(private, 0o711 if open_to_others else 0o700, Owner(os.geteuid(), os.getegid()))
        _insist_on_ours(private)
        return private / _PLACE
    message = f"The path of {root} is too long for a Unix socket: set TMPDIR to a short directory."
    raise EmbeddedError(message)


def _insist_on_ours(private: Path) -> None:
    """Refuse a directory that another account made first, or that others may write to."""
    status = private.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{private} was not made by this account: remove it, or set TMPDIR to another directory."
        raise EmbeddedError(message)


def _link(place: Path, target: Path) -> None:
    temporary = place.with_name(f".{place.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)  # nothing but sockets, from when the path was shorter
    temporary.replace(place)
