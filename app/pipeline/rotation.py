"""Encrypt every stored secret anew with the first SECRET_KEY, so that older keys can be dropped."""

from __future__ import annotations

from dataclasses import dataclass

from app.context import Transactions, Vault
from app.db import connections, instance
from app.db.connections import StoredSecret
from app.errors import SetupError, WrongSecretKey

MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """How many secrets were encrypted anew, how many there are, and the connections with one that no key opens."""

    renewed: int
    total: int
    unreadable: tuple[str, ...]


async def reencrypt(db: Transactions, vault: Vault) -> Reencrypted:
    """Encrypt each secret anew in a transaction of its own; the database then belongs to the first key.

    It stays with the key before while a secret is unreadable. What the service writes meanwhile is seen in the next
    round. Raises WrongSecretKey, with nothing changed, where no key is the database's; SetupError where the service
    keeps writing with another first key.
    """
    async with db.transaction() as tx:
        before = await instance.secret_key_fingerprint(tx, vault.fingerprint)
    if not vault.knows(before):
        raise WrongSecretKey(instance.NOT_OUR_KEY)
    renewed = 0
    for _ in range(MOST_ROUNDS):
        async with db.transaction() as tx:
            secrets = await connections.list_secrets(tx)
        unreadable, old = _sort(secrets, vault)
        if not old:
            if not unreadable:
                async with db.transaction() as tx:
                    await instance.replace_fingerprint(tx, vault.fingerprint)
            return Reencrypted(renewed, len(secrets), unreadable)
        for secret, token in old:
            async with db.transaction() as tx:
                renewed += await connections.replace_secret(tx, secret, token)
    message = "The service keeps writing with another key: restart all of it with this SECRET_KEY, then run this again."
    raise SetupError(message)


def _sort(secrets: list[StoredSecret], vault: Vault) -> tuple[tuple[str, ...], list[tuple[StoredSecret, str]]]:
    """Give the connections with a secret that no key opens, and the secrets of older keys as they shall be."""
    unreadable: dict[str, None] = {}
    old = []
    for secret in secrets:
        try:
            token = vault.renew(secret.token)
        except WrongSecretKey:
            unreadable[secret.connection_name] = None
            continue
        if token is not None:
            old.append((secret, token))
    return tuple(unreadable), old
