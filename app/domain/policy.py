"""The trailer policy: which videos are wanted, per connection."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from schemas.connection import PolicyOverride
from schemas.settings import Tunables


@dataclass(frozen=True, slots=True)
class Policy:
    """The effective policy of one connection: lengths in seconds, height in lines."""

    max_height: int = 1080
    min_seconds: int = 20
    max_seconds: int = 600
    need_media_file: bool = True
    search: bool = True


def default_policy(values: Tunables) -> Policy:
    """Give the policy of connections that choose nothing themselves: the settings named `policy_…`."""
    return Policy(**{field.name: getattr(values, f"policy_{field.name}") for field in fields(Policy)})


def effective_policy(default: Policy, override: PolicyOverride) -> Policy:
    """Lay a connection's own choices over the default."""
    return replace(default, **override.model_dump(exclude_none=True))
