"""Plex, Jellyfin and Emby over real sockets: which item is refreshed, what is asked for one that is not there yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.context import MediaServer, ServerTarget
from app.domain.servers import ServerTitle
from app.errors import ServerAway, ServerBadAnswer, ServerError, ServerKeyRefused
from app.http import HttpClients, Patience
from app.servers import http
from app.servers.factory import ServerFactory
from schemas.base import MediaKind
from schemas.server import RefreshOutcome, ServerKind
from tests.simulators.emby import EmbySimulator
from tests.simulators.jellyfin import JellyfinSimulator
from tests.simulators.media_servers import MediaServerSimulator, Title
from tests.simulators.plex import PlexSimulator

SINTEL = ServerTitle(MediaKind.MOVIE, "/data/movies/Sintel (2010)", 2010, frozenset({"tmdb:45745", "imdb:tt1727587"}))
PIONEER = ServerTitle(MediaKind.SERIES, "/data/tv/Pioneer One", 2010, frozenset({"tvdb:170551"}))


def plex() -> PlexSimulator:
    return PlexSimulator(("1", "movie", "/data/movies"), ("2", "show", "/data/tv"), ("3", "artist", "/data/music"))


SIMULATORS: dict[ServerKind, Callable[[], MediaServerSimulator]] = {
    ServerKind.PLEX: plex,
    ServerKind.JELLYFIN: JellyfinSimulator,
    ServerKind.EMBY: EmbySimulator,
}
WORDS = {
    ServerKind.PLEX: ("movie", "show"),
    ServerKind.JELLYFIN: ("Movie", "Series"),
    ServerKind.EMBY: ("Movie", "Series"),
}


@pytest.fixture
async def clients() -> AsyncIterator[HttpClients]:
    async with HttpClients("test") as opened:
        yield opened


@pytest.fixture(params=list(ServerKind))
def kind(request: pytest.FixtureRequest) -> ServerKind:
    wanted: ServerKind = request.param
    return wanted


@pytest.fixture
async def simulator(kind: ServerKind) -> AsyncIterator[MediaServerSimulator]:
    with SIMULATORS[kind]() as started:
        yield started


@pytest.fixture
def server(kind: ServerKind, simulator: MediaServerSimulator, clients: HttpClients) -> MediaServer:
    return ServerFactory(clients).open(ServerTarget(kind, simulator.url, SecretStr(simulator.token)))


def add_both(simulator: MediaServerSimulator, kind: ServerKind) -> None:
    movie, show = WORDS[kind]
    sintel = "/data/movies/Sintel (2010)/Sintel (2010) Bluray-1080p.mkv"
    simulator.titles = {
        "10": Title(movie, "/data/movies/Other (2010)/Other.mkv", 2010, {"tmdb": "1"}),
        "11": Title(movie, sintel, 2011, {"tmdb": "45745", "imdb": "tt1727587"}),
        "12": Title(show, "/data/tv/Pioneer One", 2010, {"tvdb": "170551"}),
        "13": Title(show, "/data/tv/Other", 2010, {"tvdb": "45745"}),
    }


async def test_it_says_who_answers(kind: ServerKind, server: MediaServer) -> None:
    assert (await server.describe()).startswith(f"{kind.app_name} ")


async def test_the_title_is_refreshed_and_no_other(
    kind: ServerKind, simulator: MediaServerSimulator, server: MediaServer
) -> None:
    add_both(simulator, kind)
    assert await server.refresh(SINTEL) is RefreshOutcome.REFRESHED
    assert simulator.refreshed == ["11"]
    assert await server.refresh(PIONEER) is RefreshOutcome.REFRESHED
    assert simulator.refreshed == ["11", "12"]


async def test_a_title_of_another_year_and_folder_is_found_by_its_ids(
    kind: ServerKind, simulator: MediaServerSimulator, server: MediaServer
) -> None:
    add_both(simulator, kind)
    simulator.titles["11"] = replace(simulator.titles["11"], year=1999)
    elsewhere = replace(SINTEL, folder="/srv/Sintel (2010)")
    assert await server.refresh(elsewhere) is RefreshOutcome.REFRESHED
    assert simulator.refreshed == ["11"]


async def test_among_many_it_is_found_page_by_page(
    kind: ServerKind, simulator: MediaServerSimulator, server: MediaServer
) -> None:
    movie, _ = WORDS[kind]
    simulator.titles = {
        str(number): Title(movie, f"/data/movies/Film {number}/film.mkv", 2010, {"tmdb": str(number)})
        for number in range(1, 2002)
    }
    title = ServerTitle(MediaKind.MOVIE, "/elsewhere/Film 2001", 2010, frozenset({"tmdb:2001"}))
    assert await server.refresh(title) is RefreshOutcome.REFRESHED
    assert simulator.refreshed == ["2001"]


async def test_what_is_not_there_yet_is_looked_for_in_its_folder(
    kind: ServerKind, simulator: MediaServerSimulator, server: MediaServer
) -> None:
    assert await server.refresh(SINTEL) is RefreshOutcome.SCANNING
    last = simulator.calls[-1]
    if kind is ServerKind.PLEX:
        assert (last.method, last.path) == ("GET", "/library/sections/1/refresh")
        assert last.query == {"path": SINTEL.folder}
    else:
        assert (last.method, last.path) == ("POST", "/Library/Media/Updated")
        assert last.body == {"Updates": [{"Path": SINTEL.folder, "UpdateType": "Modified"}]}


async def test_plex_without_a_library_with_the_folder(clients: HttpClients) -> None:
    with plex() as simulator:
        server = ServerFactory(clients).open(ServerTarget(ServerKind.PLEX, simulator.url, SecretStr(simulator.token)))
        title = replace(SINTEL, folder="/data/movies2/Sintel (2010)")
        assert await server.refresh(title) is RefreshOutcome.NOT_FOUND
        assert simulator.refreshed == []


async def test_plex_with_the_ids_of_an_old_agent(clients: HttpClients) -> None:
    with plex() as simulator:
        guid = {"guid": "com.plexapp.agents.thetvdb://170551?lang=en"}
        simulator.titles = {"7": Title("show", "/data/tv/Pioneer One", 2010, guid)}
        server = ServerFactory(clients).open(ServerTarget(ServerKind.PLEX, simulator.url, SecretStr(simulator.token)))
        assert await server.refresh(PIONEER) is RefreshOutcome.REFRESHED


@pytest.mark.parametrize(
    ("answer", "failure", "words"),
    [
        (Response("", 401), ServerKeyRefused, "refused the token \\(401\\)"),
        (Response("oops", 500), ServerAway, "not available \\(500\\)"),
        (Response("<html>", 200, media_type="text/html"), ServerBadAnswer, "is not "),
        (JSONResponse([]), ServerBadAnswer, "is not "),
        (JSONResponse({}), ServerBadAnswer, "is not "),
        (RedirectResponse("/login"), ServerBadAnswer, "is not .*\\(307\\)"),
        (Response("", 404), ServerBadAnswer, "is not .*\\(404\\)"),
    ],
)
async def test_what_it_cannot_do_is_told(
    simulator: MediaServerSimulator, server: MediaServer, answer: Response, failure: type[ServerError], words: str
) -> None:
    simulator.answer = answer
    with pytest.raises(failure, match=words) as caught:
        await server.describe()
    assert simulator.token not in str(caught.value)
    with pytest.raises(ServerError):
        await server.refresh(SINTEL)


async def test_a_wrong_token_a_slow_server_and_none_at_all(
    kind: ServerKind, simulator: MediaServerSimulator, clients: HttpClients
) -> None:
    wrong = ServerFactory(clients).open(ServerTarget(kind, simulator.url, SecretStr("wrong")))
    with pytest.raises(ServerKeyRefused):
        await wrong.describe()
    quick = Patience(connect=1, read=0.2, total=1)
    target = ServerTarget(kind, simulator.url, SecretStr(simulator.token))
    simulator.delay = 0.6
    path = "/" if kind is ServerKind.PLEX else "/System/Info"
    with pytest.raises(ServerAway, match="did not answer in time") as caught:
        await http.ServerHttp(clients, target, {"X-Plex-Token": simulator.token}, quick).get(path)
    assert caught.value.__context__ is None
    gone = ServerFactory(clients).open(replace(target, url="http://127.0.0.1:9"))
    with pytest.raises(ServerAway, match="cannot be reached"):
        await gone.describe()


async def test_jellyfin_is_not_taken_for_emby_nor_the_other_way(clients: HttpClients) -> None:
    with JellyfinSimulator() as simulator:
        simulator.answer = JSONResponse({"ProductName": "Jellyfin Server", "Version": "10.11.0"})
        server = ServerFactory(clients).open(ServerTarget(ServerKind.EMBY, simulator.url, SecretStr("x")))
        with pytest.raises(ServerBadAnswer, match="is not Emby"):
            await server.describe()
        simulator.answer = JSONResponse({"Version": "4.9.0.0"})
        server = ServerFactory(clients).open(ServerTarget(ServerKind.JELLYFIN, simulator.url, SecretStr("x")))
        with pytest.raises(ServerBadAnswer, match="is not Jellyfin"):
            await server.describe()


async def test_a_ca_file_that_is_of_no_use_is_named(clients: HttpClients, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        target = ServerTarget(ServerKind.PLEX, "https://127.0.0.1:9", SecretStr("x"), str(tmp_path / name))
        with pytest.raises(ServerAway, match=f"The CA file .*{name} for Plex at https://127.0.0.1:9 cannot be used"):
            await ServerFactory(clients).open(target).describe()
