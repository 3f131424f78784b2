"""Signing in with the API key, and out again."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from app.db import sessions as ended_sessions
from app.errors import TooMany, Unauthorized
from app.web.auth import SESSION_COOKIE, SESSION_LIFETIME, Sessions, check_login
from app.web.errors import headers_of, status_code
from app.web.pages.shell import Form, base_of, csrf_of, html, read_form, redirect, session_hash, takes_form
from app.web.state import AppRequest


async def login_page(request: AppRequest) -> Response:
    """Ask for the API key."""
    return html(request, "login.html", wrong="")


async def log_in(request: AppRequest) -> Response:
    """Take the key and give a session."""
    keys, form = request.state["keys"], await read_form(request)
    try:
        check_login(request, form.text("api_key"))
    except (Unauthorized, TooMany) as error:
        refusal = html(request, "login.html", status_code(error), wrong=error.message)
        refusal.headers.update(headers_of(error))
        return refusal
    response = redirect(request, "/")
    response.set_cookie(
        SESSION_COOKIE,
        Sessions(keys).new(),
        max_age=SESSION_LIFETIME,
        path=base_of(request) or "/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@takes_form
async def log_out(request: AppRequest, _form: Form) -> Response:
    """End this browser's session, also for whoever has a copy of its cookie."""
    async with request.state["deps"].db.transaction() as tx:
        await ended_sessions.end(tx, session_hash(csrf_of(request) or ""), timedelta(seconds=SESSION_LIFETIME))
    response = redirect(request, "/login")
    response.delete_cookie(SESSION_COOKIE, path=base_of(request) or "/", httponly=True, samesite="lax")
    return response
