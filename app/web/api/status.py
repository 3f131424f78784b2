"""`/api/v1/status`, and the two health checks that need no key."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from starlette.responses import Response

from app.context import Deps
from app.db import connections, events, overview, runs, schema, sources
from app.db.overview import RunningAttempt
from app.domain.breaker import VIDEO_SOURCES, SourceState, longest_pause, paused_roots
from app.domain.ytdlp_release import age_of
from app.errors import SetupError, Unavailable
from app.version import VERSION
from app.waiting import or_none
from app.web.api.answers import answer
from app.web.meters import CONTENT_TYPE
from app.web.state import AppRequest
from app.web.views import webhook_read
from schemas.status import (
    ActiveDownload,
    ConnectionStatus,
    DownloadsRead,
    Health,
    PausedRootRead,
    QueueRead,
    StatusRead,
    WorkerRead,
    YtDlpRead,
)

READY_WITHIN = 2.0  # s


async def get_status(request: AppRequest) -> Response:
    """Show everything at a glance."""
    return answer(await status_of(request))


async def metrics(request: AppRequest) -> Response:
    """Show the numbers for Prometheus."""
    async with request.state["deps"].db.transaction() as tx:
        finished = await overview.last_finished_runs(tx)
    numbers = request.state["meters"].text(await status_of(request), finished)
    return Response(numbers, media_type=CONTENT_TYPE)


async def status_of(request: AppRequest) -> StatusRead:
    """Gather the status. Raises Unavailable where Postgres is away."""
    deps = request.state["deps"]
    async with deps.db.transaction() as tx:
        inbox = await overview.inbox(tx)
        counts = await overview.media_counts(tx)
        running = await overview.running_attempts(tx)
        known = await connections.list_all(tx)
        heard = await events.last_received(tx)
        ran = await runs.last_of_each(tx)
        paused = await sources.list_open(tx)
    depths = await deps.wakeups.depths()
    workers = await deps.live.workers()
    shown = [
        ConnectionStatus(
            id=one.id,
            name=one.name,
            arr_type=one.arr_type,
            enabled=one.enabled,
            healthy=one.down_since is None,
            error=one.last_error,
            webhook=webhook_read(one, heard.get(one.id)),
            last_event_at=heard.get(one.id),
            last_run=ran.get(one.id),
        )
        for one in known
    ]
    return StatusRead(
        version=VERSION,
        started_at=request.state["started_at"],
        healthy=depths is not None and bool(workers) and all(one.healthy for one in shown if one.enabled),
        database=True,
        redis=depths is not None,
        queue=QueueRead(sync=(depths or {}).get("sync"), download=(depths or {}).get("download")),
        workers=[WorkerRead(name=name, last_seen=seen) for name, seen in sorted((workers or {}).items())],
        inbox=inbox,
        media=counts,
        connections=shown,
        downloads=await _downloads(deps, running, paused),
        yt_dlp=_ytdlp(deps),
    )


async def healthz(_request: AppRequest) -> Response:
    """Say that the process answers."""
    return answer(Health(status="ok"))


async def readyz(request: AppRequest) -> Response:
    """Say whether a webhook can be taken: that needs Postgres alone."""
    deps = request.state["deps"]
    if not await or_none(_can_store(deps), READY_WITHIN, Unavailable, SetupError):
        return answer(Health(status="unavailable", parts=("postgres",)), 503)
    away = []
    if await deps.wakeups.depths() is None:
        away.append("redis")
    elif not await deps.live.workers():
        away.append("workers")
    return answer(Health(status="degraded" if away else "ok", parts=tuple(away)))


def _ytdlp(deps: Deps) -> YtDlpRead:
    version = deps.videos.versions().ytdlp
    age = None if version is None else age_of(version, deps.now())
    return YtDlpRead(version=version, age_days=None if age is None else age.days)


async def _can_store(deps: Deps) -> bool:
    async with deps.db.transaction() as tx:
        read_only = (await tx.execute(text("SELECT current_setting('transaction_read_only') = 'on'"))).scalar_one()
        return not read_only and await schema.is_at_head(tx)


async def _downloads(deps: Deps, running: Sequence[RunningAttempt], paused: Sequence[SourceState]) -> DownloadsRead:
    pause = longest_pause(paused, VIDEO_SOURCES)
    percents = await deps.live.downloads() if running else {}
    active = [
        ActiveDownload(
            media_id=one.media_id, title=one.title, percent=percents.get(one.media_id), started_at=one.started_at
        )
        for one in running
    ]
    return DownloadsRead(
        active=active,
        paused_until=None if pause is None else pause.until,
        paused_reason=None if pause is None else pause.reason,
        paused_roots=[
            PausedRootRead(root_path=one.root_path, paused_until=one.pause.until, paused_reason=one.pause.reason)
            for one in paused_roots(paused)
        ],
    )
