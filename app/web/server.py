"""How the API listens: uvicorn, with limits for clients that send slowly, without end, or nothing at all."""

from __future__ import annotations

import asyncio
import resource
from typing import cast

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.web.errors import error_response

REQUEST_TIMEOUT = 15.0  # s, for a whole request from the connection's start or the answer before
LINGER = 2.0  # s, for the rest of a body that was answered before it had all come
KEEP_ALIVE = 5  # s
DRAIN = 5  # s, for requests under way when the API stops
BACKLOG = 512
HEAD_LIMIT = 64 * 1024
MOST_PIPELINED = 16
OPEN_FILES = 65536
ENDLESS = "/api/v1/stream"  # an answer that has no end of its own


class ApiConfig(uvicorn.Config):
    """What every process that serves the API tells uvicorn."""

    def __init__(
        self, app: ASGIApp, *, port: int = 0, request_timeout: float = REQUEST_TIMEOUT, linger: float = LINGER
    ) -> None:
        super().__init__(
            app,
            port=port,
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=DRAIN,
        )
        self.request_timeout = request_timeout
        self.linger = linger


def raise_file_limit() -> None:
    """Let this process have as many connections as the system allows it: idle ones must not use up the usual 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose client keeps it waiting; uvicorn itself waits for ever for heads, bodies and readers.

    While it is the client's turn (to finish a request, or to take an answer) `_due` is the time at which its turn
    ends. One timer per connection looks at it, so that a request costs no timer.
    """

    config: ApiConfig

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))  # uvloop's is none by its class
        self._between_bodies = 0
        self._due: float | None = self.loop.time() + self.config.request_timeout
        self._timer = self.loop.call_at(self._due, self._look_at_clock)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._between_bodies += len(data)
        super().data_received(data)
        if self._between_bodies > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(431, "headers_too_large", "The request's headers are too large.")

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            message = "too many requests before the first answer"
            raise httptools.HttpParserError(message)
        super().on_headers_complete()
        if self.expect_100_continue:
            # Answered early, such a client may leave its body out: what comes next could be a body or a request.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._between_bodies = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._between_bodies = 0
        super().on_message_complete()
        self._pass_the_turn()

    def on_response_complete(self) -> None:
        unread = self.cycle.response_complete and self.cycle.more_body
        super().on_response_complete()
        if unread:
            self._due = self.loop.time() + self.config.linger
            self._timer.cancel()
            self._timer = self.loop.call_at(self._due, self._look_at_clock)
        else:
            self._pass_the_turn()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._pass_the_turn()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._pass_the_turn()

    def shutdown(self) -> None:
        cycle = self._cycle()
        if cycle is not None and cycle.more_body and not cycle.response_started:
            self._refuse(503, "unavailable", "Trailhook is stopping; send this again.")
        elif cycle is not None and not cycle.response_complete and self.scope["path"].endswith(ENDLESS):
            self.transport.close()
            cycle.disconnected = True
            cycle.message_event.set()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "bad_request", msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if no upgrade were asked for; but the parser takes no more on this connection, not even a body."""
        self.cycle.keep_alive = False
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        ):
            self._refuse(400, "bad_request", "A request with a body cannot ask for an upgrade of the connection.")

    def _cycle(self) -> RequestResponseCycle | None:
        """Give the newest request; uvicorn hides that there is none before the first."""
        return self.cycle

    def _pass_the_turn(self) -> None:
        cycle = self._cycle()
        clients = self.flow.write_paused or cycle is None or cycle.response_complete or cycle.more_body
        self._due = self.loop.time() + self.config.request_timeout if clients else None

    def _look_at_clock(self) -> None:
        now, cycle = self.loop.time(), self._cycle()
        due = now + self.config.request_timeout if self._due is None else self._due
        if due > now:
            self._timer = self.loop.call_at(due, self._look_at_clock)
        elif cycle is None or cycle.response_started or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self._refuse(408, "timeout", "The request did not arrive in time; send it again.")

    def _refuse(self, status: int, code: str, message: str) -> None:
        answer = error_response(status, code, message)
        lines = [b"%s: %s\r\n" % header for header in [*answer.raw_headers, (b"connection", b"close")]]
        self.transport.write(STATUS_LINE[status] + b"".join(lines) + b"\r\n" + bytes(answer.body))
        self.transport.close()
        if (cycle := self._cycle()) is not None:
            cycle.disconnected = True
            cycle.message_event.set()
