"""Plex, Jellyfin and Emby over their HTTP APIs."""
