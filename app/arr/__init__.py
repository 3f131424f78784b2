"""Radarr and Sonarr over their HTTP API."""
