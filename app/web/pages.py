"""The pages: every title and every event with what became of it and why, behind a login with the API key."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.crypto import same
from app.db import event_views, media
from app.errors import Conflict, NotFound
from app.pipeline.events import replay_event
from app.web.api.events import event_filter
from app.web.api.media import media_filter
from app.web.api.status import status_of
from app.web.auth import SESSION_COOKIE, SESSION_LIFETIME, Sessions, is_api_key
from app.web.bodies import read_body
from app.web.paging import after_id, after_name, encode
from app.web.state import AppRequest
from app.web.views import media_read
from schemas.base import EventState, MonitorStatus

PER_PAGE = 50
FORM_LIMIT = 16 * 1024

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def titles_page(request: AppRequest) -> Response:
    """Show the titles, or the way to the login."""
    csrf = _csrf(request)
    if csrf is None:
        return _redirect(request, "/login")
    status = await status_of(request)
    wanted = media_filter(request)
    async with request.state["deps"].db.transaction() as tx:
        found, total = await media.list_page(tx, wanted, after_name(request), PER_PAGE)
    more = None
    if len(found) == PER_PAGE:
        kept = {key: value for key, value in request.query_params.items() if key in {"q", "status"} and value}
        more = urlencode({**kept, "cursor": encode(found[-1].title.lower(), found[-1].id)})
    names = {one.id: one.name for one in status.connections}
    rows = [(media_read(title), names.get(title.connection_id, "")) for title in found]
    return _html(
        request,
        "titles.html",
        status=status,
        rows=rows,
        total=total,
        more=more,
        csrf=csrf,
        statuses=list(MonitorStatus),
        chosen=wanted.status or "",
        search=wanted.search or "",
    )


async def activity_page(request: AppRequest) -> Response:
    """Show the events, or the way to the login."""
    csrf = _csrf(request)
    return _redirect(request, "/login") if csrf is None else await _activity(request, csrf)


async def replay_on_page(request: AppRequest) -> Response:
    """Have an event handled again; needs the session's CSRF token. Where it cannot be, the page says why."""
    form, csrf = await _form(request), _csrf(request)
    if csrf is None:
        return _redirect(request, "/login")
    if same(form.get("csrf", "").encode(), csrf.encode()):
        try:
            await replay_event(request.state["deps"], request.path_params["event_id"])
        except (Conflict, NotFound) as error:
            return await _activity(request, csrf, error.message)
    return _redirect(request, "/activity")


async def login_page(request: AppRequest) -> Response:
    """Ask for the API key."""
    return _html(request, "login.html", wrong=False)


async def log_in(request: AppRequest) -> Response:
    """Take the key and give a session."""
    keys = request.state["keys"]
    form = await _form(request)
    if not is_api_key(keys, form.get("api_key", "").strip()):
        refusal = _html(request, "login.html", wrong=True)
        refusal.status_code = 401
        return refusal
    response = _redirect(request, "/")
    response.set_cookie(
        SESSION_COOKIE,
        Sessions(keys).new(),
        max_age=SESSION_LIFETIME,
        path=_base(request) or "/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


async def log_out(request: AppRequest) -> Response:
    """End this browser's session; needs the session's CSRF token."""
    form, csrf = await _form(request), _csrf(request)
    response = _redirect(request, "/login")
    if csrf is not None and same(form.get("csrf", "").encode(), csrf.encode()):
        response.delete_cookie(SESSION_COOKIE, path=_base(request) or "/", httponly=True, samesite="lax")
    return response


async def _activity(request: AppRequest, csrf: str, problem: str | None = None) -> Response:
    status = await status_of(request)
    wanted = event_filter(request)
    async with request.state["deps"].db.transaction() as tx:
        found, _ = await event_views.list_page(tx, wanted, after_id(request), PER_PAGE)
    state = wanted.state or ""
    more = urlencode({"state": state, "cursor": encode(found[-1].id)}) if len(found) == PER_PAGE else None
    page = _html(
        request,
        "activity.html",
        status=status,
        events=found,
        more=more,
        csrf=csrf,
        states=list(EventState),
        chosen=state,
        problem=problem,
    )
    page.status_code = 200 if problem is None else 409
    return page


def _csrf(request: AppRequest) -> str | None:
    """Give the CSRF token of this browser's session, None without one."""
    return Sessions(request.state["keys"]).csrf_of(request.cookies.get(SESSION_COOKIE))


async def _form(request: AppRequest) -> dict[str, str]:
    body = await read_body(request, FORM_LIMIT)
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _html(request: AppRequest, template: str, **values: object) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(base=_base(request), **values))


def _redirect(request: AppRequest, path: str) -> RedirectResponse:
    return RedirectResponse(_base(request) + path, 303)


def _base(request: AppRequest) -> str:
    return request.state["deps"].settings.url_base
