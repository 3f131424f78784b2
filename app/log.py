"""Structured logs: readable lines or JSON, to standard error, with the fields that secrets hide in cut out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

_SECRET_FIELDS = re.compile(r"(api_?key|password|secret|token|authorization|cookie)", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?i)(api_?key=|x-(?:api-key|(?:plex|emby)-token)[:=]\s*|mediabrowser token=\"?|basic\s+|bearer\s+)[^\s&\"']+|(?<=://)([^/\s:@]*:)[^\s/@]+(?=@)"
)


def configure_logging(level: str, style: Literal["console", "json"]) -> None:
    """Set up structlog and send the standard library's loggers through it; call once per process."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_color,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_only_ours, *_renderers(style)])
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "arq.worker", "arq.connections", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank fields that are named like secrets, and credentials inside texts and addresses."""
    for key, value in event.items():
        if _SECRET_FIELDS.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _SECRET_TEXT.sub(r"\1\2***", value)
    return event


def _without_color(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop uvicorn's second copy of its message."""
    event.pop("color_message", None)
    return event


def _only_ours(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)


def _renderers(style: Literal["console", "json"]) -> list[structlog.types.Processor]:
    if style == "json":
        return [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]
