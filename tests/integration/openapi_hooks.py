"""What schemathesis is told beyond the document: mostly ids that exist, and addresses of Arrs that pass for one."""

from __future__ import annotations

from typing import Any

import schemathesis

THERE = 12
MOST = 10**18 - 1  # what is above is meant to be refused
ADDRESSES = ("http://radarr.example:7878", "https://sonarr.example/sonarr")


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Lead large ids to small ones, which exist; small and odd ones stay as they are."""
    return path_parameters and {
        name: value % THERE + 1 if isinstance(value, int) and 1000 < value <= MOST else value
        for name, value in path_parameters.items()
    }


@schemathesis.hook
def map_body(_context: Any, body: Any) -> Any:
    """Let new connections pass the check of their address, so that what comes behind it is tried too."""
    if not isinstance(body, dict) or not isinstance(body.get("url"), str):
        return body
    plain: dict[str, Any] = {"url": ADDRESSES[len(body["url"]) % len(ADDRESSES)], "ca_file": None, "path_mappings": []}
    key = {"api_key": "an api key"} if isinstance(body.get("api_key"), str) else {}
    return {**body, **plain, **key}
