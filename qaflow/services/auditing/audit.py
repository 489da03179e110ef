"""The audit: every journal hashed and replayed again, and held against the tables and a checkpoint (engine rules, 7).

Nothing is trusted but the stored bytes: hashes are reckoned over them, facts are replayed under definitions whose own
hash is checked, and only then are rows compared.  Memory does not grow with the journal.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orjson import loads

from qaflow.engine.definition import from_plain
from qaflow.engine.machine import Compiled, compile_definition
from qaflow.engine.replay import Replay, named
from qaflow.engine.replay_guards import Disallowed
from qaflow.services.work import AnySession
from qaflow.store import audit as store
from qaflow.store.driver import Driver
from qaflow.store.journal import GENESIS, digest

from . import checkpoints, projections
from .checkpoints import Marks

COMPARED_AT_ONCE = 500
LOOKED_UP_AT_ONCE = 5000
MOST_FINDINGS = 1000  # a broken database needs no longer list

Finding = dict[str, Any]


class Shelf:
    """The stored definitions, each checked against its hash and compiled when first asked for."""

    def __init__(self, bodies: dict[str, str]) -> None:
        """Take canonical JSON by hash."""
        self._bodies = bodies
        self._known: dict[str, Compiled | None] = {}

    def __call__(self, name: str) -> Compiled | None:
        """Return the compiled definition of a hash, or None where there is none that gives it."""
        if name not in self._known:
            body = self._bodies.get(name)
            sound = body is not None and hashlib.sha256(body.encode()).hexdigest() == name
            self._known[name] = compile_definition(from_plain(json.loads(body))) if sound and body else None
        return self._known[name]


class Chain:
    """One stream read from its beginning: number after number, each naming the hash before it."""

    __slots__ = ("broken", "head", "mark", "name", "replay", "seq")

    def __init__(self, name: str, replay: Replay | None, mark: tuple[int, str] | None = None) -> None:
        """Begin a stream; with a replay its facts are replayed, with a mark one hash must be the checkpoint's."""
        self.name, self.replay, self.mark = name, replay, mark
        self.seq, self.head = 0, GENESIS
        self.broken = False

    def take(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Take the next entry in (its columns, then its id) and return its data; `Broken` says what is wrong."""
        stream, seq, kind, format_, at, recorded, actor, behalf, door, request, definition, text, prev, stored, _ = row
        if seq != self.seq + 1:
            raise Broken("chain", f"entry {self.seq + 1} is missing: {seq} follows {self.seq}", self.seq + 1, seq)
        if prev != self.head:
            raise Broken("chain", f"entry {seq} does not name the hash of entry {self.seq}", self.head, prev)
        try:
            reckoned = digest(
                prev, stream, seq, kind, format_, at, recorded, actor, behalf, door, request, definition, text
            )
        except (UnicodeError, TypeError) as error:
            raise Broken("chain", f"entry {seq} cannot be hashed: {error}") from error
        if reckoned != stored:
            raise Broken("chain", f"entry {seq} was changed: its bytes give another hash", reckoned, stored)
        self.seq, self.head = seq, stored
        try:
            data: dict[str, Any] = loads(text)
            if type(data) is not dict:
                raise ValueError("its data is no JSON object")
            if self.replay is not None:
                self.replay.take(kind, at, actor, behalf, definition, data)
        except (ValueError, Disallowed) as error:
            raise Broken("replay", f"entry {seq}: {error or 'its data is no JSON'}") from error
        return data


class Broken(Exception):
    """The first entry of a stream that cannot stand."""

    def __init__(self, kind: str, why: str, expected: Any = None, found: Any = None) -> None:
        """Take what is wrong, and where it helps what was expected and found."""
        super().__init__(why)
        self.kind, self.why, self.expected, self.found = kind, why, expected, found


def finding(kind: str, stream: str | None, seq: int | None, why: str, **more: Any) -> Finding:
    """Return one finding; keys without a value are left out."""
    return {"kind": kind, "stream": stream, "seq": seq, "why": why} | {k: v for k, v in more.items() if v is not None}


def verify(session: AnySession, checkpoint: dict[str, Any] | None = None, *, rows: bool = True) -> dict[str, Any]:
    """Verify the whole installation and report; ``rows=False`` leaves out all but hashes and replay.

    The report holds ``verified``, ``entries``, ``streams``, ``first_bad`` (stream, seq, id, why) or None, ``findings``
    and, where one was given, ``checkpoint``.
    """
    try:
        return _Verification(store.steady(session), checkpoint, rows).report()
    finally:
        session.rollback()


class _Verification:
    def __init__(self, driver: Driver, checkpoint: dict[str, Any] | None, rows: bool) -> None:
        self.driver, self.rows = driver, rows
        self.findings: list[Finding] = []
        self.unlisted = 0
        self.entries = self.streams = 0
        self.heads: dict[str, dict[str, tuple[int, str]]] = {"person": {}, "college": {}}
        self.batches: dict[int, tuple[str, int, str, int]] = {}
        self.waiting: dict[int, tuple[Replay, str]] = {}
        self.named: dict[str, tuple[str, int]] = {}
        self.cycles: set[int] = set()
        self.marks = Marks(checkpoint) if checkpoint is not None else None
        self.shelf = Shelf({})

    def report(self) -> dict[str, Any]:
        if self.marks is not None:
            for why in self.marks.faults():
                self._note(finding("checkpoint", None, None, why))
        self._definitions()
        with _no_collection():
            self._journal()
        if self.rows:
            self._heads()
            self._contents()
            self._readings()
        found: dict[str, Any] = {
            "verified": not self.findings, "entries": self.entries, "streams": self.streams,
            "first_bad": self._first_bad(), "findings": self.findings,
        }  # fmt: skip
        if self.unlisted:
            found["unlisted"] = self.unlisted
        if self.marks is not None:
            found["checkpoint"] = self.marks.report()
        return found

    def _note(self, found: Finding) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(found)
        else:
            self.unlisted += 1

    def _first_bad(self) -> Finding | None:
        bad = [f for f in self.findings if f["stream"] is not None]
        first = next((f for f in bad if f["kind"] in ("chain", "replay")), bad[0] if bad else None)
        return {k: first.get(k) for k in ("stream", "seq", "id", "why")} if first else None

    def _definitions(self) -> None:
        bodies = {}
        for name, key, version, body in store.definitions(self.driver):
            bodies[name] = body
            reckoned = hashlib.sha256(body.encode(errors="surrogateescape")).hexdigest()
            if reckoned != name:
                self._note(finding("definition", None, None, f"definition {key} version {version} was changed",
                                   expected=name, found=reckoned))  # fmt: skip
        self.shelf = Shelf(bodies)

    def _journal(self) -> None:
        chain = Chain("", None)
        for page in store.entries(self.driver):
            for row in page:
                if row[0] != chain.name:
                    self._ended(chain)
                    chain = self._begun(row[0])
                if chain.broken:
                    continue
                try:
                    data = chain.take(row)
                except Broken as bad:
                    chain.broken = True
                    self._note(
                        finding(bad.kind, row[0], row[1], bad.why, id=row[14], expected=bad.expected, found=bad.found)
                    )
                    continue
                if chain.mark is not None and chain.mark[0] == chain.seq:
                    self._marked(chain, row)
                if self.rows and data is not None:
                    self._look(chain, row, data)
            self.entries += len(page)
        self._ended(chain)
        self._compare()
        self._look_up()
        if self.marks is not None:
            for name, seq, _ in self.marks.unseen():
                self._note(
                    finding("checkpoint", name, seq, f"the stream is missing; the checkpoint knows {seq} entries of it")
                )

    def _begun(self, name: str) -> Chain:
        self.streams += 1
        mark = self.marks.of(name) if self.marks is not None else None
        kind, _, key = name.partition(":")
        if kind != "cycle":
            return Chain(name, None, mark)
        return Chain(name, Replay(int(key) if key.isdigit() else 0, self.shelf), mark)

    def _ended(self, chain: Chain) -> None:
        if not chain.name:
            return
        kind, _, key = chain.name.partition(":")
        if chain.mark is not None and chain.seq < chain.mark[0] and not chain.broken:
            self.marks.older(chain.name)  # type: ignore[union-attr]
            self._note(finding("checkpoint", chain.name, chain.seq + 1, "the stream is older than the checkpoint: it "
                               f"ends at {chain.seq}, the checkpoint knows {chain.mark[0]} entries",
                               expected=chain.mark[0], found=chain.seq))  # fmt: skip
        if kind == "cycle" and key.isdigit():
            self.cycles.add(int(key))
            if not chain.broken and chain.replay is not None and self.rows:
                self.waiting[int(key)] = (chain.replay, chain.head)
                if len(self.waiting) >= COMPARED_AT_ONCE:
                    self._compare()
        elif kind in self.heads:
            self.heads[kind][chain.name] = (-1, "") if chain.broken else (chain.seq, chain.head)
        else:
            self._note(finding("chain", chain.name, 1, f"no row holds the head of stream {chain.name!a}"))

    def _marked(self, chain: Chain, row: tuple[Any, ...]) -> None:
        seq, wanted = chain.mark  # type: ignore[misc]
        if wanted != chain.head:
            self.marks.differs(chain.name)  # type: ignore[union-attr]
            self._note(finding("checkpoint", chain.name, seq, f"entry {seq} is another one than at the checkpoint: the "
                               "stream was written anew", id=row[14], expected=wanted, found=chain.head))  # fmt: skip

    def _look(self, chain: Chain, row: tuple[Any, ...], data: dict[str, Any]) -> None:
        kind = row[2]
        if chain.replay is None and kind == "ReadingsAccepted":
            self.batches[data["batch"]] = (data["digest"], data["rows"], chain.name, chain.seq)
            return
        for text in named(kind, data):
            self.named[text] = (chain.name, chain.seq)
        if len(self.named) >= LOOKED_UP_AT_ONCE:
            self._look_up()

    def _look_up(self) -> None:
        if not self.rows:
            return
        for text in sorted(self.named.keys() - store.known_contents(self.driver, list(self.named))):
            stream, seq = self.named[text]
            self._note(finding("content", stream, seq, f"entry {seq} names content {text}, which is not kept"))
        self.named.clear()

    def _compare(self) -> None:
        versions = {cycle: replay.snap.version for cycle, (replay, _) in self.waiting.items()}
        for cycle, what, want, have in projections.differences(self.driver, self.waiting):
            self._note(finding("projection", f"cycle:{cycle}", versions[cycle],
                               f"{what} differs from the journal", expected=want, found=have))  # fmt: skip
        self.waiting.clear()

    def _heads(self) -> None:
        for name, version, _ in store.heads_on_rows(self.driver, "cycle"):
            if int(name[6:]) not in self.cycles:
                self._note(finding("projection", name, 0, f"{name} has a row of version {version}, but no journal",
                                   expected=version, found=0))  # fmt: skip
        for kind, seen in self.heads.items():
            for name, version, head in store.heads_on_rows(self.driver, kind):
                seq, newest = seen.pop(name, (0, GENESIS))
                if seq >= 0 and (seq, newest) != (version, head or GENESIS):
                    self._note(finding("projection", name, seq, f"{name} ends at entry {seq} ({newest}), its row says "
                                       f"{version} ({head})", expected=version, found=seq))  # fmt: skip
            for name in seen:
                self._note(finding("projection", name, 1, f"no row holds the head of stream {name}"))

    def _contents(self) -> None:
        for name, salt, kept, erased in store.contents(self.driver):
            if not sound(name, salt, kept, erased):
                self._note(finding("content", None, None, f"content {name} was changed"))

    def _readings(self) -> None:
        reckoned: dict[int, tuple[Any, int]] = {}
        for batch, point, subject, at, value, source in store.readings(self.driver):
            hasher, count = reckoned.get(batch) or (hashlib.sha256(), 0)
            hasher.update(f"{'' if not count else chr(10)}{point}|{subject}|{at}|{value!r}|{source}".encode())
            reckoned[batch] = (hasher, count + 1)
        for batch, stored, count in store.batches(self.driver):
            hasher, seen = reckoned.pop(batch, (hashlib.sha256(), 0))
            fact = self.batches.pop(batch, None)
            if fact is None:
                self._note(finding("readings", None, None, f"batch {batch} of readings has no entry in a journal"))
            elif fact[:2] != (stored, count) or (hasher.hexdigest(), seen) != fact[:2]:
                self._note(finding("readings", fact[2], fact[3], f"the readings of batch {batch} were changed",
                                   expected=fact[0], found=hasher.hexdigest()))  # fmt: skip
        for batch, (_, _, stream, seq) in self.batches.items():
            self._note(finding("readings", stream, seq, f"batch {batch} of readings is missing"))


def sound(name: str, salt: bytes | None, kept: bytes | None, erased: str | None) -> bool:
    """Tell whether a content still gives its hash, or is an honest tombstone."""
    if salt is None or kept is None:
        return erased is not None and salt is None and kept is None
    return hashlib.sha256(f"{bytes(salt).hex()}:".encode() + bytes(kept)).hexdigest() == name


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rest the cycle collector: snapshots hold no cycles, and looking for them costs a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


__all__ = ["Broken", "Chain", "Shelf", "checkpoints", "finding", "sound", "verify"]
