"""`python -m app.cli` is `trailhook`."""

from __future__ import annotations

from app.cli.program import main

main()
