"""The one table of routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from app.web.api import status
from app.web.auth import RequireKey
from app.web.openapi import openapi
from app.web.operations import OPERATIONS, Handler
from app.web.pages import activity, connection_added, connection_edit, connection_list, health, sessions, title, titles
from app.web.pages import servers as server_pages
from app.web.pages import settings as settings_pages
from app.web.state import AppRequest
from app.web.stream import stream
from app.web.webhooks import take_webhook


class _IdConvertor(Convertor[int]):
    """A row's id: eighteen digits at most, so that it fits Postgres; anything longer is no route."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("id", _IdConvertor())

_CONNECTION = "/connections/{connection_id:id}"
_PAGES = [
    Route("/", titles.titles_page, methods=["GET"]),
    Route("/titles/{media_id:id}", title.title_page, methods=["GET"]),
    Route("/titles/{media_id:id}/{action}", title.act, methods=["POST"]),
    Route("/activity", activity.activity_page, methods=["GET"]),
    Route("/activity/{event_id:id}/replay", activity.replay_on_page, methods=["POST"]),
    Route("/connections", connection_list.connections_page, methods=["GET"]),
    Route("/connections/new", connection_edit.new_page, methods=["GET"]),
    Route("/connections/new", connection_edit.add, methods=["POST"]),
    Route(f"{_CONNECTION}/added", connection_added.added_page, methods=["GET"]),
    Route(f"{_CONNECTION}/edit", connection_edit.edit_page, methods=["GET"]),
    Route(f"{_CONNECTION}/edit", connection_edit.change, methods=["POST"]),
    Route(f"{_CONNECTION}/delete", connection_list.delete_page, methods=["GET"]),
    Route(f"{_CONNECTION}/delete", connection_list.delete, methods=["POST"]),
    Route(f"{_CONNECTION}/reconcile", connection_list.reconcile, methods=["POST"]),
    Route(f"{_CONNECTION}/test", connection_list.test, methods=["POST"]),
    Route(f"{_CONNECTION}/webhook", connection_list.register, methods=["POST"]),
    Route(f"{_CONNECTION}/switch", connection_list.switch, methods=["POST"]),
    Route("/servers", server_pages.servers_page, methods=["GET"]),
    Route("/servers", server_pages.add, methods=["POST"]),
    Route("/servers/{server_id:id}/test", server_pages.test, methods=["POST"]),
    Route("/servers/{server_id:id}/switch", server_pages.switch, methods=["POST"]),
    Route("/servers/{server_id:id}/delete", server_pages.delete, methods=["POST"]),
    Route("/settings", settings_pages.settings_page, methods=["GET"]),
    Route("/settings", settings_pages.save, methods=["POST"]),
    Route("/settings/reset", settings_pages.reset, methods=["POST"]),
    Route("/health", health.health_page, methods=["GET"]),
    Route("/login", sessions.login_page, methods=["GET"]),
    Route("/login", sessions.log_in, methods=["POST"]),
    Route("/logout", sessions.log_out, methods=["POST"]),
]


def routes(url_base: str) -> list[BaseRoute]:
    """Give all routes below the URL base; a webhook's address works with and without a trailing slash."""
    api = Router(_api_routes(url_base), redirect_slashes=False)
    below_base: list[BaseRoute] = [
        Route("/webhooks/{slug}", take_webhook, methods=["POST", "PUT"]),
        Route("/webhooks/{slug}/", take_webhook, methods=["POST", "PUT"]),
        Route("/healthz", status.healthz),
        Route("/readyz", status.readyz),
        Route("/metrics", status.metrics, middleware=[Middleware(RequireKey)]),
        Route("/api/v1/stream", stream),
        Mount("/api/v1", api, middleware=[Middleware(RequireKey)]),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        *_PAGES,
    ]
    if not url_base:
        return below_base
    to_titles = Route(url_base, RedirectResponse(f"{url_base}/", 303), methods=["GET"])
    return [to_titles, Mount(url_base, Router(below_base, redirect_slashes=False))]


def _api_routes(url_base: str) -> list[BaseRoute]:
    """Give one route for each path, so that a refused method is told all that there are."""
    by_path: dict[str, dict[str, Handler]] = {}
    for one in OPERATIONS:
        by_path.setdefault(one.path, {})[one.method] = one.handler
    document = json.dumps(openapi(url_base))

    async def describe(_request: AppRequest) -> Response:
        return Response(document, media_type="application/json")

    described = Route("/openapi.json", describe)
    # Readers come in by a route of its own, as a session opens it too; this one refuses the other methods.
    refusing = Route("/stream", stream)
    return [described, refusing, *(Route(path, _by_method(on), methods=list(on)) for path, on in by_path.items())]


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def endpoint(request: AppRequest) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return endpoint
