"""The page after a connection was added: its webhook, what is still to do, and its first reconciliation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import TypeVar

from starlette.responses import Response

from app.context import Deps
from app.domain.expectation import expectation, seconds_each
from app.domain.records import Connection
from app.errors import ArrError, WrongSecretKey
from app.pipeline.connections import Added, get_connection
from app.pipeline.missing_roots import missing_roots
from app.pipeline.settings import get_settings
from app.pipeline.webhook_upkeep import WEBHOOK_USER
from app.web.pages.connection_list import cards_of
from app.web.pages.shell import base_of, html, keep, kept, page, redirect
from app.web.state import AppRequest
from schemas.status import MediaCounts

ONCE_COOKIE = "trailhook_added"
MOST_ONCE = 900  # bytes of each kind; browsers keep at most 4 KiB per cookie

T = TypeVar("T")


async def lead_to_added(request: AppRequest, added: Added) -> Response:
    """Lead to the page, which shows once what has to be known."""
    path = _path(added.connection)
    response = redirect(request, path)
    if added.warnings or _needs_hands(added):
        content = _said_once(added, await likely_mappings(request.state["deps"], added.connection))
        keep(request, response, ONCE_COOKIE, content, base_of(request) + path)
    return response


@page
async def added_page(request: AppRequest) -> Response:
    """Show how adding went, what has to be known this once, and the first reconciliation.

    It loads itself again while that runs, but never over something that is shown once.
    """
    deps = request.state["deps"]
    connection = await get_connection(deps, request.path_params["connection_id"])
    (card,) = await cards_of(deps, [connection])
    once = kept(request, ONCE_COOKIE)
    running = card.run is not None and card.run.outcome is None
    response = html(
        request,
        "connection_added.html",
        card=card,
        password=(once or {}).get("password"),
        warnings=(once or {}).get("warnings", []),
        roots=(once or {}).get("roots", []),
        user=WEBHOOK_USER,
        running=running,
        expected=await _expectation(deps, card.titles),
        workers=await deps.live.workers() if running else {},
        refresh=running and once is None,
    )
    if once is not None:
        response.delete_cookie(ONCE_COOKIE, path=base_of(request) + _path(connection), httponly=True, samesite="lax")
    return response


async def likely_mappings(deps: Deps, connection: Connection) -> list[tuple[str, str]]:
    """Give the root folders that are not here, each with where it probably is, empty where that is not known."""
    try:
        return [(root.arr_path, root.likely or "") for root in await missing_roots(deps, connection)]
    except (ArrError, WrongSecretKey):  # the page is of use without them, and the connection shows what is wrong
        return []


def _path(connection: Connection) -> str:
    return f"/connections/{connection.id}/added"


async def _expectation(deps: Deps, titles: MediaCounts) -> str:
    values = (await get_settings(deps)).values
    each = seconds_each(values.download_gap, values.backfill_gap)
    return expectation(titles.total, titles.monitored + titles.downloading, each)


def _needs_hands(added: Added) -> bool:
    """Say whether the webhook has to be set up by a person, as wished or because it could not be registered."""
    return added.connection.manual_webhook or added.connection.webhook_error is not None


def _said_once(added: Added, roots: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Give what is shown this once, as far as a cookie holds it, and the password where a person has to enter it."""
    missing = tuple(f"{path} " for path, _ in roots)
    others = [text for text in added.warnings if text != added.connection.webhook_error]
    return {
        "password": added.webhook_password if _needs_hands(added) else None,
        "roots": _that_fit(roots),
        "warnings": _that_fit([text for text in others if not text.startswith(missing)]),
    }


def _that_fit(texts: Sequence[T]) -> list[T]:
    lengths = itertools.accumulate(len(json.dumps(text, ensure_ascii=False).encode()) + 2 for text in texts)
    return [text for text, length in zip(texts, lengths, strict=True) if length <= MOST_ONCE]
