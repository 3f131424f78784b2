"""Whether bytes are one JSON object (RFC 8259) at any depth: for bodies that the fast parsers refuse."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,) | (?P<colon>:)
      | (?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
      | (?P<scalar>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)? | true | false | null)
    )""",
    re.VERBOSE | re.ASCII,
)
_OPENED = {"{": "first key", "[": "first value"}
_CLOSER = {"{": "}", "[": "]"}
_NEXT = {"{": "key", "[": "value"}
_VALUES = {"value", "first value"}
_CLOSABLE = {"first key": "}", "first value": "]"}


def is_object(body: bytes) -> bool:
    """Walk the text once with a stack of brackets, so that depth costs memory and never the interpreter's stack."""
    try:
        text = body.decode("utf-8").rstrip(" \t\n\r")
    except UnicodeDecodeError:
        return False
    brackets: list[str] = []
    expected: str | None = "value"
    position = 0
    while expected is not None and (match := _TOKEN.match(text, position)):
        kind = str(match.lastgroup)
        expected = _after(kind, match[kind], expected, brackets)
        position = match.end()
        if not brackets:
            return expected == "comma" and position == len(text) and kind == "close" and match[kind] == "}"
    return False


def _after(kind: str, text: str, expected: str, brackets: list[str]) -> str | None:
    """Give what must come next, None where this token may not stand here; keeps the stack of open brackets."""
    if kind == "open" and expected in _VALUES:
        brackets.append(text)
        return _OPENED[text]
    if kind == "close" and brackets and (expected == "comma" or _CLOSABLE.get(expected) == text):
        return "comma" if _CLOSER[brackets.pop()] == text else None
    if kind == "string" and expected in {"key", "first key"}:
        return "colon"
    if kind in {"string", "scalar"} and expected in _VALUES:
        return "comma"
    if kind == "colon" and expected == "colon":
        return "value"
    if kind == "comma" and expected == "comma":
        return _NEXT[brackets[-1]]
    return None
