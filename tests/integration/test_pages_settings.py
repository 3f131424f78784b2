"""The pages of the settings and of the checks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.db.settings import stored
from app.errors import ArrUnreachable
from app.pipeline.settings import get_settings
from app.settings import Settings
from app.web.pages.wording import ago, codes, folded, until
from schemas.settings import SettingsUpdate, Tunables
from tests.fakes import FakeArr
from tests.integration.browsing import Browser, browsing
from tests.integration.conftest import Bench


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[Browser]:
    async with browsing(bench.deps) as opened:
        yield opened


def as_shown(page: str) -> dict[str, str | list[str]]:
    """What a browser would send of the settings' form as it is; a field that is disabled is not sent."""
    inputs = re.findall(r'<input id="(\w+)" name="\w+" type="\w+" value="([^"]*)"([^>]*)>', page)
    selects = re.findall(r'<select id="(\w+)"([^>]*)>.*?value="(\w+)" selected', page, re.DOTALL)
    fields = [(name, value, rest) for name, value, rest in inputs] + [
        (name, value, rest) for name, rest, value in selects
    ]
    return {name: value for name, value, rest in fields if " disabled" not in rest}


async def values(bench: Bench) -> Tunables:
    return (await get_settings(bench.deps)).values


async def chosen(bench: Bench) -> dict[str, Any]:
    """What the database keeps."""
    async with bench.deps.db.transaction() as tx:
        return await stored(tx)


async def test_each_setting_is_shown_and_saved_where_it_was_changed(bench: Bench, browser: Browser) -> None:
    page = await browser.open("/settings")
    fields = as_shown(page)
    assert fields.keys() == SettingsUpdate.model_fields.keys()
    assert (fields["download_gap"], fields["policy_search"], fields["max_delete_share"]) == ("10s", "true", "0.2")
    assert "Nothing was changed." in await browser.follow(await browser.send("/settings", fields))
    assert await chosen(bench) == {}
    changed = {
        "download_gap": "2m",
        "policy_max_height": "720",
        "policy_search": "false",
        "max_delete_share": "0.5",
        "policy_prefer": "quality",
        "policy_languages": "de, en",
        "policy_skip_tags": "kids, no trailer",
    }
    saved = await browser.follow(await browser.send("/settings", {**fields, **changed}))
    assert "The settings are saved." in saved
    assert as_shown(saved) == {**fields, **changed}
    now = await values(bench)
    assert (now.download_gap.total_seconds(), now.policy_max_height, now.policy_search) == (120, 720, False)
    assert now.max_delete_share == 0.5
    assert (now.policy_languages, now.policy_skip_tags) == (("de", "en"), ("kids", "no trailer"))
    assert saved.count("Back to the default, ") == len(changed)
    back = await browser.follow(await browser.send("/settings/reset", {"key": "download_gap"}))
    assert as_shown(back)["download_gap"] == "10s"
    assert (await values(bench)).policy_max_height == 720


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("download_gap", "soon", "write a number with a unit"),
        ("reconcile_interval", "1s", "write a time from"),
        ("policy_max_height", "tall", "valid integer"),
        ("policy_max_height", "99999", "less than or equal to 4320"),
        ("max_delete_share", "1.5", "less than or equal to 1"),
        ("policy_search", "perhaps", "valid boolean"),
        ("policy_prefer", "size", "Input should be"),
        ("policy_languages", "english", "two-letter language codes"),
        ("policy_min_seconds", "700", "is above policy_max_seconds"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_is_saved(
    bench: Bench, browser: Browser, field: str, text: str, words: str
) -> None:
    fields = as_shown(await browser.open("/settings"))
    answer = await browser.send("/settings", {**fields, "event_retention": "7d", field: text})
    assert answer.status_code == 422
    told = re.search(rf'id="fault-{field}">([^<]*)<', answer.text)
    assert told is not None
    assert words in told[1]
    assert 'value="7d"' in answer.text
    assert text in {"perhaps", "size"} or f'value="{text}"' in answer.text
    assert await chosen(bench) == {}


async def test_what_the_environment_sets_can_only_be_read(bench: Bench) -> None:
    settings = Settings(data_dir=bench.deps.settings.data_dir, policy_max_height=480)
    bench.deps = replace(bench.deps, settings=settings)
    async with browsing(bench.deps) as browser:
        page = await browser.open("/settings")
        assert "policy_max_height" not in as_shown(page)
        assert "Set by <code>TRAILHOOK_POLICY_MAX_HEIGHT</code> in the environment" in page
        assert re.search(r'id="policy_max_height"[^>]*value="480"[^>]*disabled', page)
        await browser.send("/settings", {**as_shown(page), "policy_max_height": "720"})
        assert await chosen(bench) == {}
        refused = await browser.follow(await browser.send("/settings/reset", {"key": "policy_max_height"}))
        assert "TRAILHOOK_POLICY_MAX_HEIGHT is set in the environment" in refused
        await browser.follow(await browser.send("/settings/reset", {"key": "api_key"}))


async def test_the_connections_form_shows_the_defaults_of_the_settings(bench: Bench, browser: Browser) -> None:
    fields = as_shown(await browser.open("/settings"))
    await browser.send("/settings", {**fields, "policy_max_height": "720"})
    assert 'placeholder="720' in await browser.open("/connections/new")


async def test_the_checks_are_shown_with_their_remedies_the_worst_first(bench: Bench, browser: Browser) -> None:
    await bench.connect(FakeArr(error=None))
    bench.arrs.arrs["http://radarr.example:7878"].error = ArrUnreachable("Nobody answers; start <b>Radarr</b>.")
    answer: httpx.Response = await browser.client.get("/health")
    assert answer.status_code == 200
    assert "Nobody answers; start &lt;b&gt;Radarr&lt;/b&gt;." in answer.text
    levels = re.findall(r'class="status is-(\w+)"', answer.text)
    assert levels == sorted(levels, key=["problem", "warning", "ok"].index)
    assert levels[0] == "problem"
    problems = levels.count("problem")
    assert re.search(rf"<h1>{problems} problem{'' if problems == 1 else 's'}", answer.text)
    assert "<code>trailhook worker</code>" in answer.text


def test_texts_are_made_for_people(bench: Bench) -> None:
    now = bench.deps.now()
    seconds = {2: "just now", 90: "90 s ago", 600: "10 min ago", 10_000: "3 h ago", 600_000: "7 days ago"}
    for back, said in seconds.items():
        assert ago(now.fromtimestamp(now.timestamp() - back, now.tzinfo), now) == said
    assert until(now, now) == "now"
    assert codes("Run `a <b>`, then <i>.") == "Run <code>a &lt;b&gt;</code>, then &lt;i&gt;."
    assert codes("a ` b") == "a ` b"
    assert folded("short (as it is)") == ("short (as it is)", "")
    assert folded("It failed this time. (" + "x" * 200 + ")") == ("It failed this time.", "(" + "x" * 200 + ")")
