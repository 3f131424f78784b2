"""Makes the managers of both apps: `Arrs` over the process's HTTP clients."""

from __future__ import annotations

from app.arr.client import ArrClient
from app.arr.radarr import RadarrManager, parse_movie
from app.arr.sonarr import SonarrManager, parse_series
from app.context import ArrManagerProtocol, ArrTarget, RawItem
from app.http import ArrPatience, HttpClients
from schemas.media import MediaCreate


class ArrFactory:
    """Gives managers; the caller owns the HTTP clients and closes them."""

    def __init__(self, clients: HttpClients, patience: ArrPatience | None = None) -> None:
        self._clients = clients
        self._patience = patience

    def radarr(self, target: ArrTarget) -> ArrManagerProtocol:
        """Give a manager for a Radarr; nothing is asked yet."""
        return RadarrManager(ArrClient(self._clients, target, self._patience))

    def sonarr(self, target: ArrTarget) -> ArrManagerProtocol:
        """Give a manager for a Sonarr; nothing is asked yet."""
        return SonarrManager(ArrClient(self._clients, target, self._patience))

    def parse_movie(self, raw: RawItem) -> MediaCreate:
        """Read Radarr's movie; see Arrs."""
        return parse_movie(raw)

    def parse_series(self, raw: RawItem) -> MediaCreate:
        """Read Sonarr's series; see Arrs."""
        return parse_series(raw)
