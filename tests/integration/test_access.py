"""Who may come in and what a stranger can do: guesses, proxies, weak keys, sessions, forms, headers."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.cookies import Morsel, SimpleCookie
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.routing import BaseRoute, Mount, Route

from app.crypto import new_secret_key
from app.db import sessions
from app.domain.key_guesses import FORGIVEN_EVERY, MOST_WRONG
from app.web.auth import SESSION_COOKIE
from app.web.routes import routes
from app.web.state import Keys
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench
from tests.integration.serving import API_KEY, serving
from tests.stack import free_port

STATUS = "/api/v1/status"
RIGHT = {"X-Api-Key": API_KEY}
WRONG = {"X-Api-Key": "a wrong key of these tests"}
LOOPBACK = (ip_network("127.0.0.1"),)
BASE = "/trail.hook/here"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)
    broken: bool = False

    def __call__(self) -> datetime:
        if self.broken:
            raise RuntimeError("the clock of this test is broken")
        return self.now


@pytest.fixture
def clock(bench: Bench) -> Clock:
    clock = Clock()
    bench.deps = replace(bench.deps, now=clock)
    return clock


@asynccontextmanager
async def from_address(client: httpx.AsyncClient, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Reach the same service from another address of loopback."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(base_url=client.base_url, transport=transport, trust_env=False) as other:
        yield other


def with_settings(bench: Bench, **changes: object) -> None:
    bench.deps = replace(bench.deps, settings=bench.deps.settings.model_copy(update=changes))


def by_proxy(client: str, scheme: str = "https") -> dict[str, str]:
    return {"X-Forwarded-For": client, "X-Forwarded-Proto": scheme, "X-Forwarded-Host": "evil.example"}


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE]


async def signed_in(browser: httpx.AsyncClient, base: str = "") -> str:
    """Sign in and give the CSRF token."""
    assert (await browser.post(f"{base}/login", data={"api_key": API_KEY})).status_code == 303
    return csrf_in((await browser.get(f"{base}/activity")).text)


def csrf_in(text: str) -> str:
    return text.split('name="csrf" value="')[1].split('"', maxsplit=1)[0]


def page_routes(method: str) -> Iterator[str]:
    """Give the path of every page that takes this method, with 1 for each id."""
    for route in all_routes(routes("")):
        outside = route.path.startswith(("/webhooks/", "/api/", "/healthz", "/readyz", "/metrics"))
        if not outside and method in (route.methods or ()):
            yield re.sub(r"\{[^}]+\}", "1", route.path)


def all_routes(found: list[BaseRoute], prefix: str = "") -> Iterator[Route]:
    for route in found:
        if isinstance(route, Mount):
            yield from all_routes(list(route.routes), prefix + route.path)
        elif isinstance(route, Route):
            yield Route(prefix + route.path, route.endpoint, methods=sorted(route.methods or ()))


async def test_wrong_keys_are_limited_and_forgiven_one_by_one(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        for _ in range(MOST_WRONG):
            assert (await client.get(STATUS, headers=WRONG)).status_code == 401
        for headers in (WRONG, RIGHT, {"Authorization": "Bearer another"}):
            refused = await client.get(STATUS, headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
            assert refused.headers["retry-after"] == str(int(FORGIVEN_EVERY.total_seconds()))
        clock.now += FORGIVEN_EVERY
        assert (await client.get(STATUS, headers=WRONG)).status_code == 401
        assert (await client.get(STATUS, headers=WRONG)).status_code == 429
        clock.now += FORGIVEN_EVERY
        for _ in range(3):
            assert (await client.get(STATUS, headers=RIGHT)).status_code == 200


async def test_a_missing_key_is_no_guess(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        for _ in range(MOST_WRONG * 2):
            assert (await client.get(STATUS)).status_code == 401
            assert (await client.post("/login", data={})).status_code == 401
        assert (await client.get(STATUS, headers=RIGHT)).status_code == 200


async def test_guesses_at_once_are_no_more_than_one_after_another(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        answers = await asyncio.gather(*(client.get(STATUS, headers=WRONG) for _ in range(MOST_WRONG * 3)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(401), codes.count(429)) == (MOST_WRONG, MOST_WRONG * 2)


async def test_the_login_form_and_the_api_share_one_limit(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        for _ in range(MOST_WRONG):
            wrong = await client.post("/login", data={"api_key": "wrong"})
            assert wrong.status_code == 401
            assert "That is not the API key." in wrong.text
        refused = await client.post("/login", data={"api_key": API_KEY})
        assert refused.status_code == 429
        assert "Too many wrong API keys came from this address; try again in 5 s." in refused.text
        assert refused.headers["retry-after"] == "5"
        assert "set-cookie" not in refused.headers
        assert (await client.get(STATUS, headers=RIGHT)).status_code == 429
        clock.now += FORGIVEN_EVERY
        assert (await client.post("/login", data={"api_key": API_KEY})).status_code == 303


async def test_failures_of_others_never_touch_a_right_key_a_session_or_a_webhook(bench: Bench, clock: Clock) -> None:
    arr = FakeArr()
    await bench.connect(arr)
    (entry,) = arr.webhooks.values()
    right, wrong = ("trailhook", entry.password.get_secret_value()), ("trailhook", "wrong")
    event = {"eventType": "Download", "movie": {"id": 7}}
    async with serving(bench.deps) as client, from_address(client, "127.0.0.2") as other:
        await signed_in(client)
        for _ in range(MOST_WRONG * 2):
            await client.get(STATUS, headers=WRONG)
            assert (await other.get(STATUS, headers=RIGHT)).status_code == 200
        assert (await client.get(STATUS, headers=RIGHT)).status_code == 429
        assert (await client.get("/activity")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        for _ in range(MOST_WRONG * 2):
            assert (await other.post("/webhooks/radarr", json=event, auth=wrong)).status_code == 401
        for sender in (client, other):
            assert (await sender.post("/webhooks/radarr", json=event, auth=right)).status_code == 202
        assert (await other.get(STATUS, headers=RIGHT)).status_code == 200


async def test_another_sites_login_form_locks_nobody_out(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as browser:
        for site in ("cross-site", "same-site") * MOST_WRONG:
            forged = await browser.post("/login", data={"api_key": "wrong"}, headers={"Sec-Fetch-Site": site})
            assert forged.status_code == 401
            assert "Another site sent this form" in forged.text
        own = {"Sec-Fetch-Site": "same-origin"}
        assert (await browser.post("/login", data={"api_key": API_KEY}, headers=own)).status_code == 303


async def test_a_wrong_key_is_logged_with_its_address_and_without_itself(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving(bench.deps) as client:
        await client.get(STATUS, headers=WRONG)
    said = "".join(capfd.readouterr())
    assert "wrong API key" in said
    assert "127.0.0.1" in said
    assert WRONG["X-Api-Key"] not in said


async def test_a_trusted_proxy_names_the_client(bench: Bench, clock: Clock) -> None:
    with_settings(bench, trusted_proxies=LOOPBACK)
    async with serving(bench.deps) as proxy:
        for number in range(MOST_WRONG):
            made_up = f"203.0.113.{number}, 198.51.100.1"
            assert (await proxy.get(STATUS, headers=WRONG | by_proxy(made_up))).status_code == 401
        assert (await proxy.get(STATUS, headers=WRONG | by_proxy("198.51.100.1"))).status_code == 429
        assert (await proxy.get(STATUS, headers=RIGHT | by_proxy("198.51.100.1"))).status_code == 429
        assert (await proxy.get(STATUS, headers=RIGHT | by_proxy("198.51.100.2"))).status_code == 200
        assert (await proxy.get(STATUS, headers=RIGHT)).status_code == 200


async def test_nobody_else_is_believed(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        for number in range(MOST_WRONG):
            assert (await client.get(STATUS, headers=WRONG | by_proxy(f"198.51.100.{number}"))).status_code == 401
        assert (await client.get(STATUS, headers=RIGHT | by_proxy("198.51.100.99"))).status_code == 429
        clock.now += timedelta(hours=1)
        entered = await client.post("/login", data={"api_key": API_KEY}, headers=by_proxy("198.51.100.1"))
        assert not cookie_of(entered)["secure"]


@pytest.mark.parametrize("scheme", ["http", "https", "HTTPS", "https, http", "javascript"])
@pytest.mark.parametrize("base", ["", BASE])
async def test_the_session_cookie_is_kept_to_our_paths_and_to_https(bench: Bench, scheme: str, base: str) -> None:
    with_settings(bench, trusted_proxies=LOOPBACK, url_base=base)
    async with serving(bench.deps) as proxy:
        proxy.headers.update(by_proxy("198.51.100.1", scheme))
        entered = await proxy.post(f"{base}/login", data={"api_key": API_KEY})
        assert (entered.status_code, entered.headers["location"]) == (303, f"{base}/")
        cookie = cookie_of(entered)
        assert (cookie["path"], cookie["samesite"].lower()) == (base or "/", "lax")
        assert cookie["httponly"]
        assert bool(cookie["secure"]) is scheme.lower().startswith("https")
        session = {"Cookie": f"{SESSION_COOKIE}={cookie.value}"}
        page = await proxy.get(f"{base}/activity", headers=session)
        assert page.status_code == 200
        left = await proxy.post(f"{base}/logout", data={"csrf": csrf_in(page.text)}, headers=session)
        assert (left.status_code, left.headers["location"]) == (303, f"{base}/login")
        gone = cookie_of(left)
        assert (gone.value, gone["path"], gone["max-age"]) == ("", base or "/", "0")


async def test_everything_works_below_a_url_base(bench: Bench) -> None:
    public = f"https://trailers.example{BASE}"
    with_settings(bench, trusted_proxies=LOOPBACK, url_base=BASE, public_url=public)
    arr = FakeArr(items={7: movie_item(7, bench.root)})
    await bench.refresh(await bench.connect(arr))
    (entry,) = arr.webhooks.values()
    assert entry.url == f"{public}/webhooks/radarr"
    async with serving(bench.deps) as proxy:
        assert (await proxy.get(BASE)).headers["location"] == f"{BASE}/"
        assert (await proxy.get(f"{BASE}/")).headers["location"] == f"{BASE}/login"
        assert (await proxy.get(f"{BASE}{STATUS}", headers=RIGHT)).status_code == 200
        auth = ("trailhook", entry.password.get_secret_value())
        for slash in ("", "/"):
            path = entry.url.removeprefix("https://trailers.example") + slash
            assert (await proxy.post(path, json={"eventType": "Test"}, auth=auth)).status_code == 200
        for outside in ("/", "/login", STATUS, "/healthz", f"{BASE}x/", "/trailXhook/here/login"):
            assert (await proxy.get(outside, headers=RIGHT)).status_code == 404
        await signed_in(proxy, BASE)
        seen = await crawl(proxy, f"{BASE}/")
    assert {f"{BASE}/static/trailhook.css", f"{BASE}/static/icon.svg", f"{BASE}/activity"} <= seen


async def crawl(browser: httpx.AsyncClient, start: str) -> set[str]:
    """Follow all links of our own, which must lead somewhere below the base; gives them."""
    seen, waiting = {start}, [start]
    while waiting:
        answer = await browser.get(waiting.pop(), follow_redirects=True)
        assert answer.status_code == 200, answer.url
        assert answer.url.path.startswith(f"{BASE}/")
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for attribute, link in re.findall(r'\b(href|src|action)="([^"]*)"', answer.text):
            if link.startswith(("https://", "http://", "#")):
                continue
            assert link.startswith(f"{BASE}/"), link
            path = link.partition("?")[0].partition("#")[0]
            if attribute != "action" and path not in seen:
                seen.add(path)
                waiting.append(path)
    return seen


def test_a_weak_key_ends_the_start_on_an_open_address(tmp_path: Path) -> None:
    key = "aaaaaaaaaaaaaaaaaaaaaaaa"
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    (kept / "api-key").write_text("secret\n")
    stores = {"DATABASE_URL": "postgresql://127.0.0.1:9/x", "REDIS_URL": "redis://127.0.0.1:9/0"}
    for command, settings in (
        ("up", {"DATA_DIR": str(tmp_path / "data"), "API_KEY": key}),
        ("up", {"DATA_DIR": str(kept)}),
        ("api", {"DATA_DIR": str(tmp_path / "data"), "API_KEY": key, "SECRET_KEY": new_secret_key(), **stores}),
    ):
        done = start(command, HOST="0.0.0.0", PORT=str(free_port()), **settings)
        assert done.returncode == 1, done
        (said,) = [line for line in done.stderr.splitlines() if line]
        assert said.startswith("error: The API key is easy to guess")
        assert "set TRAILHOOK_API_KEY to a long random text" in said
        assert key not in done.stderr + done.stdout


def start(command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRAILHOOK_")}
    environment |= {f"TRAILHOOK_{name}": value for name, value in settings.items()}
    arguments = [sys.executable, "-m", "app.cli", command]
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("host", "level"), [("127.0.0.1", "warning"), ("0.0.0.0", "problem")])
async def test_the_doctor_tells_of_a_weak_key(bench: Bench, host: str, level: str) -> None:
    with_settings(bench, host=host)
    weak = "abcabcabcabcabcabc"
    keys = Keys(SecretStr(weak), SecretStr(new_secret_key()))
    async with serving(bench.deps, keys=keys) as client:
        found = (await client.get("/api/v1/doctor", headers={"X-Api-Key": weak})).json()["findings"]
    assert [one["level"] for one in found if one["check"] == "api_key"] == [level]


async def test_a_new_key_ends_all_sessions(bench: Bench) -> None:
    keys = Keys(SecretStr(API_KEY), SecretStr(new_secret_key()))
    async with serving(bench.deps, keys=keys) as browser:
        await signed_in(browser)
        session = {"Cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}
    for changed, code in (
        (keys, 200),
        (replace(keys, api_key=SecretStr("another key of these tests")), 303),
        (replace(keys, secret_key=SecretStr(new_secret_key())), 303),
    ):
        async with serving(bench.deps, keys=changed) as browser:
            assert (await browser.get("/activity", headers=session)).status_code == code


async def test_a_session_that_somebody_made_up_is_none(bench: Bench) -> None:
    async with serving(bench.deps) as browser:
        await signed_in(browser)
        cookie = browser.cookies[SESSION_COOKIE]
        browser.cookies.clear()
        for forged in ("", "x", cookie[:-1], "A" + cookie, cookie.split(".")[0] + "..", API_KEY.replace(" ", "")):
            answer = await browser.get("/activity", headers={"Cookie": f"{SESSION_COOKIE}={forged}"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
            api = await browser.get(STATUS, headers={"Cookie": f"{SESSION_COOKIE}={forged}"})
            assert api.status_code == 401


async def test_every_page_needs_a_session_and_every_form_its_token(bench: Bench) -> None:
    await bench.refresh(await bench.connect(FakeArr(items={7: movie_item(7, bench.root)})))
    await bench.event(1, 7)
    before = await everything(bench)
    forms = [path for path in page_routes("POST") if path != "/login"]
    pages = [path for path in page_routes("GET") if path != "/login"]
    assert {"/logout", "/activity/1/replay"} <= set(forms)
    assert not any(list(page_routes(method)) for method in ("PUT", "PATCH", "DELETE"))
    async with serving(bench.deps) as browser:
        for method, paths in (("GET", pages), ("POST", forms)):
            for path in paths:
                answer = await browser.request(method, path)
                assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path
        token = await signed_in(browser)
        for path in forms:
            for forged in ({}, {"csrf": ""}, {"csrf": "wrong"}, {"csrf": token + "x"}, {"csrf": token[:-1]}):
                answer = await browser.post(path, data=forged)
                assert answer.status_code == 403, path
            assert (await browser.post(f"{path}?csrf={token}")).status_code == 403
        assert (await browser.get("/activity")).status_code == 200
    assert await everything(bench) == before


async def everything(bench: Bench) -> list[object]:
    tables = ("connection", "media", "event", "run", "setting", "item_sync")
    return [await bench.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]


async def test_signing_out_ends_the_session_also_for_a_copy_of_its_cookie_and_no_other(bench: Bench) -> None:
    async with serving(bench.deps) as browser, serving(bench.deps) as other:
        await signed_in(other)
        token = await signed_in(browser)
        copy = {"Cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}
        await browser.post("/logout", data={"csrf": token})
        assert SESSION_COOKIE not in browser.cookies
        for cookies in ({}, copy):
            assert (await browser.get("/activity", headers=cookies)).headers["location"] == "/login"
        assert (await browser.post("/settings", data={"csrf": token}, headers=copy)).headers["location"] == "/login"
        assert (await browser.get("/api/v1/stream", headers=copy)).status_code == 401
        assert (await other.get("/activity")).status_code == 200


async def test_ended_sessions_are_kept_as_long_as_their_cookies_live(bench: Bench) -> None:
    old, new = b"old", b"new"
    async with bench.deps.db.transaction() as tx:
        await sessions.end(tx, old, timedelta(days=30))
    await bench.rows("UPDATE ended_session SET ended_at = now() - interval '31 days' RETURNING 1")
    async with bench.deps.db.transaction() as tx:
        await sessions.end(tx, new, timedelta(days=30))
        assert [await sessions.has_ended(tx, one) for one in (old, new)] == [False, True]


@pytest.mark.parametrize("base", ["", BASE])
async def test_an_unknown_address_is_a_page_for_browsers_and_json_for_programs(bench: Bench, base: str) -> None:
    with_settings(bench, url_base=base)
    async with serving(bench.deps) as client:
        page = await client.get(f"{base}/nothing", headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "nothing at this address" in page.text
        assert f'href="{base}/"' in page.text
        check_headers(page.headers)
        for accept in ("*/*", "application/json"):
            answer = await client.get(f"{base}/nothing", headers={"Accept": accept})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def check_headers(headers: httpx.Headers) -> None:
    for name, value in HEADERS.items():
        assert headers.get_list(name) == [value]
    (policy,) = headers.get_list("content-security-policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert set(rules.get("script-src", "'self'").split()) == {"'self'"}
    assert "unsafe" not in policy
    assert "*" not in policy


async def test_every_answer_has_the_security_headers(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        await signed_in(client)
        for path, code in (
            ("/", 200),
            ("/login", 200),
            ("/static/trailhook.css", 200),
            ("/static/nothing.css", 404),
            ("/static/", 404),
            ("/static/%2e%2e/auth.py", 404),
            ("/nothing", 404),
            ("/logout", 405),
            ("/healthz", 200),
            ("/readyz", 200),
            (STATUS, 401),
            ("/api/v1/nothing", 401),
        ):
            answer = await client.get(path)
            assert answer.status_code == code, path
            check_headers(answer.headers)
        for _ in range(MOST_WRONG):
            await client.get(STATUS, headers=WRONG)
        limited = await client.get(STATUS, headers=WRONG)
        assert limited.status_code == 429
        check_headers(limited.headers)
        check_headers((await client.post("/login", data={"api_key": "x" * 200_000})).headers)
        check_headers((await client.post("/webhooks/nothing", content=b"{}")).headers)
        client.cookies.clear()
        away = await client.get("/activity")
        assert away.status_code == 303
        check_headers(away.headers)


async def test_a_bug_and_a_request_that_is_none_have_them_too(bench: Bench, clock: Clock) -> None:
    async with serving(bench.deps) as client:
        clock.broken = True
        failed = await client.get(STATUS, headers=RIGHT)
        assert failed.status_code == 500
        check_headers(failed.headers)
        assert "broken" not in failed.text
        refused = await raw(client, b"nonsense\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 400 ")
        named = (line.partition(": ") for line in refused.partition(b"\r\n\r\n")[0].decode().splitlines()[1:])
        check_headers(httpx.Headers([(name, value) for name, _, value in named]))


async def raw(client: httpx.AsyncClient, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port, family=socket.AF_INET)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_no_page_carries_anything_that_the_policy_forbids(bench: Bench) -> None:
    await bench.refresh(await bench.connect(FakeArr(items={7: movie_item(7, bench.root)})))
    async with serving(bench.deps) as browser:
        await signed_in(browser)
        for path in page_routes("GET"):
            page = await browser.get(path)
            assert page.status_code == 200, path
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.text), path
            assert not re.search(r'(src|action)="(https?:)?//', page.text), path
