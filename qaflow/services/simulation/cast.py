"""The cast of a college: invented staff and students, the posts they hold, the subjects they answer for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from qaflow.engine.college import College
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.book import NewGrant, NewPerson
from qaflow.services.places import structure, subjects
from qaflow.services.places.structure import NewUnit, UnitRow
from qaflow.services.places.subjects import NewSubject
from qaflow.store.db import Driver

from ..college import CollegeView, view
from ..work import AnySession, Origin, Writer
from .values import Sizes, chance

MAJORS = ("软件技术", "机电一体化", "大数据与会计", "电子商务", "汽车检测与维修", "建筑工程技术", "物流管理",
          "旅游管理", "数控技术", "护理", "学前教育", "园艺技术")  # fmt: skip
COURSES = ("基础", "应用", "实训", "综合实践", "项目设计", "专业英语", "技能训练", "案例分析")
TIERS = ("province-key", "college-key", "nurtured")
OFFICE_STAFF = 3
THIRDS = 3
PROJECT_DAYS = (420, 780)  # how long a course's construction project lasts, from the demo's start on


@dataclass
class Cast:
    """Who is who in one college of the demo; persons and subjects are numbers."""

    college: int
    key: str
    logins: dict[int, str] = field(default_factory=dict)
    office: list[int] = field(default_factory=list)
    diagnosticians: list[int] = field(default_factory=list)
    administrator: int = 0
    teachers: list[int] = field(default_factory=list)
    students: list[int] = field(default_factory=list)
    heads: dict[int, int] = field(default_factory=dict)  # unit -> head
    vice: dict[int, int] = field(default_factory=dict)  # unit -> vice-president in charge
    subjects: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # layer -> (number, code)


class Casting:
    """Builds one college's cast in one transaction."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: CollegeView, sizes: Sizes,
                 seed: int, start: dt.date) -> None:  # fmt: skip
        """Take what the cast depends on."""
        self.session, self.driver, self.origin, self.college = session, driver, origin, college
        self.sizes, self.start = sizes, start
        self.rng = chance(seed, college.key, "cast")
        self.writer = Writer(driver, origin)
        self.cast = Cast(college=college.id, key=college.key)
        self.grants: list[NewGrant] = []
        self.prefix = "".join(part[0] for part in college.key.split("-"))

    def make(self) -> Cast:
        """Add units, people, posts and subjects."""
        units = structure.units(self.driver, self.college.id)
        self.root = units[self.college.key]
        self.tops = [u for u in units.values() if u.parent_id == self.root.id and u.kind in ("functional", "teaching")]
        teaching = [u for u in self.tops if u.kind == "teaching"] or self.tops[:1]
        sections = self._units("section", teaching, max(self.sizes.majors, 1))
        classes = self._units("class", teaching, max(self.sizes.classes, 1))
        self.college = view(self.session, self.driver, self.college.id)
        self._offices()
        teachers = self._teachers(sections)
        leaders = {unit: members[0] for unit, members in teachers.items()}
        self._subjects(sections, teachers, leaders, classes)
        self._answer_for_units()
        accounts.grant_many(self.driver, self.writer, self.origin, self.college, self.grants)
        self.writer.flush()
        return self.cast

    def _units(self, kind: str, above: list[UnitRow], count: int) -> list[tuple[int, str, int]]:
        """Add sections or classes under the teaching units in turn; returns (number, name, unit above)."""
        new = [self._unit(kind, above[n % len(above)], n) for n in range(count)]
        ids = structure.add_units(self.driver, self.writer, self.college, new)
        return [(i, u.name_zh, u.parent) for i, u in zip(ids, new, strict=True)]

    def _unit(self, kind: str, above: UnitRow, n: int) -> NewUnit:
        if kind == "section":
            name = MAJORS[n % len(MAJORS)] + (str(n // len(MAJORS) + 1) if n >= len(MAJORS) else "")
            return NewUnit(f"{above.code}-s{n + 1:03}", kind, f"{name}教研室", f"Section {n + 1}", above.id)
        year = self.start.year % 100 - n % THIRDS
        return NewUnit(f"{above.code}-c{n + 1:03}", kind, f"{year:02}级{n + 1}班", f"Class {n + 1}", above.id)

    def _people(self, word: str, title: str, count: int) -> list[int]:
        new = [NewPerson(f"{self.prefix}-{word}{n:05}", f"{title}{n:05}") for n in range(1, count + 1)]
        ids = accounts.add_people(self.driver, self.writer, self.origin, self.college.id, new)
        self.cast.logins |= {i: p.login for i, p in zip(ids, new, strict=True)}
        return ids

    def _grant(self, person: int, role: str, unit: int | None = None) -> None:
        """Grant a role where the college knows it, for a unit or the whole college."""
        if role in self.college.config.role_by_key:
            self.grants.append(NewGrant(person, role, "unit" if unit else "college", unit))

    def _role(self, kind: str, unit_kind: str | None = None) -> str:
        """Return the key of the college's role of a kind, the one for a kind of unit first."""
        return role_key(self.college.config, kind, unit_kind)

    def _offices(self) -> None:
        """Fill the posts: heads of units, vice-presidents, quality office and its corps, administrator."""
        cast, tops = self.cast, self.tops
        heads = self._people("h", "负责人", len(tops))
        vices = self._people("v", "校领导", max(2, len(tops) // 7))
        for n, unit in enumerate(tops):
            cast.heads[unit.id], cast.vice[unit.id] = heads[n], vices[n % len(vices)]
            self._grant(heads[n], self._role("supervisor", unit.kind), unit.id)
            self._grant(vices[n % len(vices)], "vice_president", unit.id)
        cast.heads[self.root.id] = self._people("p", "校长", 1)[0]
        self._grant(cast.heads[self.root.id], "president")
        self._grant(vices[0], "vice_president")
        cast.office = self._people("q", "质量办人员", OFFICE_STAFF + 1)
        for one in cast.office[1:]:
            self._grant(one, self._role("quality_office"))
        self._grant(cast.office[0], self._role("quality_head"))
        teaching = [u for u in tops if u.kind == "teaching"]
        cast.diagnosticians = self._people("d", "质量诊断师", len(teaching) + 2)
        for n, one in enumerate(cast.diagnosticians):
            self._grant(one, self._role("diagnostician"), teaching[n].id if n < len(teaching) else None)
        for unit, one in zip(tops, self._people("k", "质量管理员", len(tops)), strict=True):
            self._grant(one, self._role("quality_administrator"), unit.id)
        (cast.administrator,) = self._people("a", "系统管理员", 1)
        self._grant(cast.administrator, self._role("administrator"))
        for one in self._people("m", "委员", 3) if "committee" in self.college.config.role_by_key else ():
            self._grant(one, "committee")

    def _teachers(self, sections: list[tuple[int, str, int]]) -> dict[int, list[int]]:
        """Put teachers into sections; the first of each leads its major."""
        made = self._people("t", "教师", max(self.sizes.teachers, 2 * len(sections)))
        found: dict[int, list[int]] = {s[0]: made[n :: len(sections)] for n, s in enumerate(sections)}
        for section, members in found.items():
            self._grant(members[0], "major_leader", section)
            self._grant(members[0], "section_head", section)
            for one in members:
                self._grant(one, "teacher", section)
        self.cast.teachers = made[: self.sizes.teachers]
        return found

    def _subjects(self, sections: list[tuple[int, str, int]], teachers: dict[int, list[int]], leaders: dict[int, int],
                  classes: list[tuple[int, str, int]]) -> None:  # fmt: skip
        layers = {layer.key for layer in self.college.config.layers}
        home = {one: section for section, members in teachers.items() for one in members}
        new: list[NewSubject] = []
        if "major" in layers:
            led = [(n, unit, name.removesuffix("教研室")) for n, (unit, name, _) in enumerate(sections, 1)]
            new += [NewSubject("major", f"M{n:04}", f"{name}专业", unit, leaders[unit], tier=TIERS[n % THIRDS],
                               anchor=self._third(n)) for n, unit, name in led[: self.sizes.majors]]  # fmt: skip
        if "course" in layers:
            new += [self._course(n, sections[n % len(sections)], teachers) for n in range(1, self.sizes.courses + 1)]
        if "teacher" in layers:
            new += [NewSubject("teacher", f"T{n:05}", f"教师{n:05}", home[one], one, anchor=self._third(n))
                    for n, one in enumerate(self.cast.teachers, 1)]  # fmt: skip
        if "student" in layers:
            new += self._students(classes, list(leaders.values()))
        ids = subjects.add_subjects(self.session, self.driver, self.writer, self.origin, self.college, new)
        for number, one in zip(ids, new, strict=True):
            self.cast.subjects.setdefault(one.layer, []).append((number, one.code))

    def _third(self, n: int) -> str:
        """Return from when a subject's own periods count: this year, last year or the year before, by thirds."""
        return dt.date(_opening(self.start).year - n % THIRDS, 9, 1).isoformat()

    def _course(self, n: int, section: tuple[int, str, int], teachers: dict[int, list[int]]) -> NewSubject:
        members = teachers[section[0]]
        leader = members[(n // len(teachers) + 1) % len(members)]
        self._grant(leader, "course_leader", section[0])
        name = f"{section[1].removesuffix('教研室')}{COURSES[n % len(COURSES)]}{n}"
        begun = self.start - dt.timedelta(days=self.rng.choice((0, 90, 180)))
        ends = self.start + dt.timedelta(days=self.rng.randint(*PROJECT_DAYS))
        project = any(t.layer == "course" and t.period.length == "project" for t in self.college.config.tracks)
        return NewSubject("course", f"C{n:05}", name, section[0], leader, kind=("public", "basic", "core")[n % 3],
                          anchor=begun.isoformat() if project else None,
                          ends=ends.isoformat() if project else None)  # fmt: skip

    def _students(self, classes: list[tuple[int, str, int]], advisers: list[int]) -> list[NewSubject]:
        for n, (unit, _, _) in enumerate(classes):
            staff = self.cast.teachers or advisers
            self._grant(staff[(7 * n + 3) % len(staff)], "class_adviser", unit)
        self.cast.students = self._people("s", "学生", self.sizes.students)
        placed = [(one, classes[n % len(classes)][0]) for n, one in enumerate(self.cast.students)]
        return [NewSubject("student", f"S{n:06}", f"学生{n:06}", unit, one) for n, (one, unit) in enumerate(placed, 1)]

    def _answer_for_units(self) -> None:
        """Give the school's and the departments' subjects their responsible persons."""
        own = "unit_responsible" in self.college.config.role_by_key
        lead = dict(self.cast.heads)
        if own:
            for unit, one in zip(self.tops, self._people("u", "诊改负责人", len(self.tops)), strict=True):
                lead[unit.id] = one
                self._grant(one, "unit_responsible", unit.id)
        found = [s for s in structure.subjects(self.driver, self.college.id) if s.layer in ("school", "service")]
        changes: dict[int, int | None] = {s.id: lead.get(s.unit_id, lead[self.root.id]) for s in found}
        subjects.change_responsible(
            self.session, self.driver, self.writer, self.origin, self.college, changes, "任命责任人"
        )
        for subject in found:
            self.cast.subjects.setdefault(subject.layer, []).append((subject.id, subject.code))


def role_key(config: College, kind: str, unit_kind: str | None = None) -> str:
    """Return the key of a role of a neutral kind: the one that belongs to a kind of unit, else the first."""
    found = config.roles_of(kind)
    fitting = [r.key for r in found if unit_kind is not None and r.unit == unit_kind]
    return (fitting or [r.key for r in found] or [kind])[0]


def _opening(day: dt.date) -> dt.date:
    """Return the first of September on or before a day."""
    this = dt.date(day.year, 9, 1)
    return this if this <= day else dt.date(day.year - 1, 9, 1)
