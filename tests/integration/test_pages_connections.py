"""The pages on which a person connects an Arr, looks after it, changes it and lets it go."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import ArrRejected, ArrUnauthorized, ArrUnreachable
from tests.fakes import FakeArr, movie_item
from tests.integration.browsing import Browser, browsing
from tests.integration.conftest import Bench

URL = "http://radarr.example:7878"
KEY = "the secret key of radarr"
Fields = dict[str, str | list[str]]


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[Browser]:
    async with browsing(bench.deps) as opened:
        yield opened


def typed(**changes: str | list[str]) -> Fields:
    """What a browser sends of the form of a new connection; an unticked box is not sent."""
    fields: Fields = {
        "arr_type": "radarr",
        "url": URL,
        "api_key": KEY,
        "name": "",
        "monitor_type": "missing",
        "path_from": ["", "", ""],
        "path_to": ["", "", ""],
        "verify_tls": "yes",
        "register_webhook": "yes",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value != "unticked"}


def fault(answer: httpx.Response, name: str) -> str:
    """What the form says at a field."""
    found = re.search(rf'id="fault-{re.escape(name)}">([^<]*)<', answer.text)
    assert found is not None, answer.text
    return found[1].replace("&#39;", "'")


async def add(bench: Bench, browser: Browser, arr: FakeArr, **changes: str | list[str]) -> httpx.Response:
    bench.arrs.arrs[URL] = arr
    return await browser.send("/connections/new", typed(**changes))


async def test_a_connection_is_added_and_its_first_reconciliation_followed(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in (1, 2)}, roots=[str(bench.root)])
    added = await add(bench, browser, arr)
    assert added.headers["location"] == "/connections/1/added"
    assert "trailhook_added" not in added.headers.get("set-cookie", "")
    page = await browser.follow(added)
    assert "Registered in Radarr as <b>Trailhook (radarr)</b>" in page
    assert 'http-equiv="refresh"' in page
    assert "Still to do" not in page
    assert list(arr.webhooks) == [1]
    assert arr.webhooks[1].password.get_secret_value() not in page
    await bench.refresh(1)
    page = await browser.open("/connections/1/added")
    assert 'http-equiv="refresh"' not in page
    assert "2 titles, 2 of them want a trailer; at about one every 80 s that takes about 3 minutes." in page
    ((stored,),) = await bench.rows("SELECT api_key FROM connection")
    assert bench.deps.vault.decrypt(stored).get_secret_value() == KEY


async def test_what_has_to_be_entered_by_hand_is_shown_once(bench: Bench, browser: Browser) -> None:
    arr = FakeArr()
    added = await add(bench, browser, arr, name="4K", register_webhook="unticked")
    cookie = next(one for one in added.headers.get_list("set-cookie") if "trailhook_added" in one).lower()
    assert "path=/connections/1/added;" in cookie
    assert "httponly" in cookie
    page = await browser.follow(added)
    ((encrypted,),) = await bench.rows("SELECT webhook_password FROM connection")
    password = bench.deps.vault.decrypt(encrypted).get_secret_value()
    assert f"<code>{password}</code>" in page
    assert password not in str(added.headers)
    assert "/webhooks/4k</code>" in page
    assert "<code>trailhook</code>" in page
    assert 'http-equiv="refresh"' not in page
    again = await browser.open("/connections/1/added")
    assert password not in again
    assert "is not shown again" in again
    assert 'http-equiv="refresh"' in again
    assert arr.webhooks == {}
    assert "Set up by hand" in await browser.open("/connections")


async def test_a_webhook_that_cannot_be_registered_is_told_with_the_way_by_hand(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(webhook_error=ArrRejected("Radarr says: Unable to send test message."))
    page = await browser.follow(await add(bench, browser, arr))
    assert page.count("Radarr says: Unable to send test message.") == 1
    assert "shown only now" in page
    listed = await browser.open("/connections")
    assert "Not registered" in listed
    assert "Radarr says: Unable to send test message." in listed
    arr.webhook_error = None
    assert "is registered in Radarr." in await browser.follow(await browser.send("/connections/1/webhook"))
    assert list(arr.webhooks) == [1]


async def test_roots_that_are_not_here_are_told_with_the_likely_mapping(
    bench: Bench, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "Anime").mkdir()
    arr = FakeArr(roots=["/films", "/anime", "/nowhere"])
    mapped: dict[str, str | list[str]] = {"path_from": ["/films"], "path_to": [str(bench.root)]}
    page = await browser.follow(await add(bench, browser, arr, **mapped))
    assert "Still to do" in page
    assert "/films</code>" not in page
    assert "--map" not in page
    assert "<code>/nowhere</code></li>" in page
    assert 'href="/connections/1/edit?suggest=1#paths"' in page
    suggested = await browser.open("/connections/1/edit?suggest=1")
    assert [re.findall(rf'name="{name}"[^>]* value="([^"]*)"', suggested)[:3] for name in ("path_from", "path_to")] == [
        ["/films", "/anime", "/nowhere"],
        [str(bench.root), "", ""],
    ]
    plain = await browser.open("/connections/1/edit")
    assert "/nowhere" not in plain


async def test_what_is_shown_once_fits_a_cookie_however_much_it_is(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(roots=[f"/映画/{number}/{'長' * 40}" for number in range(60)])
    added = await add(bench, browser, arr, register_webhook="unticked")
    (cookie,) = (one for one in added.headers.get_list("set-cookie") if "trailhook_added" in one)
    assert len(cookie) < 4096
    page = await browser.follow(added)
    assert "shown only now" in page
    assert f"<code>/映画/0/{'長' * 40}</code>" in page


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"url": "radarr:7878"}, "url", "begin the address with http:// or https://"),
        ({"url": f"{URL}/api/v3"}, "url", "leave /api/v3 out"),
        ({"api_key": "two\nlines"}, "api_key", "copy the API key again"),
        ({"name": "x" * 61}, "name", "60"),
        ({"arr_type": "lidarr"}, "arr_type", "radarr"),
        ({"monitor_type": "all"}, "monitor_type", "missing"),
        ({"path_from": ["", "/a", "b"], "path_to": ["", "/a", "/b"]}, "path_mappings.1.path_from", "full path"),
        ({"path_from": ["/a"], "path_to": [""]}, "path_mappings.0.path_to", "full path on this machine"),
        ({"ca_file": "ca.pem"}, "ca_file", "full path"),
        ({"policy.max_height": "high"}, "policy.max_height", "integer"),
        ({"policy.search": "perhaps"}, "policy.search", "boolean"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    bench: Bench, browser: Browser, changes: Fields, field: str, words: str
) -> None:
    answer = await add(bench, browser, FakeArr(), **{"name": 'My "4K"', "register_webhook": "unticked", **changes})
    assert answer.status_code == 422
    assert words in fault(answer, field)
    assert 'aria-invalid="true"' in answer.text
    assert f'aria-describedby="fault-{field}' in answer.text
    assert KEY not in answer.text
    assert "two\nlines" not in answer.text
    shown = {"name": 'My "4K"', "url": URL, **changes}
    for name in ("name", "url"):
        value = str(shown[name]).replace('"', "&#34;")
        assert f'value="{value}"' in answer.text
    assert re.search(r'name="register_webhook" value="yes" >', answer.text)
    assert await bench.rows("SELECT 1 FROM connection") == []


@pytest.mark.parametrize(
    ("error", "field"),
    [(ArrUnauthorized("Radarr's key is refused."), "api_key"), (ArrUnreachable("Nobody answers."), "url")],
)
async def test_what_the_app_answers_is_told_at_the_field_too(
    bench: Bench, browser: Browser, error: Exception, field: str
) -> None:
    answer = await add(bench, browser, FakeArr(error=error))
    assert (answer.status_code, fault(answer, field)) == (422, str(error))
    assert KEY not in answer.text
    assert await bench.rows("SELECT 1 FROM connection") == []


async def test_a_name_that_is_taken_is_told_at_the_name(bench: Bench, browser: Browser) -> None:
    await bench.connect(FakeArr(), "Films")
    answer = await add(bench, browser, FakeArr(), name="Films")
    assert answer.status_code == 409
    assert "A connection like 'Films' exists already" in fault(answer, "name")


async def test_the_list_says_how_each_is_doing(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in (1, 2)})
    connection = await bench.connect(arr, path_mappings=[{"path_from": "/x", "path_to": "/y"}], verify_tls=False)
    page = await browser.open("/connections")
    assert "Waiting to begin." in page
    await bench.refresh(connection)
    await bench.event(connection, 1)
    page = await browser.open("/connections")
    assert 'class="status is-downloaded">healthy<' in page
    assert "Radarr 6.0.4.10291" in page
    assert "Registered," in page
    assert "last event <time" in page
    assert ">2 monitored</a>" in page
    assert "2 titles, 2 new, 0 changed, 0 deleted." in page
    assert "<code>/x</code> is <code>/y</code> here" in page
    assert "certificate is not checked" not in page
    await bench.rows("UPDATE connection SET url = replace(url, 'http:', 'https:') RETURNING 1")
    assert "certificate is not checked" in await browser.open("/connections")
    await bench.rows(
        "UPDATE connection SET down_since = now() - interval '3 min', probe_at = now() + interval '40 s', "
        "last_error = 'Nobody answers.', webhook_blocked = true RETURNING 1"
    )
    page = await browser.open("/connections")
    assert "not reachable" in page
    assert re.search(r"Nobody answers\. First failed <time[^>]*>3 min ago</time>; next try <time[^>]*>in \d\d s<", page)
    assert "Muted by Radarr" in page
    assert "Trailhook has it tested, which ends that." in page


async def test_held_deletions_are_deleted_only_by_their_own_button(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(items={n: movie_item(n, bench.root, f"Film {n}") for n in range(1, 11)})
    connection = await bench.connect(arr)
    await bench.refresh(connection)
    answer = await browser.send("/connections/1/reconcile", {"accept_deletions": "yes"})
    assert "holds no deletions" in await browser.follow(answer)
    arr.items = {}
    assert (await bench.refresh(connection)).held_deletions == 10
    page = await browser.open("/connections")
    assert "10 deletions held." in page
    assert "Delete the 10 held" in page
    waiting = "SELECT cardinality(accepted_ids) FROM run WHERE started_at IS NULL"
    assert "begins within seconds" in await browser.follow(await browser.send("/connections/1/reconcile"))
    assert await bench.rows(waiting) == [(0,)]
    await browser.send("/connections/1/reconcile", {"accept_deletions": "yes"})
    assert await bench.rows(waiting) == [(10,)]


async def test_a_connection_is_tested_disabled_and_enabled(bench: Bench, browser: Browser) -> None:
    arr = FakeArr()
    await bench.connect(arr)
    assert f"Radarr 6.0.4.10291 answers at {URL}." in await browser.follow(await browser.send("/connections/1/test"))
    arr.error = ArrUnreachable("Nobody answers at <b>radarr</b>.")
    sent = await browser.send("/connections/1/test")
    page = await browser.client.get(sent.headers["location"])
    assert '<p class="notice is-problem" role="status">Nobody answers at &lt;b&gt;radarr&lt;/b&gt;.</p>' in page.text
    off = await browser.follow(await browser.send("/connections/1/switch", {"enabled": "no"}))
    assert "is disabled" in off
    assert 'aria-label="Enable: Radarr"' in off
    assert "/connections/1/reconcile" not in off
    assert await bench.rows("SELECT enabled FROM connection") == [(False,)]
    await browser.send("/connections/1/switch", {"enabled": "yes"})
    assert await bench.rows("SELECT enabled FROM connection") == [(True,)]


async def test_the_form_of_a_connection_is_as_it_is_and_saves_what_changed(bench: Bench, browser: Browser) -> None:
    mapping = {"path_from": "/films", "path_to": "/mnt/films"}
    changes: dict[str, Any] = {
        "path_mappings": [mapping],
        "monitor_type": "new",
        "policy": {"max_height": 720, "search": False},
    }
    await bench.connect(FakeArr(), **changes)
    before = await bench.rows("SELECT connection::text FROM connection")
    page = await browser.open("/connections/1/edit")
    for shown in (f'value="{URL}"', 'value="Radarr"', 'value="/films"', 'value="/mnt/films"', 'value="720"'):
        assert shown in page
    assert 'value="new" required checked' in page
    assert re.search(r'value="no" selected>', page)
    assert 'type="password"' in page
    assert "arr key" not in page
    same = typed(
        api_key="",
        name="Radarr",
        monitor_type="new",
        path_from=["/films", ""],
        path_to=["/mnt/films", ""],
        **{"policy.max_height": "720", "policy.search": "no"},
    )
    saved = await browser.follow(await browser.send("/connections/1/edit", same))
    assert "Radarr is saved." in saved
    assert await bench.rows("SELECT connection::text FROM connection") == before
    other = {**same, "name": "Films", "policy.max_height": "", "path_from": [""], "path_to": [""], "ca_file": "/ca.pem"}
    del other["verify_tls"]
    saved = await browser.follow(await browser.send("/connections/1/edit", other))
    assert "Films is saved; its titles are decided anew" in saved
    columns = "SELECT name, policy, path_mappings, ca_file, verify_tls, monitor_type FROM connection"
    assert await bench.rows(columns) == [("Films", {"search": False}, [], "/ca.pem", False, "new")]
    ((key,),) = await bench.rows("SELECT api_key FROM connection")
    assert bench.deps.vault.decrypt(key).get_secret_value() == "arr key"


async def test_a_change_that_does_not_work_is_told_and_not_saved(bench: Bench, browser: Browser) -> None:
    arr = FakeArr()
    await bench.connect(arr)
    await bench.connect(FakeArr(), "Other")
    before = await bench.rows("SELECT connection::text FROM connection ORDER BY id")
    arr.error = ArrUnauthorized("Radarr refuses the key.")
    answer = await browser.send("/connections/1/edit", typed(name="Radarr"))
    assert (answer.status_code, fault(answer, "api_key")) == (422, "Radarr refuses the key.")
    assert KEY not in answer.text
    answer = await browser.send("/connections/1/edit", typed(name="Other", api_key=""))
    assert answer.status_code == 409
    assert "A connection like 'Other' exists already" in fault(answer, "name")
    assert await bench.rows("SELECT connection::text FROM connection ORDER BY id") == before


async def test_deleting_says_what_happens_first(bench: Bench, browser: Browser) -> None:
    arr = FakeArr(items={1: movie_item(1, bench.root)})
    await bench.refresh(await bench.connect(arr))
    page = await browser.open("/connections/1/delete")
    for words in ("Delete Radarr?", "Its 1 title ", "entry is removed from Radarr", "trailer files stay"):
        assert words in page
    assert await bench.rows("SELECT deleted_at FROM connection") == [(None,)]
    after = await browser.follow(await browser.send("/connections/1/delete"))
    assert "Radarr is deleted; its trailers stay where they are." in after
    assert "Welcome to Trailhook" in after
    assert arr.webhooks == {}
    await browser.open("/connections/1/delete", 404)


async def test_what_is_left_to_do_by_hand_is_told_after_deleting(bench: Bench, browser: Browser) -> None:
    await bench.connect(FakeArr(), register_webhook=False)
    assert "stays there: remove it yourself" in await browser.open("/connections/1/delete")
    after = await browser.follow(await browser.send("/connections/1/delete"))
    assert "Remove its webhook under Settings > Connect in Radarr yourself" in after
