"""The short name of a connection in webhook addresses."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 40


def slug_of(name: str, fallback: str) -> str:
    """Make a lower-case ASCII slug of a name; names without a usable character give the fallback."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].strip("-") or fallback
