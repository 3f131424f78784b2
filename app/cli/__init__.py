"""The command line: `trailhook`."""

from __future__ import annotations

from app.cli.program import main

__all__ = ["main"]
