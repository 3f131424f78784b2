"""Our entry in an Arr's Connect list: which one is ours, and what is done about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.addresses import Ways, found_elsewhere, likely_addresses, likely_obstacle, webhook_doubt
from app.domain.slugs import free_slug
from app.domain.webhook_entry import (
    EntryFacts,
    Step,
    after_refusal,
    entry_name,
    find_ours,
    is_blocked,
    next_step,
    notice_of,
    tells_blocks,
)
from app.domain.webhook_events import parse_version
from schemas.arr.common import HealthIssue, Notification
from schemas.base import ArrType

URL = "http://trailhook:7979/webhooks/films"
EVENTS = {"onDownload": True, "onGrab": False}


def an_entry(number: int = 4, url: str = URL, name: str = "Trailhook (films)", **changes: object) -> Notification:
    fields = {"url": url, "method": 1, "password": "********", **changes}
    listed = [{"name": key, "value": value} for key, value in fields.items()]
    return Notification.model_validate({"id": number, "name": name, **EVENTS, "fields": listed})


def facts(**changes: object) -> EntryFacts:
    known = EntryFacts(an_entry(), 4, URL, EVENTS, blocked=False, health_known=True)
    return replace(known, **changes)  # type: ignore[arg-type]  # the tests name the fields


ELSEWHERE = an_entry(url="http://proxy/webhooks/films")


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (facts(), Step.LEAVE),
        (facts(ours=None), Step.REGISTER),
        (facts(ours=None, stored_id=None), Step.REGISTER),
        (facts(stored_id=None), Step.RESTORE),
        (facts(ours=an_entry(method=2)), Step.RESTORE),
        (facts(ours=an_entry(password="")), Step.RESTORE),
        (facts(ours=an_entry().model_copy(update={"events": {"onDownload": False}})), Step.RESTORE),
        (facts(ours=an_entry().model_copy(update={"events": {"onGrab": True}})), Step.RESTORE),
        (facts(ours=an_entry().model_copy(update={"events": {"onDownload": True}})), Step.LEAVE),
        (facts(ours=an_entry(username="me")), Step.LEAVE),
        (facts(restored=True), Step.TEST),
        (facts(ours=an_entry(method=2), restored=True), Step.TEST),
        (facts(blocked=True), Step.TEST),
        (facts(blocked=True, tested=True), Step.LEAVE),
        (facts(blocked=True, tested=False), Step.TAKE_BACK),
        (facts(blocked=True, tested=False, taken_back=True), Step.GIVE_UP),
        (facts(health_known=False), Step.TEST),
        (facts(ours=ELSEWHERE), Step.TEST),
        (facts(ours=ELSEWHERE, tested=True), Step.LEAVE),
        (facts(ours=ELSEWHERE, tested=False), Step.TAKE_BACK),
    ],
)
def test_the_next_step(known: EntryFacts, step: Step) -> None:
    assert next_step(known) is step


@pytest.mark.parametrize("ours", [None, an_entry(method=2), an_entry(), ELSEWHERE])
@pytest.mark.parametrize("blocked", [True, False])
def test_refusals_end_a_round(ours: Notification | None, blocked: bool) -> None:
    known = facts(ours=ours, blocked=blocked, health_known=False)
    steps: list[Step] = []
    while (step := next_step(known)) is not Step.GIVE_UP:
        steps.append(step)
        known = after_refusal(known, step)
        assert len(steps) < 5
    assert steps
    assert len(set(steps)) == len(steps)


def test_what_was_refused_with_our_own_address_is_not_sent_again() -> None:
    known = after_refusal(facts(ours=an_entry(method=2)), Step.RESTORE)
    assert next_step(known) is Step.GIVE_UP
    known = after_refusal(facts(ours=an_entry(url=ELSEWHERE.field("url"), method=2)), Step.RESTORE)  # type: ignore[arg-type]  # a string
    assert next_step(known) is Step.TAKE_BACK


def test_the_stored_entry_is_ours_with_our_name_or_path() -> None:
    other = an_entry(5, "http://other/hook", "Other")
    assert find_ours([other, ELSEWHERE], 4, URL) is ELSEWHERE
    renamed = an_entry(4, "http://proxy/in/webhooks/films/", "Mine")
    assert find_ours([other, renamed], 4, URL) is renamed
    behind = an_entry(4, "http://proxy/other-path")
    assert find_ours([behind], 4, URL) is behind
    assert find_ours([an_entry(4, "http://other/hook", "Other")], 4, URL) is None


def test_without_a_stored_one_only_our_own_address_is_ours() -> None:
    assert find_ours([ELSEWHERE, an_entry(9)], None, URL) == an_entry(9)
    assert find_ours([ELSEWHERE], None, URL) is None
    assert find_ours([an_entry(9)], 4, URL) == an_entry(9)
    assert find_ours([an_entry(3, "http://[::1/webhooks/films", "x")], 3, URL) is None


def test_names_are_unique_in_any_case() -> None:
    assert entry_name("films") == "Trailhook (films)"
    assert entry_name("films", ["TRAILHOOK (FILMS)", "Trailhook (films) 2"]) == "Trailhook (films) 3"


@pytest.mark.parametrize(
    ("message", "blocked"),
    [
        ("Notifications unavailable due to failures: Mail, Trailhook (films)", True),
        ("Notifications unavailable due to failures: Mail", False),
        ("All notifications are unavailable due to failures", True),
        ("Alle Benachrichtigungen sind wegen Fehlern nicht verfügbar", True),
    ],
)
def test_a_block_is_read_from_the_health(message: str, blocked: bool) -> None:
    issue = HealthIssue(source="NotificationStatusCheck", message=message)
    assert is_blocked([HealthIssue(source="IndexerStatusCheck", message="x"), issue], "Trailhook (films)") is blocked
    assert not is_blocked([HealthIssue(source="IndexerStatusCheck", message=message)], "Trailhook (films)")


@pytest.mark.parametrize(
    ("arr_type", "version", "tells"),
    [
        (ArrType.RADARR, "6.0.4.10291", True),
        (ArrType.RADARR, "4.7.5.7809", False),
        (ArrType.SONARR, "4.0.0.741", True),
        (ArrType.SONARR, "3.0.10.1567", False),
        (ArrType.SONARR, "develop", True),
    ],
)
def test_old_versions_tell_of_no_block(arr_type: ArrType, version: str, tells: bool) -> None:
    assert tells_blocks(arr_type, parse_version(version)) is tells


def test_what_a_user_changed_is_told() -> None:
    assert notice_of(facts(), "Radarr") is None
    tagged = ELSEWHERE.model_copy(update={"tags": [3]})
    notice = notice_of(facts(ours=tagged), "Radarr")
    assert notice is not None
    assert "http://proxy/webhooks/films" in notice
    assert "tags" in notice


@pytest.mark.parametrize(
    ("url", "likely"),
    [
        ("http://nas:7878", ("http://nas:7878/radarr",)),
        ("http://nas/films", ("http://nas/radarr", "http://nas")),
        ("http://nas/radarr", ("http://nas",)),
        ("https://[::1]:7878/x", ("https://[::1]:7878/radarr", "https://[::1]:7878")),
    ],
)
def test_likely_addresses_are_on_the_same_host(url: str, likely: tuple[str, ...]) -> None:
    assert likely_addresses(url, ArrType.RADARR) == likely


def test_the_right_address_is_told() -> None:
    under = found_elsewhere("http://nas", "http://nas/radarr", ArrType.RADARR)
    assert under == "Radarr answers under /radarr: use http://nas/radarr."
    assert found_elsewhere("http://nas/x", "http://nas", ArrType.RADARR) == "Radarr answers without /x: use http://nas."


@pytest.mark.parametrize(
    ("base", "url_base", "in_docker", "words"),
    [
        ("http://127.0.0.1:7979", "", True, "runs in Docker"),
        ("http://localhost:7979", "", True, "TRAILHOOK_PUBLIC_URL"),
        ("http://[::1]:7979", "", True, "runs in Docker"),
        ("http://127.0.0.1:7979", "", False, None),
        ("http://trailhook:7979", "", True, None),
        ("http://trailhook:7979/hook", "/hook", True, None),
        ("http://trailhook:7979/hook", "", False, "ends in /hook while Trailhook answers under /"),
        ("http://trailhook:7979", "/hook", False, "ends in / while Trailhook answers under /hook"),
    ],
)
def test_an_address_that_will_not_be_reached(base: str, url_base: str, in_docker: bool, words: str | None) -> None:
    ways = Ways(base, url_base, "0.0.0.0", "http://127.0.0.1:7878")
    doubt = webhook_doubt(ways, ArrType.RADARR, in_docker=in_docker)
    assert (doubt is None) if words is None else (doubt is not None and words in doubt)


@pytest.mark.parametrize(
    ("base", "host", "arr_url", "words"),
    [
        ("http://192.0.2.2:7979", "127.0.0.1", "http://127.0.0.1:7878", "set TRAILHOOK_HOST=0.0.0.0"),
        ("http://192.0.2.2:7979", "0.0.0.0", "http://127.0.0.1:7878", None),
        ("http://127.0.0.1:7979", "127.0.0.1", "http://nas:7878", "on another machine"),
        ("http://127.0.0.1:7979", "127.0.0.1", "http://localhost:7878", None),
    ],
)
def test_where_we_listen_and_where_the_arr_is(base: str, host: str, arr_url: str, words: str | None) -> None:
    doubt = likely_obstacle(Ways(base, "", host, arr_url), ArrType.RADARR)
    assert (doubt is None) if words is None else (doubt is not None and words in doubt)


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Radarr 4K", {}, "radarr-4k"),
        ("4k", {"4k": "4K"}, None),
        ("4K!", {"4k": "4K"}, None),
        ("4K", {"4k": "Renamed"}, "4k-2"),
        ("映画", {}, "radarr"),
        ("映画", {"radarr": "Radarr"}, "radarr-2"),
        ("映画", {"radarr": "Radarr", "radarr-2": "電影"}, "radarr-3"),
        ("Radarr", {"radarr": "映画"}, "radarr-2"),
    ],
)
def test_slugs_of_new_connections(name: str, taken: dict[str, str], slug: str | None) -> None:
    assert free_slug(name, "radarr", taken) == slug
