"""The HTTP clients of a process, one for each way to check certificates, and how long a call to an Arr may take."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect, between two pieces of the answer, and for all of a call; None: no limit."""

    connect: float
    read: float
    total: float | None

    def as_timeout(self) -> httpx.Timeout:
        """Give what httpx takes; a call never waits for the pool, which has no upper bound."""
        return httpx.Timeout(self.read, connect=self.connect, pool=None)


# Single items are small reads from the Arr's database.
ITEM_PATIENCE = Patience(connect=5, read=15, total=30)
# Radarr and Sonarr compute the whole list before its first byte: minutes on a large library or a slow disk. However
# long it is, it may go on arriving.
LIST_PATIENCE = Patience(connect=5, read=300, total=None)
# Listing root folders makes the Arr read directories, perhaps of disks that sleep.
FOLDERS_PATIENCE = Patience(connect=5, read=60, total=60)
# Saving a Connect entry waits for the Arr's Test of it, which gives up after 100 s.
SAVE_PATIENCE = Patience(connect=5, read=110, total=120)
# Seconds before a read is sent again that met no answer or a 503: over a restart of the connection, not of the Arr.
RETRY_AFTER = (0.3, 1.0)


@dataclass(frozen=True, slots=True)
class ArrPatience:
    """How long to wait for an Arr, by the kind of call."""

    item: Patience = ITEM_PATIENCE
    listing: Patience = LIST_PATIENCE
    folders: Patience = FOLDERS_PATIENCE
    save: Patience = SAVE_PATIENCE
    retry_after: tuple[float, ...] = RETRY_AFTER


class HttpClients:
    """Opens each client on first use; leaving closes all of them. `tls` replaces the system's store, for all."""

    def __init__(self, version: str, tls: ssl.SSLContext | None = None) -> None:
        self._version = version
        self._tls = tls
        self._opened: dict[tuple[str | None, int, bool], httpx.AsyncClient] = {}

    def get(self, ca_file: str | None, *, verify_tls: bool) -> httpx.AsyncClient:
        """Give the client that trusts the system's authorities and those in `ca_file`, or whomever it meets.

        A file that changed is read again. Raises OSError where it cannot be read, ssl.SSLError where it holds none.
        """
        trusting = ca_file if verify_tls else None
        key = (trusting, Path(trusting).stat().st_mtime_ns if trusting else 0, verify_tls)
        if key not in self._opened:
            self._opened[key] = make_http_client(self._version, self._context(trusting, verify_tls=verify_tls))
        return self._opened[key]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for client in self._opened.values():
            await client.aclose()

    def _context(self, ca_file: str | None, *, verify_tls: bool) -> ssl.SSLContext | None:
        if ca_file is None and verify_tls:
            return self._tls
        context = ssl.create_default_context()
        if not verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca_file is not None:
            context.load_verify_locations(ca_file)
            # Python 3.13 refuses what home-made authorities often lack; who names the file trusts it as it is.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


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
