"""What all pages share: the session, forms with their CSRF token, messages that are shown once, the templates."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.crypto import same
from app.db import sessions
from app.errors import TrailhookError, Unavailable, WrongSecretKey
from app.version import VERSION
from app.web.auth import SESSION_COOKIE, Sessions
from app.web.bodies import read_body
from app.web.errors import headers_of, status_code
from app.web.pages import wording
from app.web.state import AppRequest

FORM_LIMIT = 64 * 1024
FLASH_COOKIE = "trailhook_flash"
FLASH_LIFETIME = 300  # s
SESSION_LOOK = 3.0  # s
MOST_FLASH_TEXT = 800  # characters; browsers keep at most 4 KiB per cookie
_FORGED = "This form is older than your session, or another site sent it: go back, load the page again, and repeat."


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["codes"] = wording.codes
_TEMPLATES.filters["folded"] = wording.folded
_TEMPLATES.filters["size"] = wording.size
_TEMPLATES.filters["utc"] = wording.utc
_TEMPLATES.globals["version"] = VERSION


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser sent."""

    fields: dict[str, list[str]] = field(repr=False)

    def text(self, name: str) -> str:
        """Give a field's text without white space around it, empty where it was not sent."""
        return self.fields.get(name, [""])[0].strip()

    def texts(self, name: str) -> list[str]:
        """Give all fields of this name in their order."""
        return [text.strip() for text in self.fields.get(name, [])]

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return name in self.fields


@dataclass(frozen=True, slots=True)
class Flash:
    """How something went, in one sentence that the next page shows once."""

    kind: Literal["done", "problem"]
    text: str


Page = Callable[[AppRequest], Awaitable[Response]]
FormTaker = Callable[[AppRequest, Form], Awaitable[Response]]


def page(show: Page) -> Page:
    """Show a page to who is signed in, anybody else the way to the login."""

    @functools.wraps(show)
    async def endpoint(request: AppRequest) -> Response:
        if not await is_signed_in(request):
            return redirect(request, "/login")
        try:
            return await show(request)
        except TrailhookError as error:
            response = _problem(request, error.message, status_code(error))
            response.headers.update(headers_of(error))
            return response

    return endpoint


def takes_form(take: FormTaker) -> Page:
    """Take a form of who is signed in, sent with the session's CSRF token."""

    @page
    @functools.wraps(take)
    async def endpoint(request: AppRequest) -> Response:
        form = await read_form(request)
        if not same(form.text("csrf").encode(), (csrf_of(request) or "").encode()):
            return _problem(request, _FORGED, 403)
        return await take(request, form)

    return endpoint


async def read_form(request: AppRequest) -> Form:
    """Read a form. Raises TooLarge."""
    body = await read_body(request, FORM_LIMIT)
    return Form(parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True))


async def is_signed_in(request: AppRequest) -> bool:
    """Say whether this browser has a session that nobody ended; while Postgres is away the cookie alone counts."""
    csrf = csrf_of(request)
    if csrf is None:
        return False
    try:
        async with asyncio.timeout(SESSION_LOOK), request.state["deps"].db.transaction() as tx:
            return not await sessions.has_ended(tx, session_hash(csrf))
    except (Unavailable, TimeoutError):
        return True


def session_hash(csrf: str) -> bytes:
    """Name a session by its CSRF token, which is its own alone, without telling it."""
    return hashlib.sha256(csrf.encode()).digest()


def csrf_of(request: AppRequest) -> str | None:
    """Give the CSRF token of this browser's session, None without one."""
    return Sessions(request.state["keys"]).csrf_of(request.cookies.get(SESSION_COOKIE))


def html(request: AppRequest, template: str, status_code: int = 200, **values: object) -> HTMLResponse:
    """Make a page, with what was to be said once on top of it."""
    now, flash = request.state["deps"].now(), _take_flash(request)
    text = _TEMPLATES.get_template(template).render(
        base=base_of(request),
        csrf=csrf_of(request) or "",
        flash=flash,
        ago=partial(wording.ago, now=now),
        until=partial(wording.until, now=now),
        **values,
    )
    response = HTMLResponse(text, status_code)
    if FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE, path=base_of(request) or "/", httponly=True, samesite="lax")
    return response


def redirect(request: AppRequest, path: str, flash: Flash | None = None) -> RedirectResponse:
    """Lead to another page, which shows the message."""
    response = RedirectResponse(base_of(request) + path, 303)
    if flash is not None:
        content = {"kind": flash.kind, "text": flash.text[:MOST_FLASH_TEXT]}
        keep(request, response, FLASH_COOKIE, content, base_of(request) or "/")
    return response


def keep(request: AppRequest, response: Response, name: str, content: dict[str, Any], path: str) -> None:
    """Keep something in the browser for a few minutes, encrypted, for pages below the path alone."""
    response.set_cookie(
        name,
        request.state["deps"].vault.encrypt(json.dumps({name: content}, ensure_ascii=False)),
        max_age=FLASH_LIFETIME,
        path=path,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def kept(request: AppRequest, name: str) -> dict[str, Any] | None:
    """Give what `keep` keeps, None where there is nothing or somebody made it up."""
    cookie = request.cookies.get(name)
    if cookie is None:
        return None
    try:
        document = json.loads(request.state["deps"].vault.decrypt(cookie).get_secret_value())
    except (WrongSecretKey, ValueError):
        return None
    content = document.get(name) if isinstance(document, dict) else None
    return content if isinstance(content, dict) else None


def base_of(request: AppRequest) -> str:
    """Give what all our paths begin with."""
    return request.state["deps"].settings.url_base


def _take_flash(request: AppRequest) -> Flash | None:
    content = kept(request, FLASH_COOKIE)
    return None if content is None else Flash(**content)


def _problem(request: AppRequest, message: str, status_code: int) -> Response:
    return html(request, "problem.html", status_code, message=message)
