"""The doctor: the invariants I1 to I7 and the installation's own health, for tests and for people alike.

A cycle whose history does not prove what stands on it is sealed by an incident: it can be read, but nothing more is
written on it until people have looked into it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from qaflow.errors import QaflowError
from qaflow.services.auditing import audit
from qaflow.services.cycles import evidence
from qaflow.services.notices import notices
from qaflow.services.ports import Files
from qaflow.services.work import AnySession, transact
from qaflow.store import doctor as store
from qaflow.store import journal, ticks
from qaflow.store.audit import steady
from qaflow.store.db import schema_state, utc
from qaflow.store.driver import Driver, driver

Finding = dict[str, Any]
CALENDAR_AHEAD = dt.timedelta(days=180)  # a calendar that ends sooner cannot give the next deadlines
IN_HISTORY = frozenset(("chain", "replay", "projection"))


def check(
    session: AnySession,
    now: dt.datetime | None = None,
    verified: dict[str, Any] | None = None,
    files: Files | None = None,
) -> dict[str, Any]:
    """Check everything and report ``ok``, ``findings``, ``notices`` and ``incidents``.

    ``verified`` is what `audit.verify` has just reported, where it has.  With ``now`` cycles whose history is broken
    are sealed, and those that are sound again are freed.
    """
    schema = schema_state(session)
    if schema != "current":
        session.rollback()
        return {"ok": False, "findings": [_found("schema", None, f"the tables are {schema}", "current", schema)],
                "notices": [], "incidents": []}  # fmt: skip
    verified = verified or audit.verify(session)
    d = steady(session)
    try:
        findings = _history(verified) + _triggers(session)
        for invariant in INVARIANTS:
            findings += invariant(d)
        findings += evidence.findings(d, files) if files is not None else []
        told = _notices(d, now)
    finally:
        session.rollback()
    if now is not None:
        _seal(session, findings, now)
    incidents = [i._asdict() for i in ticks.incidents(driver(session))]
    session.rollback()
    return {
        "ok": not findings,
        "entries": verified["entries"],
        "findings": findings,
        "notices": told,
        "incidents": incidents,
    }


def _found(check_: str, ref: str | None, why: str, expected: Any = None, found: Any = None, **more: Any) -> Finding:
    return {"check": check_, "ref": ref, "why": why, "expected": expected, "found": found} | more


def _history(verified: dict[str, Any]) -> list[Finding]:
    """I2 and I3: what the audit found, named by stream and number."""
    of = {"chain": "I3", "replay": "I2", "projection": "I2"}
    return [
        _found(
            of.get(f["kind"], "I3"),
            f["stream"],
            f["why"],
            f.get("expected"),
            f.get("found"),
            seq=f["seq"],
            kind=f["kind"],
        )
        for f in verified["findings"]
    ]


def _triggers(session: AnySession) -> list[Finding]:
    return [_found("triggers", name, f"the journal's trigger {name} does not stand: history could be changed")
            for name in journal.missing_triggers(session)]  # fmt: skip


def versions(d: Driver) -> list[Finding]:
    """I1: each row's version is the number of its journal entries."""
    return [_found("I1", stream, f"{stream}: version {version}, {count} entries in the journal", count, version)
            for stream, version, count in store.unequal_counts(d)]  # fmt: skip


def covered(d: Driver) -> list[Finding]:
    """I4: each notice belongs to an entry, and each entry of a notifying kind has told whom it had to."""
    found = [_found("I4", stream, f"notice {number} belongs to entry {seq} of {stream}, which does not stand", seq=seq)
             for number, stream, seq in store.baseless(d)]  # fmt: skip
    told = {hash(row) for row in store.told(d)}
    kinds = sorted(notices.TELLING)
    for stream, seq, kind, actor, data in store.notifying(d, kinds):
        if not stream.startswith(("cycle:", "college:")):
            continue
        try:
            missing = [p for p in notices.told(kind, json.loads(data), actor) if hash((stream, seq, p)) not in told]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # what cannot be read is the audit's finding
        found += [
            _found("I4", stream, f"entry {seq} ({kind}) has no notice to person {p}", p, seq=seq) for p in missing
        ]
    return found[: store.SHOWN]


def pages(d: Driver) -> list[Finding]:
    """I5: the database finds its own pages, indexes and references sound."""
    return [_found("I5", None, said) for said in store.faulty_pages(d)]


def levels(d: Driver) -> list[Finding]:
    """I6: each level of a deadline fired at most once, and in order."""
    return [_found("I6", f"cycle:{cycle}", f"work item {no}, deadline {deadline}: levels repeat or are out of order")
            for cycle, no, deadline in store.levels_out_of_order(d)]  # fmt: skip


def owed(d: Driver) -> list[Finding]:
    """I7: nothing is owed in an ended cycle, and in a running one somebody owes something or a timer waits."""
    found = [_found("I7", f"cycle:{cycle}", f"work item {no} ({kind}) is open in an ended cycle")
             for cycle, no, kind in store.open_in_closed(d)]  # fmt: skip
    return found + [_found("I7", f"cycle:{cycle}", f"nobody owes anything in {stage}.{leaf} and no timer waits")
                    for cycle, stage, leaf in store.idle(d)]  # fmt: skip


INVARIANTS: tuple[Callable[[Driver], list[Finding]], ...] = (versions, covered, pages, levels, owed)


def _notices(d: Driver, now: dt.datetime | None) -> list[Finding]:
    """Return what is no fault but wants somebody's eye: calendars, cycles not started."""
    told = [_found("calendar", college, f"{college}: year {year} was adopted before its make-up days were published")
            for college, year in store.unpublished_years(d)]  # fmt: skip
    if now is not None:
        day = (now + CALENDAR_AHEAD).date().isoformat()
        told += [_found("calendar", college, f"{college}: the calendar ends {until or 'at once'}; add a teaching year")
                 for college, until in store.calendars_ended(d, day)]  # fmt: skip
    told += [_found("unstarted", college, f"{college}: {count} cycle(s) not started: {reason}", None, count)
             for college, reason, count in store.unstarted(d)]  # fmt: skip
    return told


def _seal(session: AnySession, findings: list[Finding], now: dt.datetime) -> None:
    """Make each cycle with a broken history read-only, and free those that are sound again."""
    broken: dict[str, Finding] = {}
    for one in findings:
        if one.get("kind") in IN_HISTORY and one["ref"] and one["ref"].startswith("cycle:"):
            broken.setdefault(one["ref"], one)

    def body(d: Driver) -> None:
        standing = set(store.sealed(d))
        for ref, one in broken.items():
            if ref not in standing:
                detail = f"entry {one['seq']}: {one['why']} (expected {one['expected']}, found {one['found']})"[:500]
                ticks.open_incident(d, None, store.HISTORY, ref, detail, utc(now), None)
        for ref in standing - broken.keys():
            ticks.solve(d, store.HISTORY, ref, utc(now))

    try:
        transact(session, body)
    except QaflowError as error:  # the report is worth more than the seal
        findings.append(_found("seal", None, f"the broken cycles could not be made read-only: {error.detail}"))
