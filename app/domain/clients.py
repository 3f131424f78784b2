"""Who a request comes from: the address that is believed, and what counts as one client."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"


def is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    """Say whether the address is one of the trusted proxies."""
    known = _parse(address)
    return known is not None and any(known in network for network in proxies)


def client_address(peer: str, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """Give the address that a request comes from; `forwarded_for` is the whole header, nearest hop last.

    Every hop is the word of the one behind it, so that the first one that is no proxy of ours is the last to be
    believed; where one cannot be read, its proxy stands for it.
    """
    believed = peer
    for hop in reversed(forwarded_for.split(",")):
        known = _parse(_without_port(hop.strip()))
        if known is None or not is_trusted(believed, proxies):
            return believed
        believed = str(known)
    return believed


def client_name(address: str) -> str:
    """Give what one client cannot change at will: an IPv4 address, of an IPv6 address its network."""
    known = _parse(address)
    if known is None:
        return UNKNOWN
    return str(ip_network(f"{known}/64", strict=False) if known.version == 6 else known)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (known.ipv4_mapped or known) if isinstance(known, IPv6Address) else known


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
