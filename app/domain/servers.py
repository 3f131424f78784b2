"""Media servers: where they see a title's folder, and which of their items the title is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.records import Media
from schemas.base import MediaKind
from schemas.connection import PathMapping
from schemas.server import ServerKind

MOST_BY_ID = 5
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True, slots=True)
class MediaServerRecord:
    """One media server; `token` is encrypted."""

    id: int
    name: str
    kind: ServerKind
    url: str
    token: str
    path_mappings: tuple[PathMapping, ...]
    enabled: bool
    ca_file: str | None
    verify_tls: bool
    last_ok_at: datetime | None
    last_error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ServerTitle:
    """A title as a media server may know it; `folder` is the path that it sees, `ids` are as `tmdb:45745`."""

    kind: MediaKind
    folder: str
    year: int | None
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServerItem:
    """An item of a media server: its key there, the paths of its files or folder, its ids elsewhere."""

    key: str
    paths: tuple[str, ...]
    ids: frozenset[str]


def server_title(title: Media, folder: str, mappings: Sequence[PathMapping]) -> ServerTitle:
    """Describe a title to a server that sees folders by these mappings."""
    known = {"tmdb": title.tmdb_id, "tvdb": title.tvdb_id, "imdb": title.imdb_id}
    ids = frozenset(f"{name}:{value}" for name, value in known.items() if value)
    return ServerTitle(title.kind, to_theirs(folder, mappings), title.year, ids)


def to_theirs(local: str, mappings: Sequence[PathMapping]) -> str:
    """Give a path of this machine as the other side sees it: by the longest mapping that fits, else the same."""
    fitting = [mapping for mapping in mappings if is_below(local, mapping.path_to)]
    if not fitting:
        return local
    mapping = max(fitting, key=lambda one: len(one.path_to.rstrip("/")))
    rest = [part for part in local[len(mapping.path_to.rstrip("/")) :].split("/") if part]
    separator = "\\" if "\\" in mapping.path_from else "/"
    return separator.join([mapping.path_from.rstrip("/\\"), *rest])


def is_below(path: str, folder: str) -> bool:
    """Say whether a path is a folder or lies in it, on segment borders; Windows ignores case and knows both slashes."""
    inner, outer = _parts(path), _parts(folder)
    return inner[: len(outer)] == outer


def pick_items(title: ServerTitle, items: Sequence[ServerItem]) -> list[str]:
    """Give the keys of the items that are the title, none where that is not sure.

    In a folder that holds several titles the ids decide; an item elsewhere counts by its ids alone, as where the
    server sees the folder under another path.
    """
    here = [item for item in items if any(is_below(path, title.folder) for path in item.paths)]
    known = [item for item in items if item.ids & title.ids]
    both = [item for item in here if item in known]
    picked = both or (here if len(here) == 1 else []) or known[:MOST_BY_ID]
    return [item.key for item in picked]


def not_found(name: str, title: ServerTitle) -> str:
    """Say what to do where a server has no library with the title's folder."""
    return f"{name} has no library with {title.folder}: correct its path mappings, or add the folder there."


def _parts(path: str) -> list[str]:
    windows = _WINDOWS.match(path) is not None
    parts = re.split(r"[\\/]", path.casefold()) if windows else path.split("/")
    return [part for part in parts if part]
