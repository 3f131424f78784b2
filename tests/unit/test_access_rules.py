"""Who counts as one client, which address is believed, and how many wrong keys a client may send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from pydantic import SecretStr

from app.domain.clients import client_address, client_name, is_trusted
from app.domain.key_guesses import FORGIVEN_EVERY, MOST_WRONG, WrongKeys, is_weak, one_more, wait_of, weak_key_fault
from app.errors import SetupError, TooMany
from app.settings import load_settings
from app.web.limits import KeyLimit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)
PROXIES = (ip_network("10.0.0.1"), ip_network("172.18.0.0/16"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1,198.51.100.1 , 172.18.3.4", "198.51.100.1"),
        ("10.0.0.1", "172.18.3.4,172.18.3.5", "172.18.3.4"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "1" * 5000, "10.0.0.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded_for: str, client: str) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


def test_nobody_is_trusted_without_the_setting() -> None:
    assert client_address("127.0.0.1", "198.51.100.1", ()) == "127.0.0.1"
    assert not is_trusted("127.0.0.1", ())
    assert is_trusted("::ffff:172.18.0.9", PROXIES)
    assert not is_trusted("nginx", PROXIES)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("198.51.100.1", "::ffff:198.51.100.1", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "nonsense", True),
    ],
)
def test_what_counts_as_one_client(one: str, other: str, same: bool) -> None:
    assert (client_name(one) == client_name(other)) is same


def failed(times: int, now: datetime = NOW, wrong: WrongKeys | None = None) -> WrongKeys | None:
    for _ in range(times):
        wrong = one_more(wrong, now)
    return wrong


def test_a_client_waits_after_too_many_wrong_keys_and_is_forgiven_one_by_one() -> None:
    assert wait_of(None, NOW) == timedelta()
    assert wait_of(failed(MOST_WRONG - 1), NOW) == timedelta()
    out = failed(MOST_WRONG)
    assert wait_of(out, NOW) == FORGIVEN_EVERY
    assert wait_of(out, NOW + FORGIVEN_EVERY - ONE_SECOND) == ONE_SECOND
    later = NOW + FORGIVEN_EVERY
    assert wait_of(out, later) == timedelta()
    assert wait_of(one_more(out, later), later) == FORGIVEN_EVERY
    long_after = NOW + MOST_WRONG * FORGIVEN_EVERY
    assert wait_of(failed(MOST_WRONG - 1, long_after, out), long_after) == timedelta()


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    before = NOW - timedelta(days=365)
    assert wait_of(failed(MOST_WRONG), before) == FORGIVEN_EVERY
    assert wait_of(failed(1, before, failed(3)), before) == FORGIVEN_EVERY


def test_clients_are_counted_apart_and_in_bounded_memory() -> None:
    limit = KeyLimit(most_clients=3)
    for _ in range(MOST_WRONG):
        limit.count("198.51.100.1", NOW)
    with pytest.raises(TooMany) as caught:
        limit.check("198.51.100.1", NOW)
    assert caught.value.retry_after == FORGIVEN_EVERY.total_seconds()
    limit.check("198.51.100.2", NOW)
    for number in range(1000):
        limit.count("198.51.100.1" if number % 2 else f"203.0.{number // 200}.{number % 200}", NOW)
    assert len(limit._wrong) == 3
    with pytest.raises(TooMany):
        limit.check("198.51.100.1", NOW)


@pytest.mark.parametrize(
    ("key", "weak"),
    [
        ("kB9-x_3VqLw8ZpTt", False),
        ("kB9-x_3VqLw8ZpT", True),
        ("abcdefgh" * 2, False),
        ("abcdefg" * 3, True),
        ("", True),
    ],
)
def test_weak_keys_are_only_for_loopback(key: str, weak: bool) -> None:
    secret = SecretStr(key)
    assert is_weak(secret) is weak
    for host in ("127.0.0.1", "::1", "localhost"):
        assert weak_key_fault(secret, host) is None
    for host in ("0.0.0.0", "::", "", "192.168.1.5", "trailhook"):
        fault = weak_key_fault(secret, host)
        assert (fault is not None) is weak
        assert not key or key not in (fault or "")


def test_trusted_proxies_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().trusted_proxies == ()
    monkeypatch.setenv("TRAILHOOK_TRUSTED_PROXIES", " 10.0.0.1, 172.18.0.0/16,fd00::/8, ")
    assert load_settings().trusted_proxies == PROXIES


@pytest.mark.parametrize("value", ["nginx", "10.0.0.1/8", "10.0.0.1;10.0.0.2", "10.0.0", "*", "[]"])
def test_bad_trusted_proxies_are_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TRAILHOOK_TRUSTED_PROXIES", value)
    with pytest.raises(SetupError, match=r"TRAILHOOK_TRUSTED_PROXIES: write addresses or networks"):
        load_settings()
