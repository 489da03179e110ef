"""What the database keeps but must not show: sealed with a key made of the installation's, which no backup holds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qaflow.errors import Unavailable

KEY_BYTES = 32


def seal(key: str, purpose: str, secret: bytes) -> bytes:
    """Return the secret sealed; whoever holds the database alone cannot read it."""
    return _box(key, purpose).encrypt(secret)


def unseal(key: str, purpose: str, sealed: bytes) -> bytes:
    """Return the secret; `Unavailable` (``secret.sealed``) where the installation's key is another one by now."""
    try:
        return _box(key, purpose).decrypt(sealed)
    except InvalidToken as error:
        raise Unavailable("secret.sealed", "the secret was sealed with another QAFLOW_SECRET_KEY; renew it") from error


def pack(key: str, purpose: str, data: dict[str, str]) -> str:
    """Return the data so that only this installation, asking for the same purpose, can read it."""
    return seal(key, purpose, json.dumps(data).encode()).decode()


def unpack(key: str, purpose: str, text: str) -> dict[str, str] | None:
    """Return what was packed; None where it is not ours, or the installation's key was changed since."""
    try:
        found: dict[str, str] = json.loads(_box(key, purpose).decrypt(text.encode()))
    except (InvalidToken, ValueError):
        return None
    return found


def mark(key: str, purpose: str, text: str) -> str:
    """Return by what two equal texts are known as equal, and nothing else."""
    return hmac.new(_derived(key, purpose), text.encode(), hashlib.sha256).hexdigest()


def _box(key: str, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(key, purpose)))


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"qaflow {purpose}".encode()).derive(key.encode())
