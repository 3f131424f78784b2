"""Secrets: encrypted at rest under SECRET_KEY, made at random, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from app.errors import SetupError, WrongSecretKey


class FernetVault:
    """Encrypts with the first of several keys and decrypts with any, so that keys can be rotated."""

    def __init__(self, secret_key: SecretStr) -> None:
        keys = [key.strip() for key in secret_key.get_secret_value().split(",") if key.strip()]
        try:
            self._fernets = [Fernet(key) for key in keys]
        except ValueError:
            message = "TRAILHOOK_SECRET_KEY must be Fernet keys, comma-separated; `trailhook key --new` makes one."
            raise SetupError(message) from None
        if not self._fernets:
            message = "TRAILHOOK_SECRET_KEY is empty; `trailhook key --new` makes one."
            raise SetupError(message)
        self._fernet = MultiFernet(self._fernets)
        self._fingerprints = [hashlib.sha256(b"trailhook:" + key.encode()).hexdigest()[:32] for key in keys]

    @property
    def fingerprint(self) -> str:
        """Name the first key without telling it."""
        return self._fingerprints[0]

    def knows(self, fingerprint: str) -> bool:
        """Say whether one of the keys has this fingerprint."""
        return fingerprint in self._fingerprints

    def encrypt(self, secret: str) -> str:
        """Encrypt with the first key."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, token: str) -> SecretStr:
        """Decrypt with any key. Raises WrongSecretKey."""
        try:
            return SecretStr(self._fernet.decrypt(token).decode())
        except InvalidToken:
            message = "A stored secret cannot be decrypted: start with the SECRET_KEY that it was written with."
            raise WrongSecretKey(message) from None

    def renew(self, token: str) -> str | None:
        """Encrypt anew with the first key; None where it is encrypted with that one. Raises WrongSecretKey."""
        try:
            self._fernets[0].decrypt(token)
        except InvalidToken:
            return self.encrypt(self.decrypt(token).get_secret_value())
        return None


def new_secret_key() -> str:
    """Make a Fernet key."""
    return Fernet.generate_key().decode()


def new_password() -> str:
    """Make a password of 256 random bits."""
    return secrets.token_urlsafe(32)


def password_hash(password: str) -> bytes:
    """Hash a random password; 256 random bits need no slow hash."""
    return hashlib.sha256(password.encode()).digest()


def same(given: bytes, expected: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given, expected)
