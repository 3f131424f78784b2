"""The names of trailers: the one we give, and the ones that media servers take for a trailer.

Plex, Jellyfin, Emby and Kodi all find a movie's trailer beside the movie as `<base name>-trailer.mp4`, and Radarr and
Sonarr ignore it. For a series all but Kodi look into `Trailers/`; a trailer beside the seasons is an orphan in Plex.
"""

from __future__ import annotations

import re
import unicodedata
from os.path import splitext

from app.errors import StorageError
from schemas.base import MediaKind, StorageProblem

TRAILERS_DIR = "Trailers"
_TRAILERS = TRAILERS_DIR.lower()
MOVIE_TRAILER = "movie-trailer.mp4"
WORK_DIR_PREFIX = ".trailhook-"
MAX_NAME_BYTES = 255
VIDEO_EXTENSIONS = frozenset(
    {
        *{".3g2", ".3gp", ".3gpp", ".amv", ".asf", ".avi", ".avs", ".bivx", ".divx", ".dv", ".dvr-ms", ".f4v", ".flv"},
        *{".h264", ".h265", ".hevc", ".img", ".iso", ".m1v", ".m2t", ".m2ts", ".m2v", ".m4v", ".mk3d", ".mkv", ".mov"},
        *{".mp2v", ".mp4", ".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf", ".nrg", ".nsv", ".nuv", ".ogm", ".ogv"},
        *{".ogx", ".qt", ".rec", ".rm", ".rmvb", ".strm", ".svq3", ".tp", ".trp", ".ts", ".ty", ".viv", ".vob", ".vp3"},
        *{".vp9", ".webm", ".wmv", ".wtv", ".xvid"},
    }
)
_SUFFIX = "-trailer.mp4"
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³])(?=\s*\.)", re.IGNORECASE)
_ENDING = re.compile(r"\s?[-._\s]\s?trailer\s?\d*$", re.IGNORECASE)
_BARE = re.compile(r"trailer\d*", re.IGNORECASE)
_EPISODE = re.compile(r"\bs\d{1,4}[ ._-]?e\d{1,4}|\b\d{1,2}x\d{2,3}\b", re.IGNORECASE)


def movie_trailer_name(media_filename: str) -> str:
    """Name the trailer of a movie's file, beside it: the base name stays as it is unless it is too long.

    Raises StorageError(OUTSIDE) unless the name is a plain path below the title's folder.
    """
    if not is_plain_path(media_filename):
        message = "The name of the movie's file leads out of its folder: correct it in Radarr, then refresh the movie."
        raise StorageError(message, StorageProblem.OUTSIDE)
    parent, slash, name = media_filename.rpartition("/")
    return f"{parent}{slash}{_cut(_stem(name))}{_SUFFIX}"


def title_trailer_name(title: str, year: int | None) -> str:
    """Name the trailer of a title that has no file yet; the name is one that every file system takes."""
    return _cut(_plain(title, year)) + _SUFFIX


def series_trailer_name(title: str, year: int | None) -> str:
    """Name the trailer of a series, relative to its folder."""
    return f"{TRAILERS_DIR}/{title_trailer_name(title, year)}"


def is_plain_path(rel_path: str) -> bool:
    """Say whether a path can only lead below its folder, and is a name here: no `..`, no backslash, no NUL.

    A backslash is refused although Linux allows it in a name: a share takes it for a separator.
    """
    if "\\" in rel_path or "\0" in rel_path:
        return False
    try:
        rel_path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return False
    return all(part not in {"", ".", ".."} for part in rel_path.split("/"))


def is_video(name: str) -> bool:
    """Say whether a file is a video or a disc image, by its extension."""
    return splitext(name)[1].lower() in VIDEO_EXTENSIONS  # noqa: PTH122 - pathlib takes longer, and there are many


def same_name(one: str, other: str) -> bool:
    """Compare two names as shares do: neither case nor the way accents are encoded matters."""
    return one == other or _folded(one) == _folded(other)


def is_trailers_dir(name: str) -> bool:
    """Say whether a folder of this name holds trailers only."""
    return _folded(name) == _TRAILERS


def is_trailer(rel_path: str, kind: MediaKind, media_filename: str | None = None, *, shared: bool = False) -> bool:
    """Say whether a media server takes this file of a title's folder for the title's trailer.

    The media file itself never is one, whatever its name, nor is an episode. In a folder that several titles share
    only a name that begins with the media file's own base name counts.
    """
    if not is_video(rel_path) or (media_filename is not None and same_name(rel_path, media_filename)):
        return False
    *folders, name = rel_path.split("/")
    stem = _stem(name)
    if shared:
        return media_filename is not None and _is_named_after(stem, _stem(media_filename.rpartition("/")[2]))
    if kind is MediaKind.SERIES:
        return _is_trailer_of_series(folders, stem)
    return (bool(folders) and is_trailers_dir(folders[-1])) or _ends_as_trailer(stem)


def _is_trailer_of_series(folders: list[str], stem: str) -> bool:
    """Take only the series' own: those in season folders, and those named after an episode, belong to these."""
    if folders:
        return len(folders) == 1 and is_trailers_dir(folders[0])
    return _ends_as_trailer(stem) and not _EPISODE.search(stem)


def _ends_as_trailer(stem: str) -> bool:
    return bool(_BARE.fullmatch(stem) or _ENDING.search(stem))


def _is_named_after(stem: str, media_stem: str) -> bool:
    """Compare with the media file's name as it is, and as it is after cutting."""
    folded = _folded(stem)
    owns = {_folded(media_stem), _folded(_cut(media_stem))}
    return any(folded.startswith(own) and _ENDING.fullmatch(folded[len(own) :]) for own in owns)


def _folded(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    """Drop the extension, as pathlib does."""
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def _plain(title: str, year: int | None) -> str:
    """Turn a title into a name without anything that Windows or a network share refuses."""
    readable = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in title)
    text = unicodedata.normalize("NFC", readable).replace(": ", " - ")
    text = " ".join(_FORBIDDEN.sub(" ", text).split()).strip(" .") or "Untitled"
    if _RESERVED.match(text):
        text = f"_{text}"
    return f"{text} ({year})" if year and not text.endswith(f"({year})") else text


def _cut(stem: str) -> str:
    """Cut at a character border, so that the name with its suffix has at most 255 bytes."""
    room = MAX_NAME_BYTES - len(_SUFFIX)
    raw = stem.encode(errors="surrogateescape")
    if len(raw) <= room:
        return stem
    return raw[:room].decode(errors="ignore").rstrip(" .")
