"""Secrets that must be used again are kept sealed, with a key derived from the installation's own."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qaflow.errors import Unavailable

KEY_BYTES = 32


def seal(key: str, purpose: str, secret: bytes) -> bytes:
    """Return the secret sealed; whoever holds the database alone cannot read it."""
    return _box(key, purpose).encrypt(secret)


def unseal(key: str, purpose: str, sealed: bytes) -> bytes:
    """Return the secret; `Unavailable` where the installation's key is another one than when it was sealed."""
    try:
        return _box(key, purpose).decrypt(sealed)
    except InvalidToken as error:
        raise Unavailable("secret.sealed", "the secret was sealed with another QAFLOW_SECRET_KEY; renew it") from error


def _box(key: str, purpose: str) -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=f"qaflow {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
