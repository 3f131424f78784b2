"""Makes the adapter of each kind of media server over the process's HTTP clients."""

from __future__ import annotations

from app.context import MediaServer, ServerTarget
from app.http import HttpClients
from app.servers.media_browser import MediaBrowserServer
from app.servers.plex import PlexServer
from schemas.server import ServerKind


class ServerFactory:
    """The `MediaServers` of a process; the caller owns the HTTP clients and closes them."""

    def __init__(self, clients: HttpClients) -> None:
        self._clients = clients

    def open(self, target: ServerTarget) -> MediaServer:
        """Give the adapter; nothing is asked yet."""
        if target.kind is ServerKind.PLEX:
            return PlexServer(self._clients, target)
        return MediaBrowserServer(self._clients, target)
