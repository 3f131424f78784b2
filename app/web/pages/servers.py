"""The page of the media servers that are told of new trailers: add, test, disable, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from starlette.responses import Response

from app.db import servers
from app.errors import Conflict, InvalidRequest, ServerError
from app.pipeline.servers import add_server, change_server, remove_server, try_server
from app.web.api.servers import server_read
from app.web.errors import invalid
from app.web.pages.shell import Flash, Form, html, page, redirect, takes_form
from app.web.state import AppRequest
from schemas.server import ServerCreate, ServerKind, ServerUpdate

ROWS = 3
_TEXTS = ("name", "kind", "url", "ca_file")


@dataclass(frozen=True, slots=True)
class _Typed:
    """What stands in the form, never the token; `faults` by the field's path in the API."""

    texts: Mapping[str, str]
    rows: tuple[tuple[str, str], ...] = ()
    verify_tls: bool = True
    faults: Mapping[str, str] = field(default_factory=dict)

    def all_rows(self) -> list[tuple[str, str]]:
        """Give the mappings, and empty rows up to the form's length."""
        return [*self.rows, *[("", "")] * (ROWS - len(self.rows))]


@page
async def servers_page(request: AppRequest) -> Response:
    """Show all media servers and the form for one more."""
    return await _page(request, _Typed({"kind": ServerKind.PLEX.value}))


@takes_form
async def add(request: AppRequest, form: Form) -> Response:
    """Add a media server, or show the form again with what is wrong."""
    rows = zip(form.texts("path_from"), form.texts("path_to"), strict=False)
    texts = {name: form.text(name) for name in _TEXTS}
    typed = _Typed(texts, tuple(row for row in rows if any(row))[:50], form.ticked("verify_tls"))
    try:
        server = await add_server(request.state["deps"], _read(typed, form.text("token")))
    except InvalidRequest as error:
        faults, status_code = error.fields, 422
    except Conflict as error:
        faults, status_code = {"name": error.message}, 409
    else:
        return _back(request, Flash("done", f"{server.name} is added; it is told of every new trailer from now on."))
    shown = _Typed(typed.texts, typed.rows, typed.verify_tls, faults)
    return await _page(request, shown, status_code)


@takes_form
async def test(request: AppRequest, _form: Form) -> Response:
    """Ask the media server now and say what it answers."""
    try:
        message = await try_server(request.state["deps"], request.path_params["server_id"])
    except ServerError as error:
        return _back(request, Flash("problem", error.message))
    return _back(request, Flash("done", message))


@takes_form
async def switch(request: AppRequest, form: Form) -> Response:
    """Enable or disable."""
    changes = ServerUpdate(enabled=form.text("enabled") == "yes")
    server = await change_server(request.state["deps"], request.path_params["server_id"], changes)
    return _back(request, Flash("done", f"{server.name} is {'enabled' if server.enabled else 'disabled'}."))


@takes_form
async def delete(request: AppRequest, _form: Form) -> Response:
    """Forget a media server; nothing changes there."""
    server = await remove_server(request.state["deps"], request.path_params["server_id"])
    return _back(request, Flash("done", f"{server.name} is deleted here; nothing changed in it."))


def _read(typed: _Typed, token: str) -> ServerCreate:
    given: dict[str, object] = {
        "kind": typed.texts["kind"],
        "url": typed.texts["url"],
        "token": token,
        "path_mappings": [{"path_from": path_from, "path_to": path_to} for path_from, path_to in typed.rows],
        "ca_file": typed.texts["ca_file"] or None,
        "verify_tls": typed.verify_tls,
    }
    if typed.texts["name"]:
        given["name"] = typed.texts["name"]
    try:
        return ServerCreate.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


async def _page(request: AppRequest, form: _Typed, status_code: int = 200) -> Response:
    async with request.state["deps"].db.transaction() as tx:
        known = [server_read(one) for one in await servers.list_all(tx)]
    return html(request, "servers.html", status_code, servers=known, form=form, kinds=list(ServerKind))


def _back(request: AppRequest, flash: Flash) -> Response:
    return redirect(request, "/servers", flash)
