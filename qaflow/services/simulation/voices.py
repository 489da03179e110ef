"""What people of the demo say of themselves and of quality: a self-test each term, and incidents with their answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qaflow.engine.definition import Label
from qaflow.engine.selftest import HIGHEST, LOWEST, Place
from qaflow.errors import QaflowError
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.places import structure
from qaflow.services.voices import answering, catalogue, incidents, selftests
from qaflow.services.voices.incidents import Grading, Report
from qaflow.services.voices.selftests import Asked
from qaflow.store.db import Driver

from ..work import each
from .values import DAY, chance

if TYPE_CHECKING:
    from .college_year import CollegeYear

OPENS, OPEN_DAYS = 28, 20  # days after the term's first; so early that a short demo has a closed one
TAKES_PART = 0.88
MOST = 1500  # students who answer in one term of one college: more would only make the demo slower
BASE, PERSONAL, ELEMENT, QUESTION = 3.5, 0.5, 0.4, 0.5  # mean of a grade; how far people, elements, answers differ
REPORTS_A_MONTH = 3
HANDLED, ANSWERED, CLOSED = (1, 14), (1, 3), (2, 10)  # days until the next step
SAID = (
    ("teaching", "任课教师未到，课未上", "上课铃响十分钟后仍无人到课，班长联系教研室后改为自习。",
     "教师因交通事故未及时报告，已补课，教研室约谈。", "每门课提前一天确认代课教师。"),
    ("facility", "实训室设备断电", "实训中三台设备同时断电，本次实训停止。",
     "线路老化，已更换并复检。", "实训室线路每学期检查一次。"),
    ("safety", "实验室试剂未入柜", "下课后试剂留在台面，值班人员发现并收回。",
     "已对任课教师和值班学生重新培训。", "下课清点单由教师签字。"),
    ("management", "成绩录入错误", "两名学生成绩互换，公示后发现。",
     "已更正并向学生说明，录入改为双人核对。", "成绩公示前由教研室抽查。"),
    ("other", "食堂投诉久未答复", "上月提交的意见没有收到回复。",
     "已与后勤核实并当面说明整改情况。", "意见五个工作日内答复。"),
)  # fmt: skip
MORNING = dt.time(9, 40)


class Voices:
    """The self-tests and incidents of one college's year, drawn from their own chance."""

    def __init__(self, year: CollegeYear) -> None:
        """Find out in which terms the self-test is opened, and when it is answered."""
        self.year, self.cast = year, year.cast
        self.rng = chance(year.plan.seed, year.cast.key, "voices")
        self.begun: set[str] = set()
        self.answers: dict[int, list[tuple[int, int, int]]] = {}  # day -> (self-test, person, subject)
        self.places: dict[int, tuple[Place, ...]] = {}  # of the questions of a self-test
        self.drawn: dict[tuple[object, ...], float] = {}
        self.steps: dict[int, list[tuple[int, str, int]]] = {}  # day -> (incident, act, which of SAID)
        self.form: str | None = next(iter(year.ask(lambda d: catalogue.forms(d, year.college))), None)
        found = year.ask(lambda d: structure.units(d, year.college.id))
        self.units = sorted(unit.id for unit in found.values() if unit.kind == "teaching")

    def speak(self, day: dt.date) -> None:
        """Let happen on a working day what is due, or was due on the days off before it."""
        for term in self.year.calendar.terms:
            first = term.starts + OPENS * DAY
            if term.key not in self.begun and first <= day < first + OPEN_DAYS * DAY:
                self.begun.add(term.key)
                self._open(term.key, day)
        for due in sorted(d for d in self.answers if d <= day.toordinal()):
            self._answer_all(self.answers.pop(due), day)
        for due in sorted(d for d in self.steps if d <= day.toordinal()):
            for incident, act, which in self.steps.pop(due):
                self._try(lambda i=incident, a=act, w=which: self._step(i, a, w, day))
        if self.rng.random() < REPORTS_A_MONTH / 21:
            self._try(lambda: self._report(day))

    def _me(self, person: int) -> SignedIn:
        """Return somebody as a session would show them."""
        login = self.cast.logins.get(person, "")
        none: tuple[Label, ...] = ()
        return SignedIn(session="", person=person, college=self.cast.college, login=login, name=login, language="zh",
                        device="", kinds=frozenset(), titles=none)  # fmt: skip

    def _by(self, person: int, day: dt.date) -> tuple[Any, Any, SignedIn]:
        origin = self.year.origin(self.year.at(day, MORNING, self.rng.randrange(20_000)), person)
        return self.year.session, origin, self._me(person)

    def _try(self, what: Any) -> None:
        """Do something that may be refused, as it may in life."""
        try:
            what()
        except QaflowError as refused:
            self._refused(refused)

    def _refused(self, refused: QaflowError) -> None:
        code = f"voice:{refused.code}"
        self.year.refused[code] = self.year.refused.get(code, 0) + 1

    def _open(self, term: str, day: dt.date) -> None:
        """Let the office open the self-test, and plan who answers it when."""
        if self.form is None or not self.cast.students:
            return
        asked = Asked(self.form, term, day, day + OPEN_DAYS * DAY)
        number = selftests.put(*self._by(self.cast.office[1], day), asked)
        subjects = [number for number, _ in self.cast.subjects.get("student", [])]
        for person, subject in list(zip(self.cast.students, subjects, strict=True))[:MOST]:
            if self.rng.random() < TAKES_PART:
                on = self.year.calendar.next_working(day + self.rng.randrange(OPEN_DAYS - 3) * DAY)
                self.answers.setdefault(on.toordinal(), []).append((number, person, subject))

    def _answer_all(self, planned: Sequence[tuple[int, int, int]], day: dt.date) -> None:
        """Let students answer, each in one sitting; what they hand in on a day shares a transaction."""
        sittings = [self._sitting(*one, day) for one in planned]
        for done in each(self.year.session, sittings):
            if isinstance(done, QaflowError):
                self._refused(done)

    def _sitting(self, number: int, person: int, subject: int, day: dt.date) -> Callable[[], None]:
        """Let a student think of their answers: the same person differs little from term to term."""
        session, origin, me = self._by(person, day)
        if number not in self.places:
            self.places[number] = answering.look(session, origin, me, number, subject).places
        grades = {p.question.key: self._grade(subject, p.element.key) for p in self.places[number]}

        def sit() -> None:
            answering.save(session, origin, me, number, subject, grades)
            answering.hand_in(session, origin, me, number, subject)

        return sit

    def _grade(self, subject: int, element: str) -> int:
        """Return a grade: how a student is, how hard an element is for all, and for this student, and the day."""
        own = self._drawn(BASE, PERSONAL, "student", subject)
        own += self._drawn(0, ELEMENT, "element", element)
        own += self._drawn(0, ELEMENT, "student", subject, element)
        return min(HIGHEST, max(LOWEST, round(self.rng.gauss(own, QUESTION))))

    def _drawn(self, mean: float, spread: float, *of: object) -> float:
        """Return what chance gave something once and for all."""
        if of not in self.drawn:
            self.drawn[of] = chance(self.year.plan.seed, self.cast.key, *of).gauss(mean, spread)
        return self.drawn[of]

    def _report(self, day: dt.date) -> None:
        """Let a teacher or student report something that went wrong."""
        pool = self.cast.students or self.cast.teachers
        if not pool or not self.units:
            return
        which, person = self.rng.randrange(len(SAID)), self.rng.choice(pool)
        category, title, account, _, _ = SAID[which]
        given = Report(title=title, account=account, category=self._category(category), occurred_on=day - DAY,
                       unit=self.rng.choice(self.units), complaint=self.rng.random() < 0.3)  # fmt: skip
        incident = incidents.report(*self._by(person, day), given)
        self._plan(day, (1, 3), incident, "grade", which)

    def _category(self, wanted: str) -> str:
        def known(d: Driver) -> str:
            rules = catalogue.rules(d, self.year.college)
            return wanted if rules.category(wanted) else rules.categories[-1].key

        found: str = self.year.ask(known)
        return found

    def _plan(self, day: dt.date, days: tuple[int, int], incident: int, act: str, which: int) -> None:
        on = self.year.calendar.add_working(day, self.rng.randint(*days))
        self.steps.setdefault(on.toordinal(), []).append((incident, act, which))

    def _step(self, incident: int, act: str, which: int, day: dt.date) -> None:
        """Let the office grade, answer and close, and the unit's head handle."""
        row = self.year.ask(lambda d: incidents.standing(d, self.cast.college, incident))
        office, head = self.cast.office[1], self.cast.heads.get(row.unit_id, self.cast.office[0])
        category, _, _, handled, concluded = SAID[which]
        if act == "grade":
            grades = self.year.ask(lambda d: catalogue.rules(d, self.year.college)).grades
            grade = grades[min(len(grades) - 1, int(self.rng.expovariate(1.4)))].key
            given = Grading(category=self._category(category), grade=grade, handler=self.cast.logins[head])
            incidents.grade(*self._by(office, day), incident, row.version, given)
            self._plan(day, HANDLED, incident, "handle", which)
            return
        text = concluded if act == "close" else handled
        incidents.say(*self._by(head if act == "handle" else office, day), incident, row.version, act, text)
        following = {"handle": ("answer", ANSWERED), "answer": ("close", CLOSED)}.get(act)
        if following:
            self._plan(day, following[1], incident, following[0], which)
