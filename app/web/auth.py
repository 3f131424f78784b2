"""Who may come in: the API key for programs, a signed session cookie for people."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.crypto import same
from app.errors import Unauthorized
from app.web.errors import on_expected
from app.web.state import Keys

SESSION_COOKIE = "trailhook_session"
SESSION_LIFETIME = 30 * 24 * 3600  # s
NEEDS_KEY = "The API key is missing or wrong; send it as X-Api-Key. `trailhook key` prints it."


class RequireKey:
    """Lets only requests with the API key through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or pass on."""
        keys: Keys = scope["state"]["keys"]
        if not is_api_key(keys, given_key(Headers(scope=scope))):
            response = await on_expected(Request(scope), Unauthorized(NEEDS_KEY))
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def given_key(headers: Headers) -> str | None:
    """Give the key of `X-Api-Key` or `Authorization: Bearer`."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def is_api_key(keys: Keys, given: str | None) -> bool:
    """Compare in constant time."""
    return same((given or "").encode(), keys.api_key.get_secret_value().encode())


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
