"""What holds for every page: who may see it, what its forms need, and how a browser without scripts gets along."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from pydantic import SecretStr

from app.db.engine import Database
from app.settings import Settings
from app.web.routes import _PAGES
from tests.fakes import FakeArr, movie_item
from tests.integration.browsing import Browser, browsing
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving

OPEN = {"/login"}
HOSTILE = '"><script>alert(1)</script>'


def paths(method: str) -> list[str]:
    """All addresses of the pages for a method, for the first of everything."""
    found = [route for route in _PAGES if method in (route.methods or set())]
    return [re.sub(r"\{\w+:id\}", "1", route.path) for route in found if route.path not in OPEN]


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[Browser]:
    async with browsing(bench.deps) as opened:
        yield opened


async def everything(bench: Bench) -> None:
    """One connection, title, event and run, all with a hostile name."""
    item = movie_item(7, bench.root, HOSTILE)
    connection = await bench.connect(FakeArr(items={7: item}, roots=[f"/{HOSTILE}"]), "Radarr")
    await bench.refresh(connection)
    await bench.event(connection, 7, HOSTILE)
    await bench.rows(
        f"UPDATE connection SET name = '{HOSTILE}', last_error = '{HOSTILE}', down_since = now() RETURNING 1"
    )


@pytest.mark.parametrize("path", paths("GET"))
async def test_a_stranger_is_led_to_the_login(bench: Bench, path: str) -> None:
    await everything(bench)
    async with serving(bench.deps) as stranger:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/login", b"")


@pytest.mark.parametrize("path", paths("POST"))
async def test_a_form_without_the_sessions_token_changes_nothing(bench: Bench, browser: Browser, path: str) -> None:
    await everything(bench)
    tables = "SELECT connection::text, (SELECT count(*) FROM run), (SELECT array_agg(state) FROM event) FROM connection"
    before = await bench.rows(tables)
    for fields in ({}, {"csrf": "wrong"}, {"csrf": ""}):
        answer = await browser.client.post(path, data=fields)
        assert answer.status_code == 403
        assert "load the page again" in answer.text
    assert await bench.rows(tables) == before
    async with serving(bench.deps) as stranger:
        answer = await stranger.post(path, data={"csrf": browser.token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert await bench.rows(tables) == before
    await browser.open("/")


@pytest.mark.parametrize("path", [path for path in paths("GET") if path != "/"])
async def test_names_from_elsewhere_stay_text(bench: Bench, browser: Browser, path: str) -> None:
    await everything(bench)
    answer = await browser.client.get(path)
    assert answer.status_code == 200
    assert re.findall(r"<script[^>]*>", answer.text) in ([], ['<script src="/static/live.js" defer>'])
    assert "style=" not in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert HOSTILE not in answer.text


class _Reader(HTMLParser):
    """Notes which inputs have a label, and which ids there are."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: list[dict[str, str | None]] = []
        self.labels: set[str | None] = set()
        self.ids: list[str] = []
        self.inside_label = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if known.get("id"):
            self.ids.append(known["id"] or "")
        if tag == "label":
            self.labels.add(known.get("for"))
            self.inside_label = True
        if tag in {"input", "select"} and known.get("type") != "hidden":
            self.inputs.append(known | ({"aria-label": "inside"} if self.inside_label else {}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.inside_label = False


@pytest.mark.parametrize("path", [*paths("GET"), "/login"])
async def test_every_field_has_a_label_and_every_id_is_there_once(bench: Bench, browser: Browser, path: str) -> None:
    await everything(bench)
    reader = _Reader()
    reader.feed((await browser.client.get(path)).text)
    assert [one for one in reader.inputs if one.get("id") not in reader.labels and "aria-label" not in one] == []
    assert len(reader.ids) == len(set(reader.ids))


async def test_all_addresses_are_below_the_url_base(bench: Bench) -> None:
    settings = Settings(data_dir=bench.deps.settings.data_dir, url_base="/trail/hook")
    bench.deps = replace(bench.deps, settings=settings)
    async with browsing(bench.deps) as browser:
        pages = [await browser.open("/")]
        await everything(bench)
        pages += [await browser.open(path) for path in [*paths("GET"), "/login"]]
        for page in pages:
            used = re.findall(r'(?:href|action|src)="(/[^"]*)"', page)
            assert used
            assert [one for one in used if not one.startswith("/trail/hook/")] == []
        answer = await browser.send("/connections/1/switch", {"enabled": "no"})
        assert answer.headers["location"] == "/trail/hook/connections"
        assert "Path=/trail/hook;" in answer.headers["set-cookie"]
        assert "is disabled" in await browser.follow(answer)
        assert (await browser.client.get("/connections")).status_code == 404


async def test_a_message_is_shown_once_and_cannot_be_made_up(bench: Bench, browser: Browser) -> None:
    await everything(bench)
    sent = await browser.send("/connections/1/switch", {"enabled": "no"})
    cookie = sent.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert 'class="notice is-done"' in await browser.follow(sent)
    assert 'class="notice is-done"' not in await browser.open("/connections")
    forged = bench.deps.vault.encrypt('{"other": {"kind": "done", "text": "forged"}}')
    for cookie in ("trailhook", '{"trailhook_flash": {"kind": "done", "text": "forged"}}', forged):
        browser.client.cookies.set("trailhook_flash", cookie)
        assert "forged" not in await browser.open("/connections")


async def test_what_is_not_there_or_not_allowed_is_a_page_too(bench: Bench, browser: Browser) -> None:
    assert "There is no connection 99." in await browser.open("/connections/99/edit", 404)
    assert "There is no connection 99." in (await browser.send("/connections/99/delete")).text
    assert "status" in await browser.open("/?status=nonsense", 422)
    too_large = await browser.client.post("/settings", content=b"x" * 100_000)
    assert too_large.status_code == 413
    assert too_large.headers["content-type"].startswith("text/html")


async def test_without_postgres_a_page_says_so(bench: Bench) -> None:
    away = Database(SecretStr("postgresql+asyncpg://nobody@127.0.0.1:9/none"))
    async with serving(replace(bench.deps, db=away)) as client:
        await client.post("/login", data={"api_key": API_KEY})
        for path in ("/", "/connections", "/settings"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.headers["retry-after"]
            assert "postgresql" not in answer.text
    await away.close()


async def test_who_begins_is_welcomed_and_led_to_the_form(browser: Browser) -> None:
    for path in ("/", "/connections", "/activity"):
        page = await browser.open(path)
        assert "Welcome to Trailhook" in page
        assert 'href="/connections/new?app=sonarr"' in page
    form = await browser.open("/connections/new?app=sonarr")
    assert re.search(r'value="sonarr" required checked', form)


async def test_titles_of_one_connection_are_counted_and_listed_alone(bench: Bench, browser: Browser) -> None:
    one = await bench.connect(FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in (1, 2)}), "One")
    other = await bench.connect(FakeArr(items={3: movie_item(3, bench.root, "Film 3")}), "Other")
    for connection in (one, other):
        await bench.refresh(connection)
    page = await browser.open(f"/?connection_id={one}")
    assert "<b>2</b> all" in page
    assert "Film 2" in page
    assert "Film 3" not in page
    assert f'href="/?connection_id={one}&status=monitored"' in page
    assert "<b>3</b> all" in await browser.open("/")
