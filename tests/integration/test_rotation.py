"""Another SECRET_KEY: each stored secret is encrypted anew, and the database then belongs to the new key."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from app.crypto import FernetVault, new_secret_key
from app.db import connections, instance
from app.errors import SetupError, WrongSecretKey
from app.pipeline.rotation import Reencrypted, reencrypt
from tests.fakes import FakeArr
from tests.integration.conftest import Bench

OLD, NEW = new_secret_key(), new_secret_key()


def vault(*keys: str) -> FernetVault:
    return FernetVault(SecretStr(",".join(keys)))


async def begin_with_old(bench: Bench, *names: str) -> Bench:
    bench.deps = replace(bench.deps, vault=vault(OLD))
    async with bench.deps.db.transaction() as tx:
        await instance.secret_key_fingerprint(tx, bench.deps.vault.fingerprint)
    for name in names:
        await bench.connect(FakeArr(), name)
    return bench


async def fingerprint(bench: Bench) -> str | None:
    async with bench.deps.db.transaction() as tx:
        return await instance.stored_fingerprint(tx)


async def secrets_of(bench: Bench) -> list[str]:
    return [token for row in await bench.rows("SELECT api_key, webhook_password FROM connection") for token in row]


async def test_all_secrets_move_to_the_first_key_and_the_second_time_nothing_is_left_to_do(bench: Bench) -> None:
    await begin_with_old(bench, "One", "Two")
    before = [vault(OLD).decrypt(token) for token in await secrets_of(bench)]
    await bench.rows("UPDATE connection SET deleted_at = now() WHERE name = 'Two' RETURNING 1")
    assert await reencrypt(bench.deps.db, vault(NEW, OLD)) == Reencrypted(4, 4, ())
    assert [vault(NEW).decrypt(token) for token in await secrets_of(bench)] == before
    assert await fingerprint(bench) == vault(NEW).fingerprint
    tokens = await secrets_of(bench)
    assert await reencrypt(bench.deps.db, vault(NEW, OLD)) == Reencrypted(0, 4, ())
    assert await secrets_of(bench) == tokens


async def test_two_at_once_and_a_key_that_is_changed_meanwhile_lose_nothing(bench: Bench) -> None:
    await begin_with_old(bench, "One", "Two", "Three")
    both = vault(NEW, OLD)

    async def change() -> None:
        async with bench.deps.db.transaction() as tx:
            await connections.change(tx, 1, {"api_key": both.encrypt("changed meanwhile")})

    done, again, _ = await asyncio.gather(reencrypt(bench.deps.db, both), reencrypt(bench.deps.db, both), change())
    assert 5 <= done.renewed + again.renewed <= 6
    opened = [vault(NEW).decrypt(token).get_secret_value() for token in await secrets_of(bench)]
    assert opened.count("arr key") == 2
    assert "changed meanwhile" in opened


async def test_what_was_changed_after_it_was_read_is_not_overwritten(bench: Bench) -> None:
    await begin_with_old(bench, "One")
    async with bench.deps.db.transaction() as tx:
        old = (await connections.list_secrets(tx))[0]
        assert await connections.replace_secret(tx, replace(old, token="another"), "lost") is False
    assert "lost" not in await secrets_of(bench)


async def test_an_unreadable_secret_is_named_and_the_old_key_stays_until_it_is_mended(bench: Bench) -> None:
    await begin_with_old(bench, "Broken", "Whole")
    foreign = vault(new_secret_key()).encrypt("of another installation")
    await bench.rows(f"UPDATE connection SET api_key = '{foreign}' WHERE name = 'Broken' RETURNING 1")
    assert await reencrypt(bench.deps.db, vault(NEW, OLD)) == Reencrypted(3, 4, ("Broken",))
    assert await fingerprint(bench) == vault(OLD).fingerprint
    assert foreign in await secrets_of(bench)
    await bench.rows(f"UPDATE connection SET api_key = '{vault(NEW).encrypt('new')}' WHERE name = 'Broken' RETURNING 1")
    assert await reencrypt(bench.deps.db, vault(NEW, OLD)) == Reencrypted(0, 4, ())
    assert await fingerprint(bench) == vault(NEW).fingerprint


async def test_a_list_without_the_databases_key_changes_nothing(bench: Bench) -> None:
    await begin_with_old(bench, "One")
    tokens = await secrets_of(bench)
    with pytest.raises(WrongSecretKey, match="TRAILHOOK_SECRET_KEY is not the key"):
        await reencrypt(bench.deps.db, vault(NEW))
    assert (await secrets_of(bench), await fingerprint(bench)) == (tokens, vault(OLD).fingerprint)


async def test_a_database_without_secrets_belongs_to_the_new_key_at_once(bench: Bench) -> None:
    await begin_with_old(bench)
    assert await reencrypt(bench.deps.db, vault(NEW, OLD)) == Reencrypted(0, 0, ())
    assert await fingerprint(bench) == vault(NEW).fingerprint


def test_keys_are_read_with_spaces_around_and_bad_ones_are_refused() -> None:
    token = vault(OLD).encrypt("secret")
    assert FernetVault(SecretStr(f" {NEW} , {OLD},\n")).decrypt(token).get_secret_value() == "secret"
    with pytest.raises(SetupError, match="must be Fernet keys"):
        vault(NEW, "short")
