"""What is likely wrong with an address: the Arr's own, or ours as the Arr sees it."""

from __future__ import annotations

import ipaddress
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


def webhook_doubt(webhook_base: str, url_base: str, arr_type: ArrType, *, in_docker: bool) -> str | None:
    """Say why webhooks of this Arr will probably not reach us under our address; None where nothing speaks against it.

    `url_base` is what our own paths begin with, `in_docker` is the Arr's own word.
    """
    parts, app = urlsplit(webhook_base), arr_type.app_name
    if in_docker and is_loopback(parts.hostname):
        return (
            f"{app} runs in Docker, where {parts.hostname} is its own container: set TRAILHOOK_PUBLIC_URL to the "
            f"address under which {app} reaches Trailhook, such as http://trailhook:7979, and restart Trailhook."
        )
    if parts.path.rstrip("/") != url_base:
        return (
            f"TRAILHOOK_PUBLIC_URL ends in {parts.path or '/'} while Trailhook answers under {url_base or '/'}: set "
            "TRAILHOOK_URL_BASE to the same path, unless a proxy in between takes it off."
        )
    return None


def is_loopback(host: str | None) -> bool:
    """Say whether a host name is this machine to whoever uses it."""
    if host is None or host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
