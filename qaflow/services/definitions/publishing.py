"""Publishing definitions: a version is stored once with its content hash and never changes (engine rules, 3 and 7)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from qaflow.engine import checks
from qaflow.engine.college import Role
from qaflow.engine.definition import Definition, canonical, from_plain
from qaflow.engine.machine import compile_definition
from qaflow.errors import Missing, Refused
from qaflow.services import policy
from qaflow.services.college import view
from qaflow.services.college_stream import CollegeStream
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import colleges
from qaflow.store import definitions as rows
from qaflow.store import installation as accounts
from qaflow.store.db import Driver, reading, utc


def unpublished(driver: Driver, found: Iterable[Definition]) -> list[Definition]:
    """Return those that are not stored yet; `definition.version_taken` where a stored version has other content."""
    new, taken = [], []
    for one in found:
        stored = colleges.newest(driver, one.key, one.version)
        if stored is None:
            new.append(one)
        elif stored[1] != one.hash:
            taken.append(one)
    if taken:
        raise _taken(driver, taken)
    return new


def _taken(driver: Driver, found: list[Definition]) -> Refused:
    errors = [{"at": f"{one.key} {one.version}", "code": "definition.version_taken",
               "detail": f"version {one.version} is published with other content",
               "remedy": f"raise `version:` to {_newest(driver, one) + 1}"} for one in found]  # fmt: skip
    named = ", ".join(f"{one.key} version {one.version}" for one in found)
    return Refused("definition.version_taken", f"{named}: published already with other content; raise the version",
                   errors=errors)  # fmt: skip


def _newest(driver: Driver, one: Definition) -> int:
    stored = colleges.newest(driver, one.key)
    return max(one.version, stored[2] if stored else 0)


def put(driver: Driver, origin: Origin, stream: CollegeStream, college: int, found: Iterable[Definition]) -> None:
    """Store versions and say so in the college's stream; each is compiled first, so that what is stored also runs."""
    by = origin.person if origin.person is not None else accounts.account(driver, origin.account)
    assert by is not None
    for one in found:
        compile_definition(one)
        rows.insert(driver, college, one.key, one.version, one.hash, one.layer, one.name.zh, one.name.en,
                    canonical(list(one.order)), one.canonical, utc(origin.now), by)  # fmt: skip
        stream.fact("DefinitionPublished", {"key": one.key, "version": one.version, "hash": one.hash}, one.hash)


def college_of(driver: Driver, key: str) -> colleges.CollegeRow:
    """Return the college to which a definition's key belongs."""
    found = colleges.by_key(driver, key.partition(".")[0])
    if found is None:
        wanted = key.partition(".")[0]
        raise Missing("college.not_found", f"{key} belongs to the college {wanted!r}, which is not loaded")
    return found


def publish(session: AnySession, origin: Origin, found: Definition) -> dict[str, Any]:
    """Publish one version: the same content is a no-op, other content under the same version is refused.

    The quality office's right; `warnings` tell of quorums that the people in office cannot reach.
    """

    def body(driver: Driver) -> dict[str, Any]:
        college = college_of(driver, found.key)
        seen = view(session, driver, college.id)
        today = seen.calendar.local_day(origin.now).isoformat()
        if origin.person is not None:
            policy.require_role(driver, college.id, origin.person, "publish", today)
        new = unpublished(driver, [found])
        stream = CollegeStream(driver, origin, college.id, college.key)
        put(driver, origin, stream, college.id, new)
        stream.close()
        return {"key": found.key, "version": found.version, "hash": found.hash, "published": bool(new),
                "warnings": _quorums(driver, college.id, found, today)}  # fmt: skip

    return transact(session, body)


def _quorums(driver: Driver, college: int, found: Definition, day: str) -> list[dict[str, Any]]:
    """Return the stages whose quorum is more than the people who hold its roles."""
    named = {r for s in found.stages if s.decide is not None for r in (s.decide.role, *s.decide.also)}
    holders = {role: rows.holders(driver, college, [role], day) for role in named}
    findings = [f for f in checks.check(found, holders=holders) if f.code == "def.quorum_unreachable"]
    return [{"at": ".".join(map(str, f.path)), "code": f.code, "detail": f.message, "remedy": f.remedy}
            for f in findings]  # fmt: skip


def roles_of(session: AnySession, key: str) -> tuple[Role, ...]:
    """Return the roles of the college to which a definition's key belongs."""
    return transact(session, lambda d: view(session, d, college_of(d, key).id).config.roles)


def listed(session: AnySession, college: str | None = None) -> list[dict[str, Any]]:
    """Return every published version with the number of cycles that run on it."""
    found = rows.listed(reading(session))
    session.rollback()
    return [
        {"key": r.key, "version": r.version, "college": r.college, "stages": json.loads(r.stages), "layer": r.layer,
         "name": {"zh": r.name_zh, "en": r.name_en}, "hash": r.hash, "published_at": r.published_at,
         "running": r.running}
        for r in found if college in (None, r.college)
    ]  # fmt: skip


def stored(session: AnySession, key: str, version: int | None = None) -> Definition | None:
    """Return a published definition, the newest version unless one is named; None where there is none."""
    driver = reading(session)
    row = colleges.newest(driver, key, version)
    body = colleges.definition_body(driver, row[1]) if row else None
    session.rollback()
    return from_plain(json.loads(body)) if body else None
