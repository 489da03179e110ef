"""A college with people in it for tests: the packaged one, a section with a course, and everybody on its line."""

from datetime import UTC, datetime, timedelta
from typing import Any

from qaflow.engine import loader
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.book import NewGrant, NewPerson
from qaflow.services.auditing import audit
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles import acts, rounds
from qaflow.services.definitions import loading, packaged
from qaflow.services.files import imports
from qaflow.services.places import subjects
from qaflow.services.places.subjects import NewSubject
from qaflow.services.running import installation
from qaflow.services.sweeping import tick as ticks
from qaflow.services.work import Origin, Writer, transact
from qaflow.store import colleges, journal
from qaflow.store import subjects as places
from qaflow.store.db import Driver, Sql, db, driver

KEY = "wuhan-software"
FOLDER = loader.load_folder(packaged.folder_of(KEY))  # read once: nothing changes it
AUTUMN = datetime(2025, 9, 1, 1, tzinfo=UTC)
LINE = {
    "leader": ("course_leader", "unit", "sec"),
    "major": ("major_leader", "unit", "sec"),
    "head": ("unit_head", "unit", "school-of-code"),
    "vice": ("vice_president", "college", None),
    "office": ("quality_office", "college", None),
    "boss": ("quality_head", "college", None),
    "mate": ("course_leader", "unit", "sec"),
    "adm": ("administrator", "college", None),
    "diag": ("diagnostician", "college", None),
}
UNITS = """code,kind,name_zh,parent
school-of-code,teaching,软件学院,
sec,section,软件教研室,school-of-code
other,section,网络教研室,school-of-code
"""
GOALS = {"goals": [{"text": "提高实践课时比例"}]}


class World:
    """What tests ask of the college."""

    def __init__(self) -> None:
        """Load the college, its line of people, and one course of the leader's."""
        self.session = db.session
        self.now = AUTUMN
        installation.create(self.session, self.origin(), sandbox=False)
        loading.load_college(self.session, self.origin(), FOLDER)
        imports.run(self.session, self.origin(), "units", UNITS.encode(), "units.csv", college=KEY)
        units = transact(self.session, lambda d: places.units(d, self.college(d).id))
        self.units = {code: unit.id for code, unit in units.items()}
        self.people: dict[str, int] = transact(self.session, self._people)
        self.subjects: dict[str, int] = {}
        self.course("C1", "leader")

    def origin(self, login: str | None = None) -> Origin:
        """Return the origin of a person's act, or of the operator's."""
        person = self.people[login] if login else None
        return Origin(now=self.now, recorded=self.now, door="test", person=person, account=login or "operator")

    def college(self, d: Driver) -> CollegeView:
        """Return the college."""
        row = colleges.by_key(d, KEY)
        assert row is not None
        return view(self.session, d, row.id)

    def _people(self, d: Driver) -> dict[str, int]:
        writer, origin, college = Writer(d, self.origin()), self.origin(), self.college(d)
        ids = accounts.add_people(d, writer, origin, college.id, [NewPerson(login, f"某{login}") for login in LINE])
        found = dict(zip(LINE, ids, strict=True))
        grants = [NewGrant(found[login], role, scope, self.units[unit] if unit else None)
                  for login, (role, scope, unit) in LINE.items()]  # fmt: skip
        accounts.grant_many(d, writer, origin, college, grants)
        writer.flush()
        return found

    def course(self, code: str, login: str | None, unit: str = "sec") -> int:
        """Add a course; return its number."""

        def body(d: Driver) -> int:
            writer = Writer(d, self.origin())
            person = self.people[login] if login else None
            row = NewSubject("course", code, f"课程{code}", self.units[unit], person)
            (made,) = subjects.add_subjects(self.session, d, writer, self.origin(), self.college(d), [row])
            writer.flush()
            return made

        self.subjects[code] = transact(self.session, body)
        return self.subjects[code]

    def start(self, code: str = "C1", track: str = "teaching") -> int:
        """Start a course's cycle now; return its number."""

        def body(d: Driver) -> int:
            acting = rounds.start_on_demand(self.session, d, self.origin(), self.college(d), "course", code, track)
            return int(acting.snap.id)

        return transact(self.session, body)

    def fire(self, cycle: int, login: str, action: str, **args: Any) -> Any:
        """Let a person act."""
        return acts.fire(self.session, self.origin(login), cycle, action, args)

    def tick(self, later: timedelta) -> Any:
        """Sweep at a later instant."""
        now = self.now + later
        origin = Origin(now=now, recorded=now, door="tick")
        return ticks.swept(self.session, origin, limit=timedelta(days=400)).plain()

    def rows(self, text: str, **params: Any) -> list[tuple[Any, ...]]:
        """Return what a query gives."""
        try:
            return driver(self.session).all(Sql(text), params)
        finally:
            self.session.rollback()

    def holders(self, cycle: int) -> dict[str, set[str]]:
        """Return the logins that hold the live items of a cycle, by kind."""
        found: dict[str, set[str]] = {}
        names = {number: login for login, number in self.people.items()}
        for kind, holder in self.rows("select kind, holder_id from work_item where cycle_id = :c and "
                                      "state in ('open', 'stopped')", c=cycle):  # fmt: skip
            found.setdefault(kind, set()).add(names.get(holder, "?"))
        return found

    def proven(self) -> bool:
        """Tell whether the journal verifies and gives the rows that stand."""
        report = audit.verify(self.session)
        assert report["verified"], report
        return bool(report["entries"])

    def chain(self, stream: str) -> list[journal.Entry]:
        """Return a stream whose every link holds."""
        entries = transact(self.session, lambda d: journal.read(d, stream))
        prev = journal.GENESIS
        for number, entry in enumerate(entries, 1):
            assert (entry.seq, entry.prev) == (number, prev)
            assert journal.digest(prev, *entry[:12]) == entry.hash
            prev = entry.hash
        return entries
