"""The cookies of one job, in the child: read from the user's file, kept in memory, never written anywhere."""

from __future__ import annotations

from pathlib import Path

_HEADER = "# Netscape HTTP Cookie File\n"
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
_MOST_BYTES = 4 << 20


class CookiesUnreadable(Exception):
    """The cookies file cannot be read."""


class CookiesUseless(Exception):
    """The cookies file has no cookies in it: it is empty, or something else such as HTML or JSON."""


def read_cookies(source: str) -> str:
    """Give the file's cookies as yt-dlp reads them.

    Lines that are no cookies are left out: yt-dlp would print some of them, and refuse all for others. Raises
    CookiesUnreadable, CookiesUseless.
    """
    try:
        with Path(source).open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise CookiesUnreadable(error.strerror or type(error).__name__) from None
    cookies = [cookie for cookie in map(_cookie_in, text.splitlines()) if cookie is not None]
    if not cookies:
        message = "it is empty" if not text.strip() else "none of its lines is a cookie"
        raise CookiesUseless(message)
    return _HEADER + "\n".join(cookies) + "\n"


def _cookie_in(line: str) -> str | None:
    if line.startswith("#") and not line.startswith(_HTTP_ONLY):
        return None
    fields = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS or (fields[4] and not fields[4].replace(".", "", 1).isdecimal()):
        return None
    fields[1] = str(fields[0].startswith(".")).upper()
    return "\t".join(fields)
