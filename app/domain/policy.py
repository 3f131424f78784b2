"""The trailer policy: which videos are wanted, per connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from schemas.connection import PolicyOverride
from schemas.policy import ORIGINAL, Prefer, TrailerName
from schemas.settings import Tunables


@dataclass(frozen=True, slots=True)
class Policy:
    """The effective policy of one connection: lengths in seconds, heights in lines, tags by their labels.

    `tag_labels` are the connection's own, by id.
    """

    max_height: int = 1080
    min_height: int = 0
    prefer: Prefer = Prefer.COMPATIBILITY
    min_seconds: int = 20
    max_seconds: int = 600
    languages: tuple[str, ...] = (ORIGINAL, "en")
    need_media_file: bool = True
    only_tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    only_genres: tuple[str, ...] = ()
    search: bool = True
    subtitles: tuple[str, ...] = ()
    loudness: bool = False
    convert: bool = False
    remove_with_title: bool = True
    name: TrailerName = TrailerName.BASENAME
    tag_labels: Mapping[int, str] = field(default_factory=dict)


def default_policy(values: Tunables) -> Policy:
    """Give the policy of connections that choose nothing themselves: the settings named `policy_…`."""
    return Policy(**{name: getattr(values, f"policy_{name}") for name in _names()})


def effective_policy(default: Policy, override: PolicyOverride, tag_labels: Mapping[int, str]) -> Policy:
    """Lay a connection's own choices over the default."""
    return replace(default, **override.model_dump(exclude_none=True), tag_labels=tag_labels)


def exclusion(policy: Policy, tags: Iterable[int], genres: Iterable[str]) -> str | None:
    """Say in a sentence why a title's tags or genres exclude it, None where they do not; case does not matter."""
    labels = {_folded(policy.tag_labels[tag]) for tag in tags if tag in policy.tag_labels}
    if skipped := [word for word in policy.skip_tags if _folded(word) in labels]:
        return f"It has the tag {skipped[0]}."
    if policy.only_tags and not labels & set(map(_folded, policy.only_tags)):
        return f"It has none of the tags {', '.join(policy.only_tags)}."
    if policy.only_genres and not set(map(_folded, genres)) & set(map(_folded, policy.only_genres)):
        return f"It is of none of the genres {', '.join(policy.only_genres)}."
    return None


def contradictions(policy: Policy, override: PolicyOverride) -> dict[str, str]:
    """Name a connection's own choices with which, beside the defaults, no video could be taken."""
    faults: dict[str, str] = {}
    for least, most in (("min_seconds", "max_seconds"), ("min_height", "max_height")):
        low, high = getattr(policy, least), getattr(policy, most)
        if low > high:
            chosen = override.model_dump(exclude_none=True)
            faults |= {name: f"{least} ({low}) is above {most} ({high})" for name in (least, most) if name in chosen}
    return faults


def needs_tags(policy: Policy) -> bool:
    """Say whether the policy asks for tags at all."""
    return bool(policy.only_tags or policy.skip_tags)


def _names() -> list[str]:
    return [one.name for one in fields(Policy) if one.name != "tag_labels"]


def _folded(word: str) -> str:
    return word.strip().casefold()
