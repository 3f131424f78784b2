"""The one HTTP client of a process, and how long each kind of call to an Arr may take."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect, between two pieces of the answer, and for all of a call that is not streamed."""

    connect: float
    read: float
    total: float | None

    def as_timeout(self) -> httpx.Timeout:
        """Give what httpx takes; a call never waits for the pool, which has no upper bound."""
        return httpx.Timeout(self.read, connect=self.connect, pool=None)


# Single items are small reads from the Arr's database.
ITEM_PATIENCE = Patience(connect=5, read=15, total=30)
# Radarr and Sonarr compute the whole list before its first byte: minutes on a large library or a slow disk.
LIST_PATIENCE = Patience(connect=5, read=300, total=None)
# Listing root folders makes the Arr read directories, perhaps of disks that sleep.
FOLDERS_PATIENCE = Patience(connect=5, read=60, total=None)
# Saving a Connect entry waits for the Arr's Test of it, which gives up after 100 s.
SAVE_PATIENCE = Patience(connect=5, read=110, total=120)


@dataclass(frozen=True, slots=True)
class ArrPatience:
    """How long to wait for an Arr, by the kind of call."""

    item: Patience = ITEM_PATIENCE
    listing: Patience = LIST_PATIENCE
    folders: Patience = FOLDERS_PATIENCE
    save: Patience = SAVE_PATIENCE


def make_http_client(version: str, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """Make the client; the caller closes it.

    It follows no redirect, keeps no cookie and knows no key. Proxies of the environment are ignored: Arrs are
    neighbours, often under a name that only this network knows, and a proxy in between would read their keys.
    Certificates are checked as `tls` says, else against the system's store (SSL_CERT_FILE and SSL_CERT_DIR hold).
    """
    return httpx.AsyncClient(
        verify=tls or ssl.create_default_context(),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": f"Trailhook/{version}"},
        # Cookies ignore ports: without this Radarr's would be sent to Sonarr on the same host.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        # Callers bound their calls per Arr; a common bound would let one that hangs hold up the others.
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        timeout=ITEM_PATIENCE.as_timeout(),
    )
