"""Files in and out: a body that is the file itself, and a reply that no browser takes for a page of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from qaflow.services.repeats import Reply

SANDBOX = "default-src 'none'; sandbox"


@dataclass(frozen=True, kw_only=True)
class FileAnswer:
    """What a view gives where the operation hands out a file."""

    name: str
    media: str
    data: bytes | Iterator[bytes]
    """The file, or its pieces where it is too large to be held; then `size` says how many bytes they are."""
    size: int | None = None
    tag: str = ""


def reply(kinds: tuple[str, ...], found: FileAnswer) -> Reply:
    """Return the reply that holds a file, to be kept and not shown; its type is one of those declared."""
    if found.media not in kinds:
        raise ValueError(f"{found.media} is not among the content types declared")
    headers = {"Content-Type": found.media, "Content-Disposition": attachment(found.name),
               "Content-Security-Policy": SANDBOX, "X-Content-Type-Options": "nosniff"}  # fmt: skip
    more = {"ETag": f'"{found.tag}"'} if found.tag else {}
    more |= {} if found.size is None else {"Content-Length": str(found.size)}
    return Reply(status=200, headers=headers | more, body=found.data)


def attachment(name: str) -> str:
    """Return the header under which a file is kept, in signs that every client reads and in its own (RFC 6266)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def described(reads: tuple[str, ...], hands: tuple[str, ...], most: int, status: int) -> dict[str, Any]:
    """Return what the description says of an operation's files."""
    told: dict[str, Any] = {}
    if reads:
        told["requestBody"] = {"required": True, "content": _content(reads, {"type": "string", "maxLength": most})}
    if hands:  # of no type: a file of JSON, once read, is no text
        told["responses"] = {str(status): {"description": "The file", "content": _content(hands, {})}}
    return told


def _content(kinds: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": {"format": "binary", **more}} for kind in kinds}
