"""Files that pages hand out: kept by the browser, never shown in our name."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from flask import Response

SANDBOX = "default-src 'none'; sandbox"


def attached(data: bytes | str | Iterator[bytes], media: str, name: str, *, plain: str = "") -> Response:
    """Return a file under its name; ``plain`` is what those read who know no other signs than ASCII (RFC 6266)."""
    plain = plain or "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    response = Response(data, mimetype=media)
    told = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Disposition"] = f'attachment; filename="{plain}"{told}'
    response.headers["Content-Security-Policy"] = SANDBOX
    return response
