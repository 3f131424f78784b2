"""Who an Arr is in a sentence, and what no sentence about it may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import quote

from pydantic import SecretStr

from app.context import ArrTarget
from schemas.text import clean

WORDS_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """The Arr that a sentence is about, and the secrets that no sentence may hold."""

    app: str
    url: str
    _secrets: tuple[SecretStr, ...] = field(repr=False)

    @classmethod
    def of(cls, target: ArrTarget) -> Self:
        """Describe a target; user name and password in its address are left out."""
        return cls(target.arr_type.app_name, _plain_url(target.url), (target.api_key,))

    def __str__(self) -> str:
        """Name the app and its address."""
        return f"{self.app} at {self.url}"

    def hiding(self, *secrets: SecretStr) -> Peer:
        """Give the same peer with more secrets to keep out."""
        return replace(self, _secrets=(*self._secrets, *secrets))

    def scrub(self, text: str) -> str:
        """Replace each secret, as it is and percent-encoded."""
        for secret in self._secrets:
            plain = secret.get_secret_value()
            for form in {plain, quote(plain, safe="")} - {""}:
                text = text.replace(form, "***")
        return text

    def quote(self, text: str, length: int = WORDS_LENGTH) -> str:
        """Make somebody else's words fit for a sentence: the first line, without secrets, cut."""
        lines = self.scrub(clean(text)).strip().splitlines()
        return cut(lines[0].strip() if lines else "", length)

    def cause(self, error: BaseException) -> BaseException | None:
        """Give the error for chaining, or None where its own text holds a secret."""
        chain = [str(each) + repr(each) for each in causes(error)]
        return error if all(self.scrub(text) == text for text in chain) else None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk an error, its causes and the members of groups among them."""
    seen: set[int] = set()
    queue = [error]
    while queue:
        each = queue.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        queue += [each.__cause__, each.__context__]
        queue += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def cut(text: str, length: int) -> str:
    """Shorten a text to at most this many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _plain_url(url: str) -> str:
    return re.sub(r"//[^/]*@", "//", url, count=1)
