"""Who may come in: the API key for programs, a signed session cookie for people."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

import structlog
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.crypto import same
from app.errors import Unauthorized
from app.web.state import AppRequest, Keys

SESSION_COOKIE = "trailhook_session"
SESSION_LIFETIME = 30 * 24 * 3600  # s
NEEDS_KEY = "The API key is missing or wrong; send it as X-Api-Key. `trailhook key` prints it."
WRONG_KEY = "That is not the API key."
FROM_ELSEWHERE = "Another site sent this form; open this page yourself and sign in."


class RequireKey:
    """Lets only requests with the API key through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on. Raises Unauthorized, TooMany."""
        if not is_right_key(Request(scope), given_key(Headers(scope=scope))):
            raise Unauthorized(NEEDS_KEY)
        await self._app(scope, receive, send)


def check_login(request: AppRequest, given: str) -> None:
    """Let a person in who gives the key. Raises Unauthorized, TooMany.

    Other sites' forms are turned away unread: they could lock out whoever looks at such a site.
    """
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise Unauthorized(FROM_ELSEWHERE)
    if not is_right_key(request, given):
        raise Unauthorized(WRONG_KEY)


def is_right_key(request: AppRequest, given: str | None) -> bool:
    """Compare a key in constant time, unless its sender was wrong too often. Raises TooMany.

    While a sender has to wait, no key of it is looked at: a right one that passed would make the limit worthless.
    """
    if not given:
        return False
    limit, now = request.state["key_limit"], request.state["deps"].now()
    address = request.client.host if request.client else ""
    limit.check(address, now)
    right = same(given.encode(), request.state["keys"].api_key.get_secret_value().encode())
    if not right:
        limit.count(address, now)
        structlog.get_logger(__name__).warning("wrong API key", client=address)
    return right


def given_key(headers: Headers) -> str | None:
    """Give the key of `X-Api-Key` or `Authorization: Bearer`."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def webhook_password(headers: Headers) -> str | None:
    """Give the password of HTTP Basic (any user name) or of `X-Webhook-Token`.

    Arrs send Basic in ISO-8859-1, others in UTF-8: our passwords are ASCII, so both read the same.
    """
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode("latin-1").partition(":")[2]
        except (binascii.Error, ValueError):
            return None
    return headers.get("x-webhook-token")


class Sessions:
    """Signed cookies; a new API key or secret key ends all of them."""

    def __init__(self, keys: Keys) -> None:
        material = keys.secret_key.get_secret_value() + "\n" + keys.api_key.get_secret_value()
        self._signer = URLSafeTimedSerializer(hashlib.sha256(material.encode()).digest(), salt="trailhook session")

    def new(self) -> str:
        """Make a session's cookie."""
        return self._signer.dumps({"csrf": secrets.token_urlsafe(24)})

    def csrf_of(self, cookie: str | None) -> str | None:
        """Give the CSRF token of a valid session, None for any other cookie."""
        if cookie is None:
            return None
        try:
            document = self._signer.loads(cookie, max_age=SESSION_LIFETIME)
        except BadSignature:
            return None
        return str(document["csrf"])
