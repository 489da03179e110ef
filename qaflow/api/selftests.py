"""Self-tests: opened for a term, answered question by question, handed in, and what groups answered on the average."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code, by_field
from qaflow.api.resource import Resource
from qaflow.engine.definition import Label
from qaflow.engine.selftest import HIGHEST, LOWEST
from qaflow.services.voices import answering, selftest_cycle, selftest_groups, selftests
from qaflow.services.voices.answering import FEW, STILL_OPEN, Answering, Compared
from qaflow.services.voices.selftests import AHEAD, CLOSED, LISTED, OPEN, Asked
from qaflow.store.selftests import Opened

resource = Resource("api_selftests", __name__, url_prefix="/selftests", description="Self-tests")
FLAWS = {"selftest.unknown": "key", "selftest.dates": "closes", "value.unknown": "term"}
QUESTIONS = 500
GROUPS = 5000
MINE = 1000


class Test(s.Strict):
    """A self-test of a term."""

    id = s.ident(required=True)
    key = s.text(s.NAME, required=True)
    term = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)
    opens = s.day(required=True)
    closes = s.day(required=True)
    state = s.choice((AHEAD, OPEN, CLOSED), required=True)


class Own(Test):
    """A self-test that one is asked to answer for a subject."""

    subject = s.ident(required=True)
    questions = s.whole(required=True)
    answered = s.whole(required=True)
    handed_in_at = s.instant(required=True, allow_none=True)


class Tests(s.Strict):
    """What one is asked, and the self-tests of those whom one looks after."""

    mine = s.many(Own, MINE, required=True)
    looked_after = s.many(Test, LISTED, required=True)
    may_open = s.flag(required=True)


class NewTest(s.Strict):
    """Which self-test is opened for which term, from its first day to its last."""

    key = s.text(s.NAME, required=True)
    term = s.text(s.NAME, required=True)
    opens = s.day(required=True)
    closes = s.day(required=True)


class Mean(s.Strict):
    """A group's mean of an element."""

    element = s.text(s.NAME, required=True)
    mean = s.number(required=True)


class Group(s.Strict):
    """A unit: how many were asked and handed in, and its means, or why they are not told."""

    unit = s.ident(required=True)
    name = s.one(s.Named, required=True)
    depth = s.whole(required=True)
    asked = s.whole(required=True)
    handed_in = s.whole(required=True)
    means = s.many(Mean, QUESTIONS, required=True, allow_none=True)
    hidden = s.choice((selftest_groups.FEW, selftest_groups.KEPT), required=True, allow_none=True)


class Taking(Test):
    """Participation, and after the last day the means, of the groups that one looks after."""

    asked = s.whole(required=True)
    handed_in = s.whole(required=True)
    groups = s.many(Group, GROUPS, required=True)


class Question(s.Strict):
    """A question, and the grade that was given."""

    key = s.text(s.NAME, required=True)
    dimension = s.one(s.Named, required=True)
    element = s.one(s.Named, required=True)
    text = s.one(s.Named, required=True)
    grade = s.whole(LOWEST, HIGHEST, required=True, allow_none=True)


class Axis(s.Strict):
    """An element or dimension: mine, my last one, and my class's mean; weak where it lies low."""

    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)
    mine = s.number(required=True)
    before = s.number(required=True, allow_none=True)
    group = s.number(required=True, allow_none=True)
    weak = s.flag(required=True)


class Result(s.Strict):
    """What one's own self-test came to; `why` says why the class's mean is not told."""

    elements = s.many(Axis, QUESTIONS, required=True)
    dimensions = s.many(Axis, QUESTIONS, required=True)
    why = s.choice((FEW, STILL_OPEN), required=True, allow_none=True)


class Sheet(Own):
    """One's own self-test of a subject: its questions in order, and its result once it is handed in."""

    writable = s.flag(required=True)
    asked = s.many(Question, QUESTIONS, required=True)
    result = s.one(Result, required=True, allow_none=True)


class Grade(s.Strict):
    """The grade of a question."""

    question = s.text(s.NAME, required=True)
    grade = s.whole(LOWEST, HIGHEST, required=True)


class Grades(s.Strict):
    """Grades of some questions; the others stay as they are."""

    answers = s.many(Grade, QUESTIONS, 1, required=True)


class Taken(s.Strict):
    """The cycle in whose draft the self-test stands now."""

    cycle = s.ident(required=True)


@resource.get("", gives=Tests)
def listed(call: Call) -> dict[str, Any]:
    """List what one is asked, and the self-tests of those whom one looks after."""
    found = selftests.listed(call.session, call.origin, call.me)
    mine = [_test(one.opened, one.state) | {"subject": one.subject.id, "questions": one.questions,
            "answered": one.answered, "handed_in_at": one.handed_in_at} for one in found.mine]  # fmt: skip
    return {"mine": mine[:MINE], "looked_after": [_test(one.opened, one.state) for one in found.lines],
            "may_open": found.may_open}  # fmt: skip


@resource.post("", scope="office", takes=NewTest, gives=Taking, status=201)
def put(call: Call) -> Answer:
    """Open a self-test for a term; the same once more is the one that stands."""
    with by_code(FLAWS):
        number = selftests.put(call.session, call.origin, call.me, Asked(**call.body))
    return Answer(body=_overview(call, number), location=f"/api/v1/selftests/{number}")


@resource.get("/<int:number>", gives=Taking)
def overview(call: Call, number: int) -> dict[str, Any]:
    """Show who took part and, after the last day, what groups answered on the average."""
    return _overview(call, number)


@resource.get("/<int:number>/subjects/<int:subject>", gives=Sheet)
def show(call: Call, number: int, subject: int) -> dict[str, Any]:
    """Show one's own self-test of a subject."""
    return _sheet(call, number, subject)


@resource.post("/<int:number>/subjects/<int:subject>/answers", takes=Grades, gives=Sheet)
def answer(call: Call, number: int, subject: int) -> dict[str, Any]:
    """Keep the grades of some questions."""
    given = {one["question"]: one["grade"] for one in call.body["answers"]}
    with by_code({"value.unknown": "answers"}):
        answering.save(call.session, call.origin, call.me, number, subject, given)
    return _sheet(call, number, subject)


@resource.post("/<int:number>/subjects/<int:subject>/hand-in", gives=Sheet)
def hand_in(call: Call, number: int, subject: int) -> dict[str, Any]:
    """Hand one's self-test in, once; a second time it stands as it was."""
    with by_field(lambda no: ""):
        answering.hand_in(call.session, call.origin, call.me, number, subject)
    return _sheet(call, number, subject)


@resource.post("/<int:number>/subjects/<int:subject>/take", gives=Taken)
def take(call: Call, number: int, subject: int) -> dict[str, Any]:
    """Take what one's self-test says into the draft of the running diagnosis."""
    return {"cycle": selftest_cycle.take(call.session, call.origin, call.me, number, subject)}


def _overview(call: Call, number: int) -> dict[str, Any]:
    found = selftests.overview(call.session, call.origin, call.me, number)
    return _test(found.opened, found.state) | {
        "asked": found.groups.asked, "handed_in": found.groups.handed_in,
        "groups": [_group(row) for row in found.groups.rows[:GROUPS]],
    }  # fmt: skip


def _group(row: selftest_groups.Row) -> dict[str, Any]:
    means = None if row.means is None else [{"element": key, "mean": mean} for key, mean in row.means.items()]
    same = {name: getattr(row, name) for name in ("unit", "depth", "asked", "handed_in", "hidden")}
    return same | {"name": _named(row.name), "means": means}


def _sheet(call: Call, number: int, subject: int) -> dict[str, Any]:
    found = answering.look(call.session, call.origin, call.me, number, subject)
    questions = [{"key": place.question.key, "dimension": _named(place.dimension.name),
                  "element": _named(place.element.name), "text": _named(place.question.text),
                  "grade": found.answers.get(place.question.key)} for place in found.places]  # fmt: skip
    return _test(found.opened, found.state) | {
        "subject": subject, "questions": len(questions), "answered": len(questions) - len(found.missing),
        "handed_in_at": found.handed_in_at, "writable": found.writable, "asked": questions,
        "result": _result(call, found),
    }  # fmt: skip


def _result(call: Call, found: Answering) -> dict[str, Any] | None:
    if found.handed_in_at is None:
        return None
    told = answering.result(call.session, call.origin, call.me, found.opened.id, found.subject.id)
    return {"elements": [_axis(one) for one in told.elements], "dimensions": [_axis(one) for one in told.dimensions],
            "why": told.why}  # fmt: skip


def _axis(one: Compared) -> dict[str, Any]:
    return one._asdict() | {"name": _named(one.name)}


def _test(opened: Opened, state: str) -> dict[str, Any]:
    same = {name: getattr(opened, name) for name in ("id", "key", "term", "layer", "opens", "closes")}
    return same | {"name": {"zh": opened.name_zh, "en": opened.name_en}, "state": state}


def _named(label: Label) -> dict[str, Any]:
    return {"zh": label.zh, "en": label.en}
