"""Keys kept in DATA_DIR: made on first use, readable by their owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from app.errors import SetupError

API_KEY_FILE = "api-key"
SECRET_KEY_FILE = "secret-key"  # noqa: S105 - a file's name


def make_data_dir(path: Path) -> None:
    """Make the data directory, closed to others; one that exists keeps its permissions. Raises SetupError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The data directory {path} cannot be made ({error.strerror}): set TRAILHOOK_DATA_DIR to one you own."
        raise SetupError(message) from error


def read_key(path: Path) -> SecretStr | None:
    """Read a key; None where there is no such file. Raises SetupError where it cannot be read or is empty."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"The key file {path} cannot be read; run this as the user that Trailhook runs as."
        raise SetupError(message) from error
    if not text:
        message = f"The key file {path} is empty: remove it to have a new key made, or put the old one back."
        raise SetupError(message)
    return SecretStr(text)


def read_or_make_key(path: Path, make: Callable[[], str]) -> SecretStr:
    """Read a key, or make and keep one; of two processes at once the first one's key counts. Raises SetupError."""
    present = read_key(path)
    if present is not None:
        return present
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        message = f"The key file {path} cannot be written ({error.strerror}): check the disk and the directory's owner."
        raise SetupError(message) from error
    return read_or_make_key(path, make)
