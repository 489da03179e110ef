"""Packs: one cycle's whole history in one file that proves itself without the database (engine rules, 7).

A pack holds the chain, the definitions it ran under, the contents with their salts, the hashes of its files and the
names of those who acted, as of now.  The same history gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from qaflow.engine.replay import Replay, named
from qaflow.errors import Invalid, Missing
from qaflow.services.work import AnySession
from qaflow.store import audit as store
from qaflow.store.journal import COLUMNS

from .audit import Broken, Chain, Finding, Shelf, finding, sound
from .checkpoints import Marks

FORMAT = 1
KIND = "qaflow-audit-pack"


def make(session: AnySession, cycle: int) -> dict[str, Any]:
    """Return the pack of a cycle; `Missing` where there is no such cycle."""
    driver = store.steady(session)
    try:
        name = f"cycle:{cycle}"
        rows = store.stream(driver, name)
        college = store.college_of(driver, cycle)
        if not rows or college is None:
            raise Missing("cycle.not_found", f"no cycle {cycle}")
        facts = [(row[2], json.loads(row[11])) for row in rows]
        hashes = sorted({text for kind, data in facts for text in named(kind, data)})
        pinned = sorted({row[10] for row in rows} | {d["definition"] for _, d in facts if "definition" in d})
        return {
            "kind": KIND, "format": FORMAT, "cycle": cycle,
            "college": dict(zip(("key", "zh", "en"), college, strict=True)),
            "columns": list(COLUMNS), "entries": [list(row[: len(COLUMNS)]) for row in rows],
            "definitions": dict(store.bodies(driver, pinned)),
            "contents": {h: _content(salt, kept) for h, salt, kept, _ in store.contents_of(driver, hashes)},
            "evidence": _evidence(facts), "persons": _persons(driver, rows), "length": len(rows), "head": rows[-1][13],
        }  # fmt: skip
    finally:
        session.rollback()


def _content(salt: bytes | None, kept: bytes | None) -> dict[str, Any]:
    if salt is None or kept is None:
        return {"erased": True}
    return {"salt": bytes(salt).hex(), "text": bytes(kept).decode()}


def _evidence(facts: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    names = ("stage", "visit", "hash", "name", "size", "media")
    return [{n: data[n] for n in names} for kind, data in facts if kind == "EvidenceAdded"]


def _persons(driver: Any, rows: list[tuple[Any, ...]]) -> dict[str, dict[str, str]]:
    """Return the names of those who acted, and of those they acted for."""
    ids = {int(text) for row in rows for text in (row[6], row[7]) if text is not None and text.isdigit()}
    return {str(i): {"login": login, "name": name} for i, login, name in sorted(store.actors(driver, sorted(ids)))}


def as_text(pack: dict[str, Any]) -> str:
    """Return a pack as the text of its file, always the same for the same pack."""
    return json.dumps(pack, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def verify(pack: dict[str, Any], checkpoint: dict[str, Any] | None = None) -> dict[str, Any]:
    """Prove a pack consistent from its own content, and against a checkpoint where one is given.

    The report holds ``consistent``, ``entries``, ``head``, ``first_bad``, ``findings`` and ``checkpoint`` (or None:
    then nothing is said of where the pack comes from).
    """
    _shaped(pack)
    stream = f"cycle:{pack['cycle']}"
    marks = Marks(checkpoint) if checkpoint is not None else None
    chain = Chain(stream, Replay(pack["cycle"], Shelf(pack["definitions"])), marks.of(stream) if marks else None)
    findings = _walked(chain, pack)
    if not findings:
        findings = _of_contents(chain, pack) + _of_file(chain, pack)
    compared = _against(chain, pack, marks, findings) if marks else None
    first = next((f for f in findings if f["stream"] is not None), None)
    return {
        "consistent": not findings, "entries": chain.seq, "length": pack["length"], "head": chain.head,
        "first_bad": {k: first.get(k) for k in ("stream", "seq", "why")} if first else None, "findings": findings,
        "checkpoint": compared,
    }  # fmt: skip


def _shaped(pack: dict[str, Any]) -> None:
    wanted = {
        "cycle": int,
        "entries": list,
        "definitions": dict,
        "contents": dict,
        "evidence": list,
        "length": int,
        "head": str,
    }
    if pack.get("kind") != KIND or pack.get("format") != FORMAT or pack.get("columns") != list(COLUMNS):
        raise Invalid("pack.invalid", f"this file is no audit pack of format {FORMAT}")
    wrong = [name for name, type_ in wanted.items() if not isinstance(pack.get(name), type_)]
    rows = pack["entries"] if not wrong else []
    if wrong or any(not isinstance(row, list) or len(row) != len(COLUMNS) for row in rows):
        raise Invalid("pack.invalid", f"this pack is malformed: {', '.join(wrong) or 'entries'}")


def _walked(chain: Chain, pack: dict[str, Any]) -> list[Finding]:
    for row in pack["entries"]:
        try:
            if row[0] != chain.name:
                raise Broken("chain", f"an entry of {row[0]!a} stands among those of {chain.name}")
            chain.take((*row, None))
        except Broken as bad:
            return [finding(bad.kind, chain.name, chain.seq + 1, bad.why, expected=bad.expected, found=bad.found)]
    if (chain.seq, chain.head) != (pack["length"], pack["head"]):
        return [finding("chain", chain.name, chain.seq, "the chain does not end at the head that the pack names",
                        expected=pack["head"], found=chain.head)]  # fmt: skip
    return []


def _of_contents(chain: Chain, pack: dict[str, Any]) -> list[Finding]:
    found = []
    for row in pack["entries"]:
        for text in named(row[2], json.loads(row[11])):
            kept = pack["contents"].get(text)
            if kept is None:
                found.append(
                    finding("content", chain.name, row[1], f"entry {row[1]} names content {text}, which is missing")
                )
            elif not _is_sound(text, kept):
                found.append(finding("content", chain.name, row[1], f"content {text} of entry {row[1]} was changed"))
    return found


def _is_sound(name: str, kept: Any) -> bool:
    if not isinstance(kept, dict):
        return False
    if kept.get("erased") is True:
        return set(kept) == {"erased"}
    try:
        return sound(name, bytes.fromhex(kept["salt"]), kept["text"].encode(), None)
    except (KeyError, ValueError, AttributeError, TypeError):
        return False


def _of_file(chain: Chain, pack: dict[str, Any]) -> list[Finding]:
    """Check what stands beside the chain: definitions under their hashes, evidence as the facts name it."""
    bodies = sorted(pack["definitions"].items())
    found = [
        finding("definition", None, None, f"definition {name} was changed")
        for name, body in bodies
        if not isinstance(body, str) or hashlib.sha256(body.encode()).hexdigest() != name
    ]
    if pack["evidence"] != _evidence([(row[2], json.loads(row[11])) for row in pack["entries"]]):
        found.append(finding("evidence", chain.name, None, "the files listed are not those that the facts name"))
    return found


def _against(chain: Chain, pack: dict[str, Any], marks: Marks, findings: list[Finding]) -> dict[str, Any]:
    findings += [finding("checkpoint", None, None, why) for why in marks.faults()]
    wanted = chain.mark
    if wanted is None:
        why = "the checkpoint does not know this stream: the cycle began later, or never stood there"
        findings.append(finding("checkpoint", chain.name, None, why))
    elif chain.seq < wanted[0]:
        findings.append(finding("checkpoint", chain.name, chain.seq + 1, "the pack is older than the checkpoint",
                                expected=wanted[0], found=chain.seq))  # fmt: skip
    elif pack["entries"][wanted[0] - 1][13] != wanted[1]:
        findings.append(finding("checkpoint", chain.name, wanted[0], f"entry {wanted[0]} is not the checkpoint's",
                                expected=wanted[1], found=pack["entries"][wanted[0] - 1][13]))  # fmt: skip
    document = marks.document
    return {"at": document["at"], "public_key": document["public_key"], "length": wanted[0] if wanted else None,
            "matches": not findings}  # fmt: skip
