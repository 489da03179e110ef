"""Reading the published definitions: a college's own and the shared ones, who runs on which, what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from qaflow.engine.college import Track
from qaflow.engine.definition import Definition
from qaflow.engine.differences import Change, changes
from qaflow.errors import Forbidden, Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.work import AnySession, Origin
from qaflow.store import published as rows
from qaflow.store.db import Driver, reading
from qaflow.store.published import Standing, Version

PAGE = 100
STATUSES = {"running": ["running"], "suspended": ["suspended"], "closed": ["closed", "cancelled"]}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Published:
    """One version with what stands on it; only the newest of its definition has tracks, for new cycles take that."""

    row: Version
    counts: dict[str, int]
    tracks: tuple[Track, ...] = ()
    newest: bool = True


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One version whole, and the other versions of the same definition."""

    published: Published
    definition: Definition
    others: list[Published]
    college: CollegeView
    may: frozenset[str]  # of publish, migrate, oversee: what this person may do here


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two versions and what differs between them."""

    old: Definition
    new: Definition
    changes: list[Change] = field(default_factory=list)


def overview(session: AnySession, origin: Origin, me: SignedIn) -> tuple[list[Published], CollegeView, frozenset[str]]:
    """Return the versions that a person's college runs, the newest first."""
    return _read(session, origin, me, lambda d, seen, may: (_published(d, seen, may, None), seen, may))


def one(session: AnySession, origin: Origin, me: SignedIn, key: str, version: int) -> Shown:
    """Return one version."""

    def body(d: Driver, seen: CollegeView, may: frozenset[str]) -> Shown:
        versions = _published(d, seen, may, key)
        wanted = _of(versions, version)
        others = [v for v in versions if v is not wanted]
        definition = compiled(session, d, wanted.row.hash).definition
        return Shown(published=wanted, definition=definition, others=others, college=seen, may=may)

    return _read(session, origin, me, body)


def difference(session: AnySession, origin: Origin, me: SignedIn, key: str, old: int, new: int) -> Difference:
    """Return what differs between two versions of a definition."""

    def body(d: Driver, seen: CollegeView, may: frozenset[str]) -> Difference:
        versions = _published(d, seen, may, key)
        before, after = (compiled(session, d, _of(versions, one).row.hash).definition for one in (old, new))
        return Difference(old=before, new=after, changes=changes(before, after))

    return _read(session, origin, me, body)


def cycles(session: AnySession, origin: Origin, me: SignedIn, key: str, version: int, status: str,
           after: int) -> tuple[Published, Definition, list[Standing]]:  # fmt: skip
    """Return a page of the cycles that stand on a version in a status, and the version."""

    def body(d: Driver, seen: CollegeView, may: frozenset[str]) -> tuple[Published, Definition, list[Standing]]:
        if "oversee" not in may:
            raise Forbidden("action.forbidden", "you may not see these cycles", action="oversee")
        wanted = _of(_published(d, seen, may, key), version)
        found = rows.cycles(d, seen.id, wanted.row.id, STATUSES[status], after, PAGE)
        return wanted, compiled(session, d, wanted.row.hash).definition, found

    return _read(session, origin, me, body)


def moved(session: AnySession, origin: Origin, me: SignedIn, key: str, version: int, since: int) -> list[Standing]:
    """Return the cycles that a migration brought to a version since an entry of the journal."""
    return _read(session, origin, me, lambda d, seen, may: (
        rows.moved(d, seen.id, _of(_published(d, seen, may, key), version).row.id, since, PAGE)))  # fmt: skip


def mark(session: AnySession) -> int:
    """Return the number of the journal's newest entry: what comes after it came later."""
    found = rows.newest_entry(reading(session))
    session.rollback()
    return found


def _read(session: AnySession, origin: Origin, me: SignedIn, body: Callable[[Driver, CollegeView, frozenset[str]], T],
          ) -> T:  # fmt: skip
    """Read in one transaction as somebody who may read definitions (engine rules, 5)."""
    driver = reading(session)
    try:
        if me.college is None:
            raise Missing("college.not_found", f"{me.login} belongs to no college")
        seen = view(session, driver, me.college)
        day = seen.calendar.local_day(origin.now).isoformat()
        policy.require_role(driver, me.college, me.person, "definitions", day)
        may = policy.allowed(driver, me.college, me.person, ("publish", "migrate", "oversee"), day)
        return body(driver, seen, may)
    finally:
        session.rollback()


def _published(d: Driver, seen: CollegeView, may: frozenset[str], key: str | None) -> list[Published]:
    """Return the versions; how many cycles stand on them only to those who may see the cycles."""
    found, standing = rows.versions(d, seen.id, key), rows.counts(d, seen.id) if "oversee" in may else None
    newest: dict[str, int] = {}
    for row in found:
        newest[row.key] = max(row.version, newest.get(row.key, 0))
    tracks: dict[str, list[Track]] = {}
    for track in seen.config.tracks:
        tracks.setdefault(track.definition, []).append(track)
    return [_version(row, standing, tracks, row.version == newest[row.key]) for row in found]


def _version(row: Version, standing: dict[tuple[int, str], int] | None, tracks: dict[str, list[Track]],
             newest: bool) -> Published:  # fmt: skip
    counts = (
        {}
        if standing is None
        else {name: sum(standing.get((row.id, status), 0) for status in of) for name, of in STATUSES.items()}
    )
    return Published(row=row, counts=counts, tracks=tuple(tracks.get(row.key, ())) if newest else (), newest=newest)


def _of(versions: list[Published], version: int) -> Published:
    for found in versions:
        if found.row.version == version:
            return found
    raise Missing("definition.not_found", "no such definition is published")
