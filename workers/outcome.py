"""What an error means to a worker: expected ones end the job quietly, for Postgres knows what is left to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from app.errors import LeaseLost, Unavailable


@asynccontextmanager
async def settled(job: str, **fields: object) -> AsyncIterator[None]:
    """End a job whose lease was lost or whose database is away; the sweep takes its work up. All else is a bug."""
    log = structlog.get_logger(__name__).bind(job=job, **fields)
    try:
        yield
    except LeaseLost as error:
        log.info("taken over by another worker", why=error.message)
    except Unavailable as error:
        log.warning("postponed", why=error.message)
    except Exception:
        log.exception("failed unexpectedly")
        raise
