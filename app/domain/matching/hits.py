"""What can be read from one search hit, before anything is decided about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.domain.matching.channel import Channel, judge_channel, names_of
from app.domain.matching.seasons import Told, told_by
from app.domain.matching.signs import Sign, sign_in
from app.domain.matching.title_match import Carried, best_place, is_year
from app.domain.matching.vocabulary import LANGUAGES, NETWORKS, OFFICIAL, STREAMERS, TEASERS, TRAILERS
from app.domain.matching.wanted import Variant, Wanted
from app.domain.matching.words import words_of
from app.domain.videos import SearchHit

_RE_RELEASE = re.compile(
    r"(?<!\w)(?:anniversary|aniversario|\w*restaur\w*|restor\w*"
    r"|remaster\w*|rerelease|re release|reissue|修復版|修复版|реставр\w*)(?!\w)"
)
_AS_IT_WAS = re.compile(r"(?<!\w)(?:original|originale|originaler|classic|vintage|retro|theatrical|vhs)(?!\w)")
_FIRST = re.compile(r"(?<!\w)(?:first|the) (?:official )?(?:teaser )?trailer(?!\w)")
# A channel may write its own name into the title; its words are no signs.
_OWN_PRAISE = re.compile(
    r"(?:paramount|lionsgate|disney|sony|mgm|universal) movies"
    r"|movieclips(?: \w+)? trailers|(?:rotten tomatoes|fresh movie) trailers|criterion collection|apple tv|comic con"
)


@dataclass(frozen=True, slots=True)
class Read:
    """One hit, read; `carried` is None where its title does not hold the wanted one."""

    hit: SearchHit
    channel: Channel
    carried: Carried | None
    years: frozenset[int]
    sign: Sign | None
    told: Told
    teaser: bool
    trailer: bool
    official: bool
    languages: frozenset[str]
    rerelease: bool
    as_it_was: bool
    first: bool
    streamed: bool
    broadcast: bool


def read_hit(wanted: Wanted, variants: Sequence[Variant], hit: SearchHit) -> Read:
    """Take a hit apart."""
    channel = judge_channel(hit.channel, wanted.studio)
    words = words_of(hit.title)
    carried = best_place(words, variants, channel.names | names_of(wanted.studio))
    beside = carried.beside if carried else words
    texts = [word.text for word in beside]
    raw = {word.raw for word in beside}
    pairs = raw | {first + second for first, second in pairwise(texts)}
    text = _OWN_PRAISE.sub(" ", carried.text if carried else " ".join(texts))
    marks = raw & (TRAILERS | TEASERS)
    return Read(
        hit=hit,
        channel=channel,
        carried=carried,
        years=frozenset(int(word.text) for word in beside if is_year(word.text)),
        sign=sign_in(text, versus=any("v" in variant.words[1:-1] for variant in variants)),
        told=told_by(text),
        teaser=bool(marks & TEASERS),
        trailer=bool(marks),
        official=bool(raw & OFFICIAL),
        languages=frozenset(LANGUAGES[word] for word in raw if word in LANGUAGES),
        rerelease=_RE_RELEASE.search(text) is not None,
        as_it_was=_AS_IT_WAS.search(text) is not None,
        first=_FIRST.search(text) is not None,
        streamed=bool((pairs | channel.names) & STREAMERS),
        broadcast=bool((pairs | channel.names) & NETWORKS),
    )
