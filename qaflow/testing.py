"""A tiny college to test against: hand-written values and a `World` that builds it through the real services.

Public: whoever writes rules of their own on this program tests them the same way.  Nothing here is faked but the
college itself; time is `World.now`, set by the test.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qaflow.engine.college import College, Diagnosis, Layer, Period, Role, Track
from qaflow.engine.decide import Decide, decide
from qaflow.engine.definition import (
    NEUTRAL_STAGES,
    Definition,
    Field,
    Label,
    Level,
    QuickLoop,
    Sheet,
    Signers,
    Stage,
    canonical,
    to_plain,
)
from qaflow.errors import QaflowError
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import deputies
from qaflow.services.auditing import audit
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import rounds
from qaflow.services.cycles.acting import Acting, hold
from qaflow.services.definitions import publishing as definitions
from qaflow.services.places import subjects
from qaflow.services.points import monitoring
from qaflow.services.running import installation
from qaflow.services.sweeping import tick
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges, ledger, loading
from qaflow.store import subjects as rows
from qaflow.store.db import Driver, Sql, utc

Data = dict[str, Any]
T = TypeVar("T")
MONDAY = dt.datetime(2025, 9, 1, 1, tzinfo=dt.UTC)  # 09:00 in Shanghai, the first day of the year
YEARS = range(2023, 2031)
APPROVER = Signers(role="major_leader", days=3)
LADDER = (Level(after=1, to="supervisor"), Level(after=3, to="leader"), Level(after=5, to="quality_office"))


def label(text: str) -> Label:
    """Return a text that reads the same in both languages."""
    return Label(zh=text, en=text)


def stage(key: str, **changes: Any) -> Stage:
    """Return a stage that the responsible person submits and the major's leader decides."""
    return replace(Stage(key=key, name=label(key), decide=APPROVER), **changes)


CARRIED = Field(
    key="carried",
    label=label("carried"),
    type="records",
    fields=(
        Field(key="kind", label=label("kind"), type="choice", choices=("problem", "goal")),
        Field(key="text", label=label("text"), required=True),
    ),
)
NOTE = Field(key="note", label=label("note"))


def spiral(key: str = "tiny.teaching", stages: Sequence[str | Stage] = NEUTRAL_STAGES, **changes: Any) -> Definition:
    """Return a definition of the ten stages, or of those given; the last may carry problems and goals over."""
    made = [one if isinstance(one, Stage) else stage(one, form=(NOTE, CARRIED)) for one in stages]
    loop = any("implement" in (s.covers or (s.key,)) for s in made)
    whole = Definition(
        key=key,
        version=1,
        name=label(key),
        layer="course",
        stages=tuple(made),
        ladder=LADDER,
        quick=QuickLoop() if loop else None,
    )
    return replace(whole, **changes)


def sheet(kind: str, assessor: str) -> Sheet:
    """Return the form of a kind of diagnosis."""
    return Sheet(kind=kind, name=label(kind), assessor=assessor, days=10, form=(NOTE,))


def track(key: str = "teaching", definition: str = "tiny.teaching", length: str = "P1Y", **changes: Any) -> Track:
    """Return a track of the course layer that runs by the calendar from the first of September."""
    period = Period(length=length, anchor="09-01")
    whole = Track(key=key, layer="course", name=label(key), definition=definition, period=period, monitoring="monthly")
    return replace(whole, **changes)


ROLES = (
    ("course_leader", "responsible", "major_leader"),
    ("major_leader", "approver", "unit_head"),
    ("unit_head", "supervisor", "vice_president"),
    ("vice_president", "leader", "quality_head"),
    ("quality_office", "quality_office", None),
    ("quality_head", "quality_head", None),
    ("diagnostician", "diagnostician", None),
    ("administrator", "administrator", None),
    ("committee", "committee", "vice_president"),
    ("quality_administrator", "quality_administrator", None),
    ("dean", "approver", "vice_president"),
)
STAFF = (
    ("major", "major_leader", "section"),
    ("head", "unit_head", "teaching"),
    ("vp", "vice_president", None),
    ("office", "quality_office", None),
    ("qhead", "quality_head", None),
    ("diag", "diagnostician", None),
    ("admin", "administrator", None),
    ("far_major", "major_leader", "far"),
    ("far_head", "unit_head", "far"),
)
OTHERS = ("lead", "far_lead", "deputy", "guest", "new")
"""Without a post: the responsible persons of the two courses, a deputy to be, somebody, somebody new."""


def config(tracks: Sequence[Track], key: str = "tiny") -> College:
    """Return the tiny college's file."""
    found = tuple(Role(key=k, is_=kind, name=label(k), above=above) for k, kind, above in ROLES)
    return College(
        key=key,
        name=label(key),
        roles=found,
        layers=(Layer(key="course", name=label("course")),),
        tracks=tuple(tracks),
        timezone="Asia/Shanghai",
    )


class World:
    """One tiny college in a database: two units, a few people, two courses; weekends are its only days off."""

    key = "tiny"

    def __init__(
        self,
        session: AnySession,
        *definitions_: Definition,
        tracks: Sequence[Track] = (),
        now: dt.datetime = MONDAY,
        rules: Decide = decide,
    ) -> None:
        """Build the college with its definitions published and its courses scheduled, nothing started."""
        self.session, self.now, self.rules = session, now, rules
        self.definitions = definitions_ or (spiral(),)
        self.tracks = tuple(tracks) or (track(definition=self.definitions[0].key),)
        installation.create(session, self.origin(), sandbox=True)
        self.units: dict[str, int] = {}
        self.persons: dict[str, int] = {}
        self.subjects: dict[str, int] = {}
        self.points: dict[str, int] = {}
        self.college: int = self.within(self._college)
        for one in self.definitions:
            definitions.publish(session, self.origin(), one)
        self.within(self._people)
        self.course("C1", "section", "lead")
        self.course("C9", "far", "far_lead")

    def _college(self, driver: Driver) -> int:
        body = config(self.tracks, self.key)
        values = {
            "key": body.key,
            "name_zh": body.key,
            "name_en": body.key,
            "timezone": body.timezone,
            "body": canonical(to_plain(body)),
            "until": f"{YEARS[-1]}-12-31",
        }
        loading.insert_college(driver, values | {"at": utc(self.now)})
        row = colleges.by_key(driver, body.key)
        assert row is not None
        driver.insert_rows(
            "calendar_year",
            ("college_id", "year", "published", "adopted_at"),
            [(row.id, year, True, utc(self.now)) for year in YEARS],
        )
        self.units = dict(zip(("teaching", "section", "far"), driver.reserve("unit", 3), strict=True))
        above = {"section": self.units["teaching"]}
        rows.put_units(
            driver,
            [(i, row.id, code, "teaching", None, code, code, above.get(code), "[]") for code, i in self.units.items()],
        )
        return row.id

    def _people(self, driver: Driver) -> None:
        writer = Writer(driver, self.origin())
        logins = [login for login, _, _ in STAFF] + list(OTHERS)
        ids = accounts.add_people(driver, writer, self.origin(), self.college, [(x, x) for x in logins])
        self.persons = dict(zip(logins, ids, strict=True))
        grants = [self._grant(login, role, unit) for login, role, unit in STAFF]
        accounts.grant_many(driver, writer, self.origin(), self.view(driver), grants)
        writer.flush()

    def _grant(self, login: str, role: str, unit: str | None) -> accounts.NewGrant:
        if unit is None:
            return accounts.NewGrant(self.persons[login], role)
        return accounts.NewGrant(self.persons[login], role, "unit", self.units[unit])

    def origin(self, login: str | None = None) -> Origin:
        """Return who acts now: a person by login, or the system."""
        if login is None:
            return Origin(now=self.now, recorded=self.now, door="test", account="system", decide=self.rules)
        return Origin(
            now=self.now, recorded=self.now, door="test", person=self.persons[login], account=login, decide=self.rules
        )

    def within(self, body: Callable[[Driver], T]) -> T:
        """Run a body in one transaction."""
        return transact(self.session, body)

    def view(self, driver: Driver) -> CollegeView:
        """Return the college as the services see it."""
        return view(self.session, driver, self.college)

    def person(self, login: str, role: str | None = None, unit: str | None = None) -> int:
        """Add a person, or give one that stands a further role."""

        def body(driver: Driver) -> int:
            writer = Writer(driver, self.origin())
            if login not in self.persons:
                self.persons[login] = accounts.add_person(driver, writer, self.origin(), self.college, login, login)
            if role is not None:
                accounts.grant_many(driver, writer, self.origin(), self.view(driver), [self._grant(login, role, unit)])
            writer.flush()
            return self.persons[login]

        return self.within(body)

    def vacate(self, login: str) -> None:
        """Take every role from a person, as if they had left their posts."""
        ids = self.query("select id from role_grant where person_id = :p", p=self.persons[login])
        for (number,) in ids:
            accounts.revoke(self.session, self.origin(), number)

    def deputy(self, absent: str, deputy: str, days: int = 30, role: str | None = None) -> None:
        """Let somebody stand in for somebody from today on."""
        first = self.now.date()
        deputies.appoint(
            self.session,
            self.origin(absent),
            self.persons[absent],
            self.persons[deputy],
            first,
            first + dt.timedelta(days=days),
            role,
        )

    def course(self, code: str, unit: str, lead: str | None, **more: Any) -> int:
        """Add a course."""
        (number,) = self.courses([code], unit, lead, **more)
        return number

    def courses(self, codes: Sequence[str], unit: str, lead: str | None, **more: Any) -> list[int]:
        """Add many courses of one unit and responsible person."""
        new = [
            subjects.NewSubject("course", c, c, self.units[unit], self.persons[lead] if lead else None, **more)
            for c in codes
        ]

        def body(driver: Driver) -> list[int]:
            writer = Writer(driver, self.origin())
            ids = subjects.add_subjects(self.session, driver, writer, self.origin(), self.view(driver), new)
            writer.flush()
            return ids

        ids = self.within(body)
        self.subjects |= dict(zip(codes, ids, strict=True))
        return ids

    def point(self, key: str = "hours", lower: float = 45.0) -> int:
        """Add a control point of which higher values are better."""

        def body(driver: Driver) -> int:
            (number,) = driver.reserve("control_point", 1)
            driver.insert_rows(
                "control_point",
                (
                    "id",
                    "college_id",
                    "key",
                    "layer",
                    "name_zh",
                    "name_en",
                    "unit",
                    "cadence",
                    "direction",
                    "target",
                    "warn_lower",
                    "warn_upper",
                    "body",
                    "next_check",
                ),
                [
                    (
                        number,
                        self.college,
                        key,
                        "course",
                        key,
                        key,
                        "%",
                        "monthly",
                        "higher",
                        lower + 5,
                        lower,
                        None,
                        "{}",
                        None,
                    )
                ],
            )
            return number

        self.points[key] = self.within(body)
        return self.points[key]

    def read(self, value: float, point: str = "hours", course: str = "C1") -> Data:
        """Hand in one reading, taken now."""
        one = monitoring.NewReading(point, "course", course, self.now, value, "test")
        return monitoring.accept(self.session, self.origin(), self.college, [one])

    def start(
        self, course: str = "C1", track_: str | None = None, day: dt.date | None = None, from_stage: str | None = None
    ) -> int:
        """Start (or adopt) a course's cycle for the period that holds the day; returns its number."""
        key = track_ or self.tracks[0].key

        def body(driver: Driver) -> int:
            return rounds.start_on_demand(
                self.session, driver, self.origin(), self.view(driver), "course", course, key, day, from_stage
            ).snap.id

        return self.within(body)

    def fire(self, cycle: int, action: str, login: str, revision: int | None = None, **args: Any) -> Data:
        """Let a person act on a cycle; returns where it stands after."""
        return cycles.fire(self.session, self.origin(login), cycle, action, args, revision)

    def refused(self, cycle: int, action: str, login: str, revision: int | None = None, **args: Any) -> QaflowError:
        """Let a person try what must not be possible; returns the refusal."""
        try:
            found = self.fire(cycle, action, login, revision, **args)
        except QaflowError as error:
            return error
        raise AssertionError(f"{login} may {action}: {found['state']}")

    def system(self, cycle: int, action: str, args: Data | None = None, **context: Any) -> None:
        """Let the system take one of its own steps on a cycle."""

        def body(driver: Driver) -> None:
            acting = self.hold(driver, cycle)
            acting.decide(action, args or {}, acting.context(**context))
            cycles.finish(acting)

        self.within(body)

    def hold(self, driver: Driver, cycle: int) -> Acting:
        """Load a cycle for the system, in the caller's transaction."""
        return hold(self.session, driver, self.origin(), cycle)

    def pass_stage(self, cycle: int, times: int = 1) -> Data:
        """Submit and approve the current stage, so many times."""
        found: Data = {}
        for _ in range(times):
            found = self.fire(cycle, "submit", "lead", content={"note": "done"})
            if found["leaf"] == "review":
                found = self.fire(cycle, "approve", "major")
        return found

    def reach(self, cycle: int, stage_key: str) -> Data:
        """Submit and approve until the cycle stands in a stage."""
        found = self.state(cycle)
        while found["stage"] != stage_key and found["status"] == "running":
            found = self.pass_stage(cycle)
        return found

    def tick(self, at: dt.datetime | None = None) -> tick.Report:
        """Sweep now, or at an instant, which then is now."""
        self.now = at or self.now
        return tick.swept(self.session, self.origin(), limit=dt.timedelta(days=4000))

    def later(self, days: int) -> dt.datetime:
        """Let days pass; returns the new now."""
        self.now += dt.timedelta(days=days)
        return self.now

    def state(self, cycle: int) -> Data:
        """Return where a cycle stands."""
        return self.within(lambda d: cycles.show(self.session, d, cycle))

    def history(self, cycle: int) -> list[tuple[str, Data]]:
        """Return a cycle's facts as (kind, data)."""
        found = self.query("select kind, data from journal where stream = :s order by seq", s=f"cycle:{cycle}")
        return [(kind, json.loads(data)) for kind, data in found]

    def kinds(self, cycle: int) -> list[str]:
        """Return the kinds of a cycle's facts."""
        return [kind for kind, _ in self.history(cycle)]

    def audit(self) -> Data:
        """Verify every stream of the journal and compare its replay with the rows."""
        found = audit.verify(self.session)
        self.session.rollback()
        return found

    def waiting(self, course: str = "C1", track_: str | None = None) -> list[Data]:
        """Return what waits for a course's next cycle."""
        return self.within(
            lambda d: ledger.waiting(d, self.college, self.subjects[course], track_ or self.tracks[0].key)
        )

    def query(self, text: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask the database something."""
        return self.within(lambda d: d.all(Sql(text), params))


def appraisal(every: str = "yearly", month: int | None = 12) -> Diagnosis:
    """Return an appraisal that is due once a year."""
    return Diagnosis(kind="appraisal", every=every, month=month)


__all__ = ["APPROVER", "LADDER", "MONDAY", "World", "appraisal", "config", "label", "sheet", "spiral", "stage", "track"]
