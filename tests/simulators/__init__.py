"""Radarr, Sonarr and a video host on loopback, behaving as the documented real ones do."""
