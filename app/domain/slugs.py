"""The short name of a connection in webhook addresses."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping

MAX_LENGTH = 40


def slug_of(name: str, fallback: str) -> str:
    """Make a lower-case ASCII slug of a name; names without a usable character give the fallback."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].strip("-") or fallback


def free_slug(name: str, fallback: str, taken: Mapping[str, str]) -> str | None:
    """Give a new connection's slug; `taken` are the names of the others by slug.

    None where another name differs too little to tell the two apart. A name without a usable character, or one that
    another connection had before it was renamed, gets a number.
    """
    slug = slug_of(name, fallback)
    if slug in taken and slug_of(name, "") == slug == slug_of(taken[slug], ""):
        return None
    numbered = (f"{slug}-{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([slug], numbered) if one not in taken)
