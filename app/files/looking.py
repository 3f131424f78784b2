"""Look at a title's folder: is it there, does it show the title's own media, and which trailers are in it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from app.domain.disk import DiskLook, DiskQuestion, FolderState, MarkedLook
from app.domain.naming import is_plain_path, is_trailer, is_trailers_dir, is_video, same_name
from app.files.marks import TRUST_AFTER, Marker, Roots, is_shown, mark_of_absence
from schemas.base import MediaKind

MOST_ENTRIES = 2000


def look(question: DiskQuestion) -> DiskLook:
    """Answer from the disk; any error that leaves a doubt makes the answer UNREACHABLE."""
    return look_and_mark(question).look


def look_and_mark(question: DiskQuestion, trust_after: float = TRUST_AFTER, roots: Roots | None = None) -> MarkedLook:
    """Answer from the disk, and mark the directories that gave the answer."""
    marker = Marker(trust_after)
    try:
        found = _look(question, marker, roots or Roots())
    except (OSError, UnicodeEncodeError):
        return MarkedLook(DiskLook(FolderState.UNREACHABLE))
    if found.state is not FolderState.PRESENT:
        return MarkedLook(found, mark_of_absence(found.state))
    return MarkedLook(found, marker.mark())


def look_for_media(folder: str) -> DiskLook:
    """Say whether a video that is no trailer is anywhere below; a folder too full to look through counts as one."""
    try:
        _list(folder, "")
    except (FileNotFoundError, NotADirectoryError):
        return DiskLook(Roots().state_without_folder(folder.rpartition("/")[0]))
    except OSError:
        return DiskLook(FolderState.UNREACHABLE)
    waiting, seen = deque([""]), 0
    while waiting:
        try:
            entries = _list(folder, waiting.popleft())
        except OSError:
            return DiskLook(FolderState.PRESENT, media_seen=True)
        seen += len(entries)
        if seen > MOST_ENTRIES or any(_is_other_video(entry) for entry in entries):
            return DiskLook(FolderState.PRESENT, media_seen=True)
        waiting += [entry.rel_path for entry in entries if entry.found.is_dir(follow_symlinks=False)]
    return DiskLook(FolderState.PRESENT)


def _is_other_video(entry: _Entry) -> bool:
    return is_video(entry.found.name) and not is_trailer(entry.rel_path, MediaKind.MOVIE)


def _look(question: DiskQuestion, marker: Marker, roots: Roots) -> DiskLook:
    try:
        top = _list_marked(question.folder, "", marker)
    except (FileNotFoundError, NotADirectoryError):
        return DiskLook(roots.state_without_folder(question.root))
    media = _own_file(question)
    entries = list(_where_trailers_may_be(question.folder, top, {media or "", *question.own}, marker))
    trailers = sorted(
        entry.rel_path for entry in entries if _counts(entry.rel_path, question, media) and entry.is_file()
    )
    media_seen = _is_media_seen(question, media, entries)
    searched_below = question.kind is MediaKind.SERIES and not trailers and not media_seen
    if searched_below or any(entry.found.is_symlink() for entry in entries):
        marker.spoil()
    return DiskLook(FolderState.PRESENT, tuple(trailers), media_seen)


def _counts(rel_path: str, question: DiskQuestion, media: str | None) -> bool:
    return rel_path in question.own or is_trailer(rel_path, question.kind, media, shared=question.shared)


class _Entry(NamedTuple):
    rel_path: str
    found: os.DirEntry[str]

    def is_file(self) -> bool:
        return self.found.is_file()

    def is_dir(self) -> bool:
        return self.found.is_dir()


def _list(folder: str, rel_dir: str) -> list[_Entry]:
    with os.scandir(f"{folder}/{rel_dir}" if rel_dir else folder) as found:
        return [_Entry(f"{rel_dir}/{entry.name}" if rel_dir else entry.name, entry) for entry in found]


def _list_marked(folder: str, rel_dir: str, marker: Marker) -> list[_Entry]:
    """Take the times first: a change while it is listed then shows."""
    marker.take(f"{folder}/{rel_dir}" if rel_dir else folder, rel_dir)
    return _list(folder, rel_dir)


def _own_file(question: DiskQuestion) -> str | None:
    name = question.media_filename
    return name if name is not None and is_plain_path(name) else None


def _where_trailers_may_be(folder: str, top: list[_Entry], named: Collection[str], marker: Marker) -> Iterator[_Entry]:
    """Give the entries of the folder, of the sub-folders of the files that are named, and of `Trailers` in all."""
    places = [top]
    parents = {name.rpartition("/")[0] for name in named if "/" in name}
    for sub_folder in sorted(one for one in parents if not is_trailers_dir(one.rpartition("/")[2])):
        try:
            places.append(_list_marked(folder, sub_folder, marker))
        except (FileNotFoundError, NotADirectoryError):
            marker.spoil()
    for place in places:
        yield from place
        for entry in place:
            if is_trailers_dir(entry.found.name) and entry.is_dir():
                yield from _list_marked(folder, entry.rel_path, marker)


def _is_media_seen(question: DiskQuestion, media: str | None, entries: list[_Entry]) -> bool:
    if question.kind is MediaKind.SERIES:
        return _has_video(question.folder)
    if question.media_filename is None:
        return True
    return media is not None and any(same_name(entry.rel_path, media) and entry.is_file() for entry in entries)


def _has_video(folder: str) -> bool:
    """Look for an episode below a series' folder, near ones first, and give up in a folder full of other things."""
    waiting, seen = deque([""]), 0
    while waiting and seen < MOST_ENTRIES:
        # A sub-folder may go while we look, and some are not for us, such as a NAS's own.
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for entry in _list(folder, waiting.popleft()):
                seen += 1
                if _is_episode(entry):
                    return True
                if _may_hold_episodes(entry):
                    waiting.append(entry.rel_path)
    return False


def _is_episode(entry: _Entry) -> bool:
    name = entry.found.name
    return is_shown(name) and is_video(name) and not is_trailer(name, MediaKind.SERIES) and entry.is_file()


def _may_hold_episodes(entry: _Entry) -> bool:
    name = entry.found.name
    return is_shown(name) and not is_trailers_dir(name) and entry.is_dir()
