"""Signatures after Standard Webhooks (version 1): HMAC-SHA256 over id, time and body, one a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> bytes:
    """Return a fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as its receiver is told it, once."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(held: Sequence[bytes], message: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message: its id, when it was signed (seconds since 1970), and a signature a secret."""
    signed = f"{message}.{seconds}.".encode() + body
    made = (base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in held)
    told = " ".join(f"v1,{one}" for one in made)
    return {"webhook-id": message, "webhook-timestamp": str(seconds), "webhook-signature": told}
