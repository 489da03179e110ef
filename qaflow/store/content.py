"""Long or personal text, kept apart from the journal so that it can be erased on lawful request (engine rules, 7)."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from qaflow.store.driver import Driver, Sql
from qaflow.store.types import utc

SALT_BYTES = 16

_PUT = Sql("insert into content (hash, salt, bytes) values (:hash, :salt, :bytes)")
_GET = Sql("select salt, bytes, erased_at from content where hash = :hash")
_GET_MANY = Sql("select hash, bytes from content where hash in :hashes[]")
_ERASE = Sql("update content set salt = null, bytes = null, erased_at = :now where hash = :hash and erased_at is null")


def new_salt() -> bytes:
    """Return fresh salt, so that the hash of a short text cannot be guessed."""
    return secrets.token_bytes(SALT_BYTES)


def content_hash(salt: bytes, text: str) -> str:
    """Return the hash that stands in the journal: SHA-256 over the salt's hexadecimal, a colon and the UTF-8 text."""
    return hashlib.sha256(f"{salt.hex()}:{text}".encode()).hexdigest()


def put(driver: Driver, text: str, salt: bytes) -> str:
    """Keep a text under its salted hash and return the hash."""
    key = content_hash(salt, text)
    driver.run(_PUT, {"hash": key, "salt": salt, "bytes": text.encode()})
    return key


def put_many(driver: Driver, texts: Sequence[tuple[str, bytes]]) -> list[str]:
    """Keep many (text, salt) at once and return their hashes in order."""
    keys = [content_hash(salt, text) for text, salt in texts]
    rows = [(key, salt, text.encode()) for key, (text, salt) in zip(keys, texts, strict=True)]
    driver.insert_rows("content", ("hash", "salt", "bytes"), rows)
    return keys


def get(driver: Driver, key: str) -> str | None:
    """Return the text under a hash; None where it was erased or never kept."""
    row = driver.one(_GET, {"hash": key})
    return None if row is None or row[1] is None else bytes(row[1]).decode()


def get_many(driver: Driver, keys: Sequence[str]) -> dict[str, str | None]:
    """Return the texts under many hashes; an erased one is None, an unknown one absent."""
    rows = driver.all(_GET_MANY, {"hashes": list(keys)})
    return {key: None if kept is None else bytes(kept).decode() for key, kept in rows}


def state(driver: Driver, key: str) -> str:
    """Return ``kept``, ``erased``, ``missing``, or ``altered`` where the kept text does not give its hash."""
    row = driver.one(_GET, {"hash": key})
    if row is None:
        return "missing"
    salt, kept, erased_at = row
    if erased_at is not None and salt is None and kept is None:
        return "erased"
    return "kept" if salt is not None and kept is not None and _matches(key, salt, kept) else "altered"


def erase(driver: Driver, key: str, now: datetime) -> bool:
    """Erase a text and its salt, leaving the tombstone; False where there is nothing to erase."""
    return driver.run(_ERASE, {"hash": key, "now": utc(now)}) == 1


def _matches(key: str, salt: bytes, kept: bytes) -> bool:
    return hashlib.sha256(f"{bytes(salt).hex()}:".encode() + bytes(kept)).hexdigest() == key
