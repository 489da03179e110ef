"""Quality incidents (质量事故): anybody reports, the office grades and answers, a handler handles (003 annex 1, 7.2).

Each act leaves a fact in the college's stream; what people wrote stands in content under its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from qaflow.engine.incidents import FACTS, REPORTED, TABLE, Rules, after
from qaflow.errors import Forbidden, Invalid, Missing, Refused, Stale
from qaflow.services import policy
from qaflow.services.accounts.profile import colleague
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles import warnings
from qaflow.services.cycles.acting import keep
from qaflow.services.cycles.acts import HALF_PAIR
from qaflow.services.notices import notices
from qaflow.services.streams import college_fact
from qaflow.services.work import AnySession, LostRace, Origin, Writer, transact
from qaflow.store import content
from qaflow.store import cycles as cycle_rows
from qaflow.store import incidents as rows
from qaflow.store.dashboard import units
from qaflow.store.db import Driver, utc
from qaflow.store.incidents import Row

from . import catalogue, incident_rights

TITLE, TEXT = 200, 8000  # characters
TWICE = timedelta(minutes=10)  # the same report again within this time is the first one, sent twice


@dataclass(frozen=True, kw_only=True)
class Report:
    """What somebody reports; ``cycle`` (0: none) or ``warning`` says what it concerns, where that is known."""

    title: str
    account: str
    category: str
    unit: int
    occurred_on: date
    complaint: bool = False
    cycle: int = 0
    warning: str = ""


def report(session: AnySession, origin: Origin, me: SignedIn, given: Report) -> int:
    """Report an incident; returns its id.  The same once more, as a double click makes it, is the one that stands.

    Raises `Invalid` for a text (``text.blank``, ``text.too_long``), a category, unit, cycle or warning that is not
    there for this person, or a day to come (``incident.day``).
    """
    title, account = text_of(given.title, TITLE), text_of(given.account, TEXT)
    if me.college is None:
        raise Missing("college.not_found", "this person belongs to no college")
    linked = _linked(session, origin, me, given)

    def body(driver: Driver) -> int:
        college = view(session, driver, me.college or 0)
        today = college.calendar.local_day(origin.now)
        _check(driver, college, given, today)
        same = _same(driver, college, origin, me, (title, account, given.category, given.unit))
        return same or _put(driver, Writer(driver, origin), college, me.person, given, (title, account), linked)

    return transact(session, body)


def text_of(given: str, most: int) -> str:
    """Return a text as it is kept; `Invalid` where it is blank, too long or holds half of a surrogate pair."""
    text = given.replace("\r\n", "\n").strip()
    if not text:
        raise Invalid("text.blank", "a text is needed here")
    if len(text) > most:
        raise Invalid("text.too_long", f"{len(text):,} characters, allowed are {most:,}")
    if HALF_PAIR.search(text):
        raise Invalid("text.invalid_unicode", "the text holds half of a surrogate pair")
    return text


def _check(driver: Driver, college: CollegeView, given: Report, today: date) -> None:
    rules = catalogue.rules(driver, college)
    if rules.category(given.category) is None:
        named = ", ".join(one.key for one in rules.categories)
        raise Invalid("incident.category", f"no category {given.category!r}; categories: {named}")
    if given.unit not in {unit.id for unit in units(driver, college.id)}:
        raise Invalid("ref.unknown_unit", f"the college has no unit {given.unit}")
    if given.occurred_on > today:
        raise Invalid("incident.day", f"{given.occurred_on} has not come yet")


def _linked(session: AnySession, origin: Origin, me: SignedIn, given: Report) -> dict[str, Any]:
    """Return the subject, cycle and warning that a report names, all of them within the reporter's sight."""
    if given.warning:
        try:
            story = warnings.look(session, origin, me, given.warning)
        except Missing:
            raise Invalid("warning.unknown", f"no warning {given.warning!r}") from None
        return {"subject_id": story.row.subject, "cycle_id": story.row.cycle, "warning_id": given.warning}
    if not given.cycle:
        return {}
    return transact(session, lambda driver: _of_cycle(session, driver, origin, me, given.cycle))


def _of_cycle(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, cycle: int) -> dict[str, Any]:
    found = cycle_rows.load(driver, cycle, lock=False)
    if found is not None and found[1].college == me.college:
        day = view(session, driver, found[1].college).calendar.local_day(origin.now).isoformat()
        scope = policy.scope_of(found[0], found[1].college)
        if policy.may_see(driver, scope, found[0], me.person, day):
            return {"subject_id": found[0].subject, "cycle_id": cycle, "warning_id": None}
    raise Invalid("cycle.unknown", f"no cycle {cycle}")


def _same(driver: Driver, college: CollegeView, origin: Origin, me: SignedIn, said: tuple[Any, ...]) -> int | None:
    """Return the incident that this person reported a moment ago in the same words."""
    own = rows.sight(False, (), me.person, ())
    since = utc(origin.now - TWICE)
    for row in rows.seen(driver, college.id, own, "0001-01-01", "9999-12-31"):
        if row.reported_by == me.person and row.reported_at >= since:
            texts = content.get_many(driver, [row.title, row.account])
            if (texts.get(row.title), texts.get(row.account), row.category, row.unit_id) == said:
                return row.id
    return None


def _put(driver: Driver, writer: Writer, college: CollegeView, person: int, given: Report, texts: tuple[str, str],
         linked: Mapping[str, Any]) -> int:  # fmt: skip
    hashes = {"title": keep(driver, texts[0]), "account": keep(driver, texts[1])}
    plain = {"category": given.category, "complaint": given.complaint, "occurred_on": given.occurred_on.isoformat(),
             "unit_id": given.unit, **linked, **hashes}  # fmt: skip
    values = {"state": REPORTED, "reported_at": writer.at, "reported_by": person, **plain}
    number, no = rows.put(driver, college.id, values)
    college_fact(driver, writer, college.id, college.key, "IncidentReported", {"incident": number, "no": no, **plain})
    writer.flush()
    return number


@dataclass(frozen=True, kw_only=True)
class Grading:
    """How the office grades an incident, whom it lets handle it and until when (None: as the grade has it)."""

    category: str
    grade: str
    handler: str
    due: date | None = None


def standing(driver: Driver, college: int, number: int) -> Row:
    """Return an incident as it stands, held for what follows; `Missing` where there is none."""
    row = rows.hold(driver, college, number)
    if row is None:
        raise Missing("incident.unknown", f"no incident {number}")
    return row


def grade(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int, given: Grading) -> None:
    """Grade an incident and give it to a handler; graded anew after it was handled, it goes back to be handled.

    Raises `Invalid` for a category, grade, person or day (``incident.due``: before today) that cannot be.
    """

    def values(at: Act) -> dict[str, Any]:
        rules: Rules = catalogue.rules(at.driver, at.college)
        found = rules.grade(given.grade)
        if found is None or rules.category(given.category) is None:
            code = "incident.grade" if found is None else "incident.category"
            raise Invalid(code, f"grades: {', '.join(one.key for one in rules.grades)}")
        due = given.due or at.college.calendar.add_working(at.today, found.days)
        if due < at.today:
            raise Invalid("incident.due", f"{due} lies before today")
        return {"category": given.category, "grade": given.grade, "owner_id": colleague(at.driver, me, given.handler),
                "due": due.isoformat(), "handled_at": None, "handled_by": None}  # fmt: skip

    _act(session, origin, me, number, version, "grade", values)


def say(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int, action: str, text: str) -> None:
    """Handle, answer or close an incident, with what is said of it."""
    if action not in SAID:
        raise Missing("action.unknown", f"action {action!r} is unknown")
    kept = text_of(text, TEXT)
    _act(session, origin, me, number, version, action, lambda at: {SAID[action]: keep(at.driver, kept)})


SAID = {"handle": "handling", "answer": "answer", "close": "conclusion"}
"""Under which name the words of an act are kept."""
DONE = {action: to for action, (_, to) in TABLE.items()}


@dataclass(frozen=True, kw_only=True)
class Act:
    """An act on an incident, within its transaction."""

    driver: Driver
    college: CollegeView
    today: date
    row: Row


def _act(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int, action: str,
         values: Any) -> None:  # fmt: skip
    def body(driver: Driver) -> None:
        college = view(session, driver, me.college or 0)
        today = college.calendar.local_day(origin.now)
        row = _held(driver, college, me.person, number, version, action, today.isoformat())
        changed = values(Act(driver=driver, college=college, today=today, row=row))
        _change(driver, Writer(driver, origin), college, row, action, me.person, changed)

    transact(session, body)


def _held(driver: Driver, college: CollegeView, person: int, number: int, version: int, action: str,
          day: str) -> Row:  # fmt: skip
    """Return an incident on which this person may do this now: seen, with the right, unchanged, in the right state."""
    row = rows.hold(driver, college.id, number)
    seen = incident_rights.sight(driver, college.id, person, day)
    if row is None or rows.look(driver, college.id, number, seen) is None:
        raise Missing("incident.unknown", f"no incident {number}")
    if action not in incident_rights.may(driver, college.id, row, person, day):
        raise Forbidden("action.forbidden", f"you may not {action} incident {row.no}", action=action)
    if row.version != version:
        raise Stale("version.stale", f"incident {row.no} was changed in the meantime")
    if after(row.state, action) is None:
        raise Refused("incident.state", f"incident {row.no} is {row.state}")
    return row


def _change(driver: Driver, writer: Writer, college: CollegeView, row: Row, action: str, person: int,
            changed: Mapping[str, Any]) -> None:  # fmt: skip
    state = DONE[action]
    stamped = {f"{state}_at": writer.at, f"{state}_by": person}
    if not rows.change(driver, row, {**changed, "state": state, **stamped}):
        raise LostRace
    to = {"grade": changed.get("owner_id"), "handle": row.graded_by}.get(action, row.reported_by)
    behalf = {"for": row.owner_id} if action == "handle" and row.owner_id != person else {}
    plain = {name: value for name, value in changed.items() if value is not None}
    told = {"incident": row.id, "no": row.no, **plain, **behalf, "to": to}
    kind = FACTS[action]
    seq = college_fact(driver, writer, college.id, college.key, kind, told)
    stream = f"college:{college.key}"
    writer.notify(college.id, stream, seq, kind, notices.recipients(kind, told), notices.of_incident(row.no, kind))
    writer.flush()
