"""Files that a form carries unchanged from a first look to the act: packed as text, and taken out again."""

from __future__ import annotations

import base64
import zlib


def packed(data: bytes) -> str:
    """Return the bytes as a form carries them."""
    return base64.b64encode(zlib.compress(data)).decode()


def unpacked(text: str, most: int) -> bytes:
    """Return the bytes again, at most one beyond `most`; none of what is not packed so."""
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), most + 1)
    except (ValueError, zlib.error):
        return b""
