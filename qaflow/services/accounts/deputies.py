"""Deputies (代理): who acts in their own name "B for A" between two days; loops are refused (engine rules, 5)."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from qaflow.engine.dates import iso_day
from qaflow.errors import Forbidden, Invalid, Missing, Refused
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.streams import PersonStreams, person_fact
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import accounts as rows
from qaflow.store import colleges, people
from qaflow.store.accounts import DeputyRow
from qaflow.store.db import Driver

from .book import find, require_right

BATCH = 1000


class _Span(NamedTuple):
    """When, and on which layer, a chain of deputies holds."""

    starts: str
    ends: str
    layer: str | None

    def meet(self, row: DeputyRow) -> _Span | None:
        """Return where this span and an appointment hold together, or None."""
        starts, ends = max(self.starts, row.starts), min(self.ends, row.ends)
        if starts > ends or (self.layer and row.layer and self.layer != row.layer):
            return None
        return _Span(starts, ends, self.layer or row.layer)


def appoint(session: AnySession, origin: Origin, person: int, deputy: int, starts: date | str, ends: date | str,
            role: str | None = None, layer: str | None = None, reason: str = "") -> int:  # fmt: skip
    """Let a deputy stand in for a person from one day to another, both included; returns the appointment's number.

    Whoever will be away appoints, or an administrator.  ``role`` and ``layer`` narrow it.  Raises `Invalid`
    (``deputy.self``, ``deputy.dates``, ``ref.unknown_user``) and `Refused` (``deputy.cycle``, naming the chain).
    """
    first, last = _day(starts), _day(ends)

    def body(driver: Driver) -> int:
        absent, stand_in = _persons(driver, person, deputy)
        college = view(session, driver, absent.college_id or 0)
        if origin.person != person:
            require_right(session, driver, origin, college.id)
        _check(college, absent, stand_in, first, last, role, layer)
        colleges.head(driver, college.id)  # two appointments that close a loop together wait for each other
        refuse_loop(driver, college.id, person, deputy, _Span(first, last, layer))
        return _write(driver, origin, college.id, person, deputy, (role, layer, first, last), reason)

    return transact(session, body)


def enter(session: AnySession, origin: Origin, login: str, stand_in: str, starts: str, ends: str,
          role: str | None = None, layer: str | None = None, reason: str = "") -> int:  # fmt: skip
    """Let a deputy stand in for a person, both named by login."""
    person, deputy = transact(session, lambda driver: (find(driver, login).id, find(driver, stand_in).id))
    return appoint(session, origin, person, deputy, starts, ends, role, layer, reason)


def _day(day: date | str) -> str:
    try:
        return (day if isinstance(day, date) else iso_day(day)).isoformat()
    except (TypeError, Invalid):
        raise Invalid("date.invalid", f"{day!r} is no day: write YYYY-MM-DD") from None


def _persons(driver: Driver, person: int, deputy: int) -> tuple[people.Person, people.Person]:
    absent, stand_in = people.by_id(driver, person), people.by_id(driver, deputy)
    if absent is None or absent.college_id is None:
        raise Missing("person.not_found", f"no person {person} of a college")
    if stand_in is None or stand_in.college_id != absent.college_id:
        raise Invalid("ref.unknown_user", f"no person {deputy} in this college")
    return absent, stand_in


def _check(college: CollegeView, absent: people.Person, stand_in: people.Person, first: str, last: str,
           role: str | None, layer: str | None) -> None:  # fmt: skip
    if stand_in.id == absent.id:
        raise Invalid("deputy.self", f"{absent.login} cannot stand in for themselves")
    if stand_in.disabled_at is not None:
        raise Invalid("ref.disabled_user", f"{stand_in.login} is disabled")
    if last < first:
        raise Invalid("deputy.dates", f"the last day {last} lies before the first, {first}")
    if role is not None and not college.config.roles_of(role):
        raise Invalid("ref.unknown_role", f"no role {role!r}; one of {', '.join(college.config.role_by_key)}")
    layers = [one.key for one in college.config.layers]
    if layer is not None and layer not in layers:
        raise Invalid("ref.unknown_layer", f"no layer {layer!r}; one of {', '.join(layers)}")


def refuse_loop(driver: Driver, college: int, person: int, deputy: int, span: _Span) -> None:
    """Refuse an appointment by which somebody would stand in for themselves, or whose chain is too long to follow."""
    standing = rows.deputies_within(driver, college, span.starts, span.ends)
    follows: dict[int, list[DeputyRow]] = {}
    for row in standing:
        follows.setdefault(row.person_id, []).append(row)
    trails: list[tuple[list[int], _Span]] = [([person, deputy], span)]
    while trails:
        trail, held = trails.pop()
        for row in follows.get(trail[-1], ()):
            met = held.meet(row)
            if met is None:
                continue
            chain = [*trail, row.deputy_id]
            if row.deputy_id == person:
                names = _logins(driver, chain)
                raise Refused("deputy.cycle", f"deputies would go round: {' → '.join(names)}", chain=names)
            if len(chain) > people.MAX_CHAIN:
                names = _logins(driver, chain)
                raise Refused("deputy.chain", f"too many deputies of deputies: {' → '.join(names)}", chain=names)
            if row.deputy_id not in trail:
                trails.append((chain, met))


def _logins(driver: Driver, chain: list[int]) -> list[str]:
    names = people.names(driver, chain)
    return [names[person][1] for person in chain]


def _write(driver: Driver, origin: Origin, college: int, person: int, deputy: int,
           terms: tuple[str | None, str | None, str, str], reason: str) -> int:  # fmt: skip
    writer = Writer(driver, origin)
    role, layer, first, last = terms
    (number,) = driver.reserve("deputy", 1)
    kept = keep(driver, reason) if reason.strip() else None
    data = {"deputy": number, "to": deputy, "starts": first, "ends": last, "role": role, "layer": layer, "reason": kept}
    person_fact(driver, writer, person, "DeputyAppointed", {k: v for k, v in data.items() if v is not None})
    rows.put_deputy(driver, (number, college, person, deputy, role, layer, first, last, kept))
    writer.flush()
    return number


def end(session: AnySession, origin: Origin, number: int) -> None:
    """End an appointment before its last day: the person comes back early."""

    def body(driver: Driver) -> None:
        found = rows.one_deputy(driver, number)
        if found is None:
            raise Missing("deputy.not_found", f"no standing appointment {number}")
        if origin.person not in (found.person_id, found.deputy_id):
            require_right(session, driver, origin, found.college_id)
        writer = Writer(driver, origin)
        _end(driver, writer, [found], "ended")
        writer.flush()

    transact(session, body)


def end_due(driver: Driver, writer: Writer, origin: Origin, college: int | None, day: date | str,
            limit: int = BATCH) -> int:  # fmt: skip
    """End the appointments whose last day lies before ``day``; returns how many (the tick's, never a decision)."""
    if origin.person is not None:
        raise Forbidden("action.forbidden", "only the system ends deputies by date")
    due = rows.deputies_due(driver, _day(day), college, limit)
    _end(driver, writer, due, "due")
    return len(due)


def _end(driver: Driver, writer: Writer, ended: list[DeputyRow], why: str) -> None:
    streams = PersonStreams(driver, writer, [row.person_id for row in ended])
    for row in ended:
        streams.fact(row.person_id, "DeputyEnded", {"deputy": row.id, "to": row.deputy_id, "why": why})
    if not rows.end_deputies(driver, [row.id for row in ended], writer.at):
        raise LostRace
    streams.save()
