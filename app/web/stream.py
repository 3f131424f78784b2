"""`/api/v1/stream`: server-sent events behind the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from starlette.responses import Response, StreamingResponse

from app.errors import Unauthorized
from app.web.auth import NEEDS_KEY, given_key, is_right_key
from app.web.news import News
from app.web.pages.shell import is_signed_in
from app.web.state import AppRequest
from schemas.live import LiveEvent, Progress

PING = 15.0  # s without news; a proxy may end a connection that says nothing
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream(request: AppRequest) -> Response:
    """Tell progress and changes until the reader goes. Raises Unauthorized, TooMany."""
    if not await is_signed_in(request) and not is_right_key(request, given_key(request.headers)):
        raise Unauthorized(NEEDS_KEY)
    news = request.state["news"]
    queue = news.join()
    return StreamingResponse(_lines(news, queue), media_type="text/event-stream", headers=_HEADERS)


async def _lines(news: News, queue: asyncio.Queue[LiveEvent]) -> AsyncGenerator[str, None]:
    try:
        yield "retry: 3000\n\n"
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), PING)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            name = "progress" if isinstance(event, Progress) else "changed"
            yield f"event: {name}\ndata: {event.model_dump_json()}\n\n"
    finally:
        news.leave(queue)
