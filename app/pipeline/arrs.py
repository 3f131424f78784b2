"""A connection's Arr: what asks it, and the address under which it reaches us."""

from __future__ import annotations

from app.context import ArrManagerProtocol, ArrTarget, Deps
from app.domain.records import Connection
from schemas.base import ArrType


def manager_for(deps: Deps, target: ArrTarget) -> ArrManagerProtocol:
    """Give what asks this Arr."""
    return deps.arr.radarr(target) if target.arr_type is ArrType.RADARR else deps.arr.sonarr(target)


def target_of(connection: Connection, deps: Deps) -> ArrTarget:
    """Give the address and the decrypted key of a connection's Arr. Raises WrongSecretKey."""
    api_key = deps.vault.decrypt(connection.api_key)
    return ArrTarget(connection.arr_type, connection.url, api_key, connection.ca_file, connection.verify_tls)


def webhook_url(deps: Deps, slug: str) -> str:
    """Give the address that an Arr sends this connection's webhooks to."""
    return f"{deps.settings.webhook_base_url}/webhooks/{slug}"
