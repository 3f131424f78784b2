"""Find an ffmpeg, and give it a directory in which it is called `ffmpeg`.

yt-dlp recognises it by that name, and the one of imageio-ffmpeg is called after its version.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
from pathlib import Path

from app.errors import EmbeddedError


def find_ffmpeg(configured: Path | None) -> Path:
    """Give the configured ffmpeg, else the one on PATH, else the one that imageio-ffmpeg brings.

    Raises EmbeddedError where there is none, or the configured one is not a program.
    """
    if configured is not None:
        if not _is_program(configured):
            message = f"{configured} is not a program that can be run: correct TRAILHOOK_FFMPEG."
            raise EmbeddedError(message)
        return configured.absolute()
    if on_path := shutil.which("ffmpeg"):
        return Path(on_path).absolute()
    if bundled := _bundled():
        return bundled
    message = "There is no ffmpeg: install it, or trailhook[embedded], or set TRAILHOOK_FFMPEG to its path."
    raise EmbeddedError(message)


def link_directory(ffmpeg: Path, data_dir: Path) -> Path:
    """Give `data_dir/bin`, whose `ffmpeg` is a link to that program; several processes may call it at once.

    Raises EmbeddedError where it cannot be written.
    """
    directory = data_dir.absolute() / "bin"
    link = directory / "ffmpeg"
    if ffmpeg.parent == directory:  # found by way of a PATH that has the directory already
        return directory
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o755, exist_ok=True)
        if not (link.is_symlink() and link.readlink() == ffmpeg):
            temporary = link.with_name(f".ffmpeg.{secrets.token_hex(4)}")
            temporary.symlink_to(ffmpeg)
            temporary.replace(link)
    except OSError as error:
        message = f"Cannot link ffmpeg in {directory} ({error.strerror}): make that directory writable."
        raise EmbeddedError(message) from error
    return directory


def _bundled() -> Path | None:
    """Look among the package's files without running its code, which would search and start programs."""
    found = importlib.util.find_spec("imageio_ffmpeg")
    if found is None or not found.submodule_search_locations:
        return None
    binaries = Path(next(iter(found.submodule_search_locations))).resolve() / "binaries"
    return next((each for each in sorted(binaries.glob("ffmpeg-*")) if _is_program(each)), None)


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
