"""Quality incidents from report to close: who may do what when, what journal and notices hold, and the figures."""

import json
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from asking import facts, who
from flask import Flask
from hypothesis import given
from hypothesis import strategies as some

from qaflow.engine import incidents as rules
from qaflow.engine.incidents import Case
from qaflow.errors import Forbidden, Invalid, Missing, Refused, Stale
from qaflow.services.running import doctor
from qaflow.services.voices import incident_analysis, incident_pages, incidents
from qaflow.services.voices.incident_pages import Asked, Page
from qaflow.services.voices.incidents import Grading, Report
from qaflow.store.db import db
from qaflow.testing import World

DAY = date(2025, 9, 1)
GRADING = Grading(category="safety", grade="serious", handler="major")


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college."""
    return World(db.session)


def report(world: World, login: str = "lead", unit: str = "section", **more: Any) -> int:
    """Let somebody report an incident."""
    said = Report(title="no teacher came", account="room 204, second lesson", category="teaching",
                  unit=world.units[unit], occurred_on=DAY)  # fmt: skip
    return incidents.report(world.session, world.origin(login), who(world, login), replace(said, **more))


def grade(world: World, number: int, version: int = 1, given: Grading = GRADING, login: str = "office") -> None:
    """Let the office grade it."""
    incidents.grade(world.session, world.origin(login), who(world, login), number, version, given)


def say(world: World, number: int, action: str, login: str, version: int, text: str = "said") -> None:
    """Let somebody handle, answer or close it."""
    incidents.say(world.session, world.origin(login), who(world, login), number, version, action, text)


def look(world: World, number: int, login: str = "office") -> Page:
    """Return it as somebody reads it."""
    return incident_pages.look(world.session, world.origin(login), who(world, login), number)


def listed(world: World, login: str = "office", **wanted: Any) -> list[int]:
    """Return the ids that somebody's list holds."""
    asked = Asked(wanted=wanted)
    found = incident_pages.listed(world.session, world.origin(login), who(world, login), asked)
    return [line.row.id for line in found.lines]


def through(world: World, number: int) -> None:
    """Take an incident from its report to its close."""
    grade(world, number)
    say(world, number, "handle", "major", 2, "the lesson was made up")
    say(world, number, "answer", "office", 3, "we are sorry")
    say(world, number, "close", "office", 4, "substitutes are named a day ahead")


def test_an_incident_goes_from_report_to_close_and_every_step_is_a_fact(world: World) -> None:
    number = report(world)
    through(world, number)

    page = look(world, number)
    assert [step.state for step in page.steps] == ["reported", "graded", "handled", "answered", "closed"]
    assert [(step.who, step.said) for step in page.steps] == [
        ("lead", "room 204, second lesson"), ("office", None), ("major", "the lesson was made up"),
        ("office", "we are sorry"), ("office", "substitutes are named a day ahead"),
    ]  # fmt: skip
    told = [(kind, data) for kind, data in facts(world, "college:tiny") if kind.startswith("Incident")]
    assert [kind for kind, _ in told] == ["IncidentReported", *rules.FACTS.values()]
    assert told[1][1]["due"] == "2025-09-15"  # ten working days after a Monday
    assert "sorry" not in json.dumps([data for _, data in told])
    assert world.audit()["findings"] == []


def test_handler_and_reporter_are_told_and_the_doctor_misses_no_notice(world: World) -> None:
    through(world, report(world))

    told = world.query("select o.kind, p.login, o.payload from outbox o join person p on p.id = o.person_id "
                       "where o.kind like 'Incident%' order by o.id")  # fmt: skip

    assert [(kind, login) for kind, login, _ in told] == [
        ("IncidentGraded", "major"), ("IncidentHandled", "office"), ("IncidentAnswered", "lead"),
        ("IncidentClosed", "lead")]  # fmt: skip
    assert {json.loads(payload)["incident"] for _, _, payload in told} == {1}
    assert world.within(doctor.covered) == []
    world.query("delete from outbox where kind = 'IncidentAnswered' returning id")
    (missing,) = world.within(doctor.covered)
    assert "(IncidentAnswered) has no notice to person" in str(missing)


def find(world: World, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the one fact of a kind in the college's stream."""
    (found,) = [one for one in facts(world, "college:tiny") if one[0] == kind]
    return found


@pytest.mark.parametrize(("state", "action"), list(product(rules.STATES, rules.TABLE)))
def test_an_act_is_done_in_the_states_of_the_table_and_refused_in_all_others(
    world: World, state: str, action: str
) -> None:
    number = report(world)
    steps = [lambda: grade(world, number), lambda: say(world, number, "handle", "major", 2),
             lambda: say(world, number, "answer", "office", 3)]  # fmt: skip
    reached = rules.STATES.index(state)
    for step in [*steps, lambda: say(world, number, "close", "office", 4)][:reached]:
        step()
    allowed = {("reported", "grade"), ("graded", "grade"), ("handled", "grade"), ("graded", "handle"),
               ("handled", "answer"), ("answered", "close")}  # fmt: skip

    def act() -> None:
        if action == "grade":
            grade(world, number, reached + 1)
        else:
            say(world, number, action, "major" if action == "handle" else "office", reached + 1)

    if (state, action) in allowed:
        act()
        return
    with pytest.raises(Missing if (state, action) == ("reported", "handle") else Refused):  # nobody handles it yet
        act()
    assert look(world, number).row.version == reached + 1


def test_graded_anew_after_it_was_handled_it_lies_with_the_handler_again(world: World) -> None:
    number = report(world)
    grade(world, number)
    say(world, number, "handle", "major", 2, "first try")

    grade(world, number, 3, replace(GRADING, handler="head", due=date(2025, 9, 5)))

    page = look(world, number)
    assert (page.row.state, page.owner, page.row.due) == ("graded", "head", "2025-09-05")
    assert [step.state for step in page.steps] == ["reported", "graded"]


def test_only_the_office_grades_answers_and_closes_and_only_the_handler_handles(world: World) -> None:
    number = report(world)
    for login in ("lead", "head", "vp"):
        with pytest.raises(Forbidden):
            grade(world, number, login=login)
    grade(world, number)
    for login in ("lead", "head", "office"):
        with pytest.raises(Forbidden):
            say(world, number, "handle", login, 2)
    say(world, number, "handle", "major", 2)
    with pytest.raises(Forbidden):
        say(world, number, "answer", "major", 3)


def test_who_stands_in_for_the_handler_handles_for_them(world: World) -> None:
    number = report(world)
    grade(world, number)
    world.deputy("major", "deputy")

    say(world, number, "handle", "deputy", 2)

    _, told = find(world, "IncidentHandled")
    assert told["for"] == world.persons["major"]
    assert look(world, number).steps[2].who == "deputy"


def test_a_stale_form_changes_nothing(world: World) -> None:
    number = report(world)
    grade(world, number)

    with pytest.raises(Stale):
        grade(world, number, 1, replace(GRADING, handler="head"))

    assert look(world, number).owner == "major"


def test_one_s_own_what_one_handles_and_what_lies_in_one_s_unit_is_read_and_nothing_else(world: World) -> None:
    near, far = report(world), report(world, "far_lead", "far")
    grade(world, far, given=replace(GRADING, handler="diag"))

    seen = {login: listed(world, login) for login in
            ("lead", "far_lead", "head", "far_head", "major", "diag", "vp", "office", "admin", "guest")}  # fmt: skip

    assert seen == {"lead": [near], "far_lead": [far], "head": [near], "far_head": [far], "major": [], "diag": [far],
                    "vp": [far, near], "office": [far, near], "admin": [], "guest": []}  # fmt: skip
    for login, found in seen.items():
        for number in {near, far} - set(found):
            with pytest.raises(Missing):
                look(world, number, login)
            with pytest.raises(Missing):
                say(world, number, "handle", login, 1)


def test_a_reporter_reads_the_answer_but_not_how_it_was_handled_inside(world: World) -> None:
    number = report(world)
    through(world, number)

    said = {step.state: step.said for step in look(world, number, "lead").steps}

    assert said == {"reported": "room 204, second lesson", "graded": None, "handled": None, "answered": "we are sorry",
                    "closed": None}  # fmt: skip


def test_who_complained_is_told_to_the_office_and_to_themselves_alone(world: World) -> None:
    number = report(world, complaint=True)
    grade(world, number)

    names = {login: look(world, number, login).steps[0].who for login in ("office", "lead", "major", "head", "vp")}

    assert names == {"office": "lead", "lead": "lead", "major": None, "head": None, "vp": None}
    assert look(world, number, "major").steps[0].said == "room 204, second lesson"


@pytest.mark.parametrize(("changes", "code"), [
    ({"title": "  "}, "text.blank"), ({"account": "x" * 8001}, "text.too_long"),
    ({"title": "x" * 201}, "text.too_long"),
    ({"category": "other college's"}, "incident.category"), ({"unit": 987654}, "ref.unknown_unit"),
    ({"occurred_on": DAY + timedelta(days=1)}, "incident.day"), ({"cycle": 987654}, "cycle.unknown"),
    ({"warning": "987654.1"}, "warning.unknown"), ({"account": "half \ud800"}, "text.invalid_unicode"),
])  # fmt: skip
def test_what_cannot_be_reported_is_told_by_its_code_and_leaves_nothing(
    world: World, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        incidents.report(world.session, world.origin("lead"), who(world, "lead"), replace(
            Report(title="t", account="a", category="teaching", unit=world.units["far"], occurred_on=DAY),
            **changes))  # fmt: skip

    assert refused.value.code == code
    assert world.query("select count(*) from quality_incident") == [(0,)]


def test_the_longest_texts_are_taken(world: World) -> None:
    assert look(world, report(world, title="x" * 200, account="y" * 8000)).title == "x" * 200


def test_the_same_report_twice_is_one_and_later_another(world: World) -> None:
    first = report(world)

    assert report(world) == first
    assert report(world, title="another") != first
    world.now += timedelta(minutes=11)
    assert report(world) != first
    assert world.query("select no from quality_incident order by no") == [(1,), (2,), (3,)]


def test_a_report_of_a_cycle_or_warning_names_them_where_the_reporter_sees_them(world: World) -> None:
    cycle = world.start("C1")
    world.start("C9")

    number = report(world, cycle=cycle)

    row = look(world, number).row
    assert (row.cycle_id, row.subject_id) == (cycle, world.subjects["C1"])
    with pytest.raises(Invalid):
        report(world, "far_lead", cycle=cycle, title="of another's cycle")


@pytest.mark.parametrize(("given", "code"), [
    (replace(GRADING, grade="none"), "incident.grade"), (replace(GRADING, category="none"), "incident.category"),
    (replace(GRADING, handler="nobody"), "ref.unknown_user"),
    (replace(GRADING, due=DAY - timedelta(days=1)), "incident.due"),
])  # fmt: skip
def test_what_cannot_be_graded_so_is_told_and_the_incident_stays(world: World, given: Grading, code: str) -> None:
    number = report(world)

    with pytest.raises(Invalid) as refused:
        grade(world, number, given=given)

    assert refused.value.code == code
    assert look(world, number).row.state == "reported"


def test_the_handler_is_late_from_the_day_after_the_last_and_no_more_once_it_is_handled(world: World) -> None:
    number = report(world)
    grade(world, number, given=replace(GRADING, due=date(2025, 9, 5)))  # a Friday

    late = []
    for days in (4, 3, 1):  # Friday, the Monday on which nothing is late over the weekend, Tuesday
        world.later(days)
        late.append(look(world, number).case.late)
    say(world, number, "handle", "major", 2)

    assert late == [False, True, True]
    assert not look(world, number).case.late


def test_every_number_of_the_analysis_is_the_length_of_its_list(world: World) -> None:
    numbers = [report(world, title=f"t{n}", category=("teaching", "safety")[n % 2], unit=("section", "far")[n % 2],
                      complaint=n == 1, occurred_on=DAY - timedelta(days=40 * n)) for n in range(5)]  # fmt: skip
    through(world, numbers[0])
    grade(world, numbers[1], given=replace(GRADING, due=DAY))
    world.later(3)

    found = incident_analysis.analysis(world.session, world.origin("office"), who(world, "office"), 2025)

    assert (found.many, found.before) == (5, 0)
    for facet, counted in found.by.items():
        assert sum(one.many for one in counted) == 5
        for one in counted:
            assert len(listed(world, **{facet: one.value})) == one.many, (facet, one)
    assert {one.value: one.many for one in found.by["late"]} == {False: 4, True: 1}
    assert found.days == 0


def test_the_analysis_is_for_those_who_look_after_others_and_covers_what_they_read(world: World) -> None:
    report(world)
    report(world, "far_lead", "far")

    for login, many in (("office", 2), ("vp", 2), ("head", 1), ("far_head", 1)):
        found = incident_analysis.analysis(world.session, world.origin(login), who(world, login), 2025)
        assert found.many == many, login
    with pytest.raises(Forbidden):
        incident_analysis.analysis(world.session, world.origin("lead"), who(world, "lead"), 2025)


CASES = some.lists(
    some.builds(Case, some.integers(1, 99), some.sampled_from(rules.STATES), some.sampled_from("ab"),
                some.sampled_from([None, "x", "y"]), some.integers(1, 3), some.integers(1, 12),
                some.sampled_from([None, 0, 1, 2, 3]), some.booleans(), some.booleans()), max_size=30)  # fmt: skip


@given(CASES, some.sampled_from(rules.FACETS))
def test_each_count_is_of_those_that_its_list_chooses_and_none_is_lost(cases: list[Case], facet: str) -> None:
    counted = rules.tally(cases, facet)

    assert sum(counted.values()) == len(cases)
    for value, many in counted.items():
        assert len(rules.chosen(cases, {facet: value})) == many


@pytest.mark.parametrize(("days", "at"), [(0, 0), (5, 0), (6, 1), (10, 1), (11, 2), (20, 2), (21, 3), (400, 3)])
def test_the_time_to_an_answer_lies_in_one_span(days: int, at: int) -> None:
    assert rules.span(days) == at
