"""The API process's application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.context import Deps
from app.pipeline.receive import Receiver
from app.web.errors import HANDLERS
from app.web.headers import SecurityHeaders
from app.web.limits import KeyLimit
from app.web.meters import Meters
from app.web.news import News
from app.web.pages.not_found import on_not_found
from app.web.proxies import ForwardedHeaders
from app.web.routes import routes
from app.web.state import AppState, Keys


def create_app(deps: Deps, keys: Keys) -> Starlette:
    """Make the application on parts that the caller opens before and closes after it."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[AppState]:
        async with Receiver(deps) as receiver, aclosing(News(deps)) as news:
            yield AppState(
                deps=deps,
                keys=keys,
                key_limit=KeyLimit(),
                receiver=receiver,
                news=news,
                meters=Meters(),
                started_at=deps.now(),
            )

    app = Starlette(
        routes=routes(deps.settings.url_base),
        lifespan=lifespan,
        exception_handlers={**HANDLERS, 404: on_not_found},
        middleware=[Middleware(SecurityHeaders), Middleware(ForwardedHeaders, deps.settings.trusted_proxies)],
    )
    app.router.redirect_slashes = False
    return app
