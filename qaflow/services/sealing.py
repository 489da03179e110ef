"""Secrets of channels, encrypted with a key that the installation's secret key gives; pages and logs show a mask."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qaflow.errors import Unavailable

SHOWN = 4  # characters at the end of an address that a page shows
PURPOSE = b"qaflow channel secrets"
KEY_BYTES = 32


def seal(secret_key: str, text: str) -> bytes:
    """Encrypt a text."""
    return _fernet(secret_key).encrypt(text.encode())


def unseal(secret_key: str, sealed: bytes | None) -> str:
    """Return the text; raise Unavailable (``channel.sealed``) where the secret key is another one by now."""
    if sealed is None:
        return ""
    try:
        return _fernet(secret_key).decrypt(sealed).decode()
    except InvalidToken as error:
        told = "the channel's address was encrypted with another secret key: remove the channel and add it again"
        raise Unavailable("channel.sealed", told) from error


def mark(secret_key: str, text: str) -> str:
    """Return by what two equal addresses are known as equal, and nothing else."""
    return hmac.new(_key(secret_key), text.encode(), hashlib.sha256).hexdigest()


def masked(address: str) -> str:
    """Return an address as pages show it: its host and its last characters."""
    host = address.partition("://")[2].partition("/")[0]
    return f"{host}/…{address[-SHOWN:]}"


def _fernet(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(secret_key)))


def _key(secret_key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(secret_key.encode())
