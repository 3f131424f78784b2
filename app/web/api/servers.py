"""`/api/v1/servers`: the media servers that are told of new trailers."""

from __future__ import annotations

from starlette.responses import Response

from app.db import servers
from app.domain.servers import MediaServerRecord
from app.errors import ServerError
from app.pipeline.servers import add_server, change_server, get_server, remove_server, try_server
from app.web.api.answers import answer
from app.web.bodies import read_model
from app.web.state import AppRequest
from schemas.server import ServerCreate, ServerRead, ServerTest, ServerUpdate
from schemas.status import Page


async def list_servers(request: AppRequest) -> Response:
    """List all media servers; there are never so many that the list would be cut."""
    async with request.state["deps"].db.transaction() as tx:
        shown = [server_read(one) for one in await servers.list_all(tx)]
    return answer(Page[ServerRead](items=shown, next_cursor=None, total=len(shown)))


async def create_server(request: AppRequest) -> Response:
    """Add a media server that answers with this token."""
    new = await read_model(request, ServerCreate)
    return answer(server_read(await add_server(request.state["deps"], new)), 201)


async def get_one(request: AppRequest) -> Response:
    """Show one media server."""
    return answer(server_read(await get_server(request.state["deps"], request.path_params["server_id"])))


async def change_one(request: AppRequest) -> Response:
    """Change what is given, after a test where that leads there another way."""
    changes = await read_model(request, ServerUpdate)
    return answer(server_read(await change_server(request.state["deps"], request.path_params["server_id"], changes)))


async def test_one(request: AppRequest) -> Response:
    """Ask the media server now; that it does not work is an answer too."""
    try:
        message = await try_server(request.state["deps"], request.path_params["server_id"])
    except ServerError as error:
        return answer(ServerTest(ok=False, message=error.message))
    return answer(ServerTest(ok=True, message=message))


async def delete_one(request: AppRequest) -> Response:
    """Forget a media server and show it a last time; nothing changes in it."""
    return answer(server_read(await remove_server(request.state["deps"], request.path_params["server_id"])))


def server_read(server: MediaServerRecord) -> ServerRead:
    """Show a media server without its token."""
    return ServerRead(**{name: getattr(server, name) for name in ServerRead.model_fields})
