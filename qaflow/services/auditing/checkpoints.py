"""Checkpoints: all stream heads of one moment, signed and kept outside the database (engine rules, 7).

A chain alone cannot show that its tail was cut or written anew; a checkpoint that somebody else keeps can.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from qaflow.engine.definition import canonical
from qaflow.errors import ConfigError, Invalid
from qaflow.paths import make_private
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import colleges, journal, proofs
from qaflow.store.db import Driver, utc

FORMAT = 1
KIND = "qaflow-checkpoint"
KEY_FILE = "audit.key"
PARTS = {"at": str, "entries": int, "streams": int, "digest": str, "heads": list, "public_key": str, "signature": str}


def make(session: AnySession, origin: Origin, home: Path, only: int | None = None) -> dict[str, Any]:
    """Note the checkpoint in every college's stream, then return all heads of that moment, signed.

    With ``only`` it is one college's: its entry, and the heads of its streams.
    """
    key = signing_key(home)
    public = public_hex(key)

    def body(driver: Driver) -> dict[str, Any]:
        writer = Writer(driver, origin)
        for college in colleges.everyone(driver):
            if only not in (None, college.id):
                continue
            version, head = colleges.head(driver, college.id)
            newest = writer.fact(f"college:{college.key}", version + 1, head or journal.GENESIS, "CheckpointMade",
                                 {"public_key": public})  # fmt: skip
            if not colleges.set_head(driver, college.id, version, version + 1, newest):
                raise LostRace
        writer.flush()
        heads = journal.heads(driver)
        own = proofs.streams(driver, only) if only is not None else {stream for stream, _, _ in heads}
        return document([list(row) for row in heads if row[0] in own], utc(origin.now), key)

    return transact(session, body)


def document(heads: list[list[Any]], at: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the signed document of heads (stream, length, newest hash)."""
    plain: dict[str, Any] = {
        "kind": KIND, "format": FORMAT, "at": at, "entries": sum(seq for _, seq, _ in heads), "streams": len(heads),
        "digest": heads_digest(heads), "heads": heads, "public_key": public_hex(key),
    }  # fmt: skip
    return plain | {"signature": key.sign(canonical(plain).encode()).hex()}


def heads_digest(heads: list[list[Any]]) -> str:
    """Return the SHA-256 over all heads."""
    return hashlib.sha256(canonical(heads).encode()).hexdigest()


def signing_key(home: Path) -> Ed25519PrivateKey:
    """Return the installation's key from its home; made there, for its owner alone, when first asked for."""
    file = make_private(home) / KEY_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _loaded(file)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _loaded(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, OSError) as error:
        raise ConfigError("config.audit_key", f"{file} is no readable key: {error}", path=str(file)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("config.audit_key", f"{file} is no Ed25519 key", path=str(file))
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the public half in hexadecimal."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def own_key(home: Path) -> str | None:
    """Return the public key of the installation, or None where none was made."""
    file = home / KEY_FILE
    return public_hex(_loaded(file)) if file.exists() else None


class Marks:
    """A checkpoint as verification asks it."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Take a checkpoint file's document; `Invalid` where it is none."""
        fits = all(isinstance(document.get(key), kind) for key, kind in PARTS.items())
        whole = fits and _heads_fit(document["heads"])
        if document.get("kind") != KIND or document.get("format") != FORMAT or not whole:
            raise Invalid("checkpoint.invalid", f"this file is no checkpoint of format {FORMAT}")
        self.document = document
        self._heads: dict[str, tuple[int, str]] = {s: (n, h) for s, n, h in document["heads"]}
        self._seen: set[str] = set()
        self._older: list[str] = []
        self._other: list[str] = []

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the file itself."""
        plain = {k: v for k, v in self.document.items() if k != "signature"}
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(plain["public_key"]))
            public.verify(bytes.fromhex(self.document["signature"]), canonical(plain).encode())
        except (InvalidSignature, ValueError, KeyError, TypeError):
            yield "the checkpoint's signature does not fit its content"
            return
        if heads_digest(plain["heads"]) != plain["digest"] or plain["entries"] != sum(
            n for n, _ in self._heads.values()
        ):
            yield "the checkpoint's digest does not fit its heads"

    def of(self, stream: str) -> tuple[int, str] | None:
        """Return (length, hash) of a stream at the checkpoint, and note that the stream is there."""
        self._seen.add(stream)
        return self._heads.get(stream)

    def older(self, stream: str) -> None:
        """Note a stream that is shorter than it was."""
        self._older.append(stream)

    def differs(self, stream: str) -> None:
        """Note a stream whose entry is another one."""
        self._other.append(stream)

    def unseen(self) -> list[tuple[str, int, str]]:
        """Return the streams of the checkpoint that were not met."""
        return [(s, n, h) for s, (n, h) in sorted(self._heads.items()) if s not in self._seen]

    def report(self) -> dict[str, Any]:
        """Return how the database stands to the checkpoint."""
        missing = [s for s, _, _ in self.unseen()]
        held = len(self._heads) - len(self._older) - len(self._other) - len(missing)
        return {"at": self.document["at"], "entries": self.document["entries"], "streams": len(self._heads),
                "public_key": self.document["public_key"], "same": held, "older": self._older, "rewritten": self._other,
                "missing": missing}  # fmt: skip


def _heads_fit(heads: Any) -> bool:
    return isinstance(heads, list) and all(
        isinstance(h, list)
        and len(h) == 3
        and isinstance(h[0], str)
        and isinstance(h[1], int)
        and isinstance(h[2], str)
        for h in heads
    )
