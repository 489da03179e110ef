"""What the database keeps but must not show: sealed with a key made of the installation's, which no backup holds."""

from __future__ import annotations

import base64
import json

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qaflow.config import Settings

KEY_BYTES = 32


def seal(settings: Settings, purpose: str, data: dict[str, str]) -> str:
    """Return the data so that only this installation, asking for the same purpose, can read it."""
    return _box(settings, purpose).encrypt(json.dumps(data).encode()).decode()


def opened(settings: Settings, purpose: str, text: str) -> dict[str, str] | None:
    """Return what was sealed; None where it is not ours, or the installation's key was changed since."""
    try:
        found: dict[str, str] = json.loads(_box(settings, purpose).decrypt(text.encode()))
    except (InvalidToken, ValueError):
        return None
    return found


def _box(settings: Settings, purpose: str) -> Fernet:
    key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"qaflow " + purpose.encode()).derive(settings.secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
