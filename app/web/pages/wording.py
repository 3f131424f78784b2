"""Times and texts as the pages write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup, escape

_UNITS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"))
MOST_SHOWN = 120
_NOW = timedelta(seconds=5)


def utc(moment: datetime) -> str:
    """Write a moment to the minute."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was."""
    return "just now" if now - moment < _NOW else f"{_length(now - moment)} ago"


def until(moment: datetime, now: datetime) -> str:
    """Say in how long something will be."""
    return "now" if moment <= now else f"in {_length(moment - now)}"


def size(count: float) -> str:
    """Say how much that many bytes are."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def codes(text: str) -> Markup:
    """Escape a text, with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def folded(text: str) -> tuple[str, str]:
    """Split a long text into what is shown at once and the rest: what other programs said stands in brackets."""
    border = text.find(" (", 20)
    return (text, "") if len(text) <= MOST_SHOWN or border < 0 else (text[:border], text[border + 1 :])


def _length(time: timedelta) -> str:
    seconds = time.total_seconds()
    for limit, length, unit in _UNITS:
        if seconds < limit:
            return f"{max(seconds / length, 1):.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
