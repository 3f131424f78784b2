"""What is likely wrong with an address: the Arr's own, or ours as the Arr sees it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from schemas.base import ArrType


def likely_addresses(url: str, arr_type: ArrType) -> tuple[str, ...]:
    """Give the addresses on the same host that an app may have instead: below its own name, or without a path."""
    parts = urlsplit(url)
    paths = (f"/{arr_type.value}", "")
    return tuple(urlunsplit((parts.scheme, parts.netloc, path, "", "")) for path in paths if path != parts.path)


def found_elsewhere(url: str, better: str, arr_type: ArrType) -> str:
    """Say under which address the app answers instead."""
    path = urlsplit(better).path
    where = f"answers under {path}" if path else f"answers without {urlsplit(url).path}"
    return f"{arr_type.app_name} {where}: use {better}."


@dataclass(frozen=True, slots=True)
class Ways:
    """Addresses: ours as the Arr is told, what our own paths begin with, where we listen, and the Arr's own."""

    webhook_base: str
    url_base: str
    host: str
    arr_url: str


def webhook_doubt(ways: Ways, arr_type: ArrType, *, in_docker: bool) -> str | None:
    """Say why webhooks of this Arr will not reach us under our address; None where nothing speaks against it.

    `in_docker` is the Arr's own word.
    """
    parts, app = urlsplit(ways.webhook_base), arr_type.app_name
    if in_docker and is_loopback(parts.hostname):
        return _set_public_url(f"{app} runs in Docker, where {parts.hostname} is its own container", app)
    if parts.path.rstrip("/") != ways.url_base:
        return (
            f"TRAILHOOK_PUBLIC_URL ends in {parts.path or '/'} while Trailhook answers under {ways.url_base or '/'}: "
            "set TRAILHOOK_URL_BASE to the same path, unless a proxy in between takes it off."
        )
    return None


def likely_obstacle(ways: Ways, arr_type: ArrType) -> str | None:
    """Say why webhooks that do not reach us probably do not; None where nothing is likely."""
    host, app = urlsplit(ways.webhook_base).hostname, arr_type.app_name
    if is_loopback(host):
        if is_loopback(urlsplit(ways.arr_url).hostname):
            return None
        return _set_public_url(f"{app} runs on another machine, where {host} is that machine itself", app)
    if is_loopback(ways.host):
        return (
            f"Trailhook listens on {ways.host} only, so nobody else reaches {ways.webhook_base}: set "
            "TRAILHOOK_HOST=0.0.0.0 and restart Trailhook, unless a proxy on this machine passes it on."
        )
    return None


def _set_public_url(why: str, app: str) -> str:
    return (
        f"{why}: set TRAILHOOK_PUBLIC_URL to the address under which {app} reaches Trailhook, such as "
        "http://trailhook:7979, and restart Trailhook."
    )


def is_loopback(host: str | None) -> bool:
    """Say whether a host name is this machine to whoever uses it."""
    if host is None or host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
