"""Self-tests through the services: opened, answered, handed in once, and told only as groups; on both databases."""

from datetime import date, timedelta

import asking
import pytest
from asking import CLOSES, TERM, crowd, facts, fill, known, opened, who
from flask import Flask

from qaflow.engine.definition import canonical
from qaflow.errors import Forbidden, Invalid, Missing, Refused
from qaflow.services.voices import answering, catalogue, selftest_cycle, selftests
from qaflow.services.voices.selftests import Asked
from qaflow.store.db import db
from qaflow.testing import World, spiral, stage


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college with a self-test of its own."""
    made = World(db.session)
    known(made)
    return made


def look(world: World, number: int, login: str = "lead", code: str = "C1") -> answering.Answering:
    """Return a self-test as somebody answers it."""
    return answering.look(world.session, world.origin(login), who(world, login), number, world.subjects[code])


def save(world: World, number: int, login: str = "lead", code: str = "C1", **answers: int) -> None:
    """Let somebody answer some questions."""
    answering.save(world.session, world.origin(login), who(world, login), number, world.subjects[code], answers)


def hand_in(world: World, number: int, login: str = "lead", code: str = "C1") -> None:
    """Let somebody hand in."""
    answering.hand_in(world.session, world.origin(login), who(world, login), number, world.subjects[code])


def result(world: World, number: int, login: str = "lead", code: str = "C1") -> answering.Result:
    """Return what somebody's self-test came to."""
    return answering.result(world.session, world.origin(login), who(world, login), number, world.subjects[code])


def overview(world: World, number: int, login: str = "office") -> selftests.Overview:
    """Return the groups as somebody sees them."""
    return selftests.overview(world.session, world.origin(login), who(world, login), number)


def test_the_office_opens_a_self_test_once_a_term_and_a_fact_says_so(world: World) -> None:
    number = opened(world)

    assert opened(world) == number
    with pytest.raises(Refused, match="already") as other:
        opened(world, closes=CLOSES + timedelta(days=1))
    assert other.value.code == "selftest.exists"
    told = [data for kind, data in facts(world, "college:tiny") if kind == "SelfTestOpened"]
    assert [(one["selftest"], one["term"], one["closes"]) for one in told] == [(number, TERM, "2025-09-12")]


@pytest.mark.parametrize(("changes", "code"), [
    ({"key": "other"}, "selftest.unknown"), ({"term": "2099"}, "value.unknown"),
    ({"closes": date(2025, 8, 31)}, "selftest.dates"), ({"opens": date(2025, 9, 13)}, "selftest.dates"),
])  # fmt: skip
def test_what_cannot_be_opened_is_told_by_its_code_and_leaves_nothing(
    world: World, changes: dict[str, object], code: str
) -> None:
    asked = Asked(**({"key": "growth", "term": TERM, "opens": asking.OPENS, "closes": CLOSES} | changes))  # type: ignore[arg-type]

    with pytest.raises(Invalid) as refused:
        selftests.put(world.session, world.origin("office"), who(world, "office"), asked)

    assert refused.value.code == code
    assert world.query("select count(*) from questionnaire") == [(0,)]


def test_only_the_office_opens_one(world: World) -> None:
    asked = Asked("growth", TERM, asking.OPENS, CLOSES)
    for login in ("lead", "major", "vp", "admin"):
        with pytest.raises(Forbidden):
            selftests.put(world.session, world.origin(login), who(world, login), asked)


def test_answers_are_kept_one_by_one_and_changed_until_they_are_handed_in(world: World) -> None:
    number = opened(world)

    save(world, number, a1x=2)
    save(world, number, a1y=4, b1x=5)
    save(world, number, a1x=3)

    found = look(world, number)
    assert found.answers == {"a1x": 3, "a1y": 4, "b1x": 5}
    assert found.missing == (3, 4, 6, 7, 8)


def test_an_incomplete_self_test_is_not_handed_in_and_says_what_is_open(world: World) -> None:
    number = opened(world)
    save(world, number, a1x=2)

    with pytest.raises(Invalid) as refused:
        hand_in(world, number)

    assert [one["pointer"] for one in refused.value.errors] == ["2", "3", "4", "5", "6", "7", "8"]
    assert look(world, number).handed_in_at is None


def test_it_is_handed_in_once_with_one_fact_in_the_person_s_stream_and_is_not_changed_any_more(world: World) -> None:
    number, cycle = opened(world), world.start("C1")
    fill(world, number, "lead", "C1", 4, a1x=2)

    hand_in(world, number)
    with pytest.raises(Refused) as refused:
        save(world, number, a1x=5)

    assert refused.value.code == "selftest.handed_in"
    told = [data for kind, data in facts(world, f"person:{world.persons['lead']}") if kind == "SelfTestHandedIn"]
    assert [(one["selftest"], one["cycle"], one["subject"]) for one in told] == [(number, cycle, world.subjects["C1"])]
    assert canonical(look(world, number).answers) not in str(told)
    assert world.audit()["findings"] == []


def test_before_the_first_and_after_the_last_day_nothing_is_taken_by_comparing_days_alone(world: World) -> None:
    number = opened(world, opens=date(2025, 9, 3))
    with pytest.raises(Refused) as early:
        save(world, number, a1x=3)

    world.later(11)  # 12 September, 09:00: the last day
    save(world, number, a1x=3)
    world.now += timedelta(hours=14, minutes=59)  # 23:59
    save(world, number, a1x=4)
    world.now += timedelta(minutes=1)
    with pytest.raises(Refused) as late:
        hand_in(world, number)

    assert (early.value.code, late.value.code) == ("selftest.ahead", "selftest.closed")
    assert look(world, number).answers == {"a1x": 4}


@pytest.mark.parametrize("answers", [{"a1x": 0}, {"a1x": 6}, {"no_such": 3}])
def test_a_grade_or_question_that_the_form_has_not_is_refused(world: World, answers: dict[str, int]) -> None:
    number = opened(world)

    with pytest.raises(Invalid):
        save(world, number, **answers)

    assert look(world, number).answers == {}


def test_nobody_reads_another_s_answers_not_even_the_office_or_a_deputy(world: World) -> None:
    number = opened(world)
    fill(world, number, "lead", "C1", 4)
    world.deputy("lead", "deputy")

    for login in ("office", "vp", "major", "far_lead", "deputy"):
        for what in (look, result):
            with pytest.raises(Missing):
                what(world, number, login)


def test_a_new_responsible_person_does_not_get_what_the_former_one_handed_in(world: World) -> None:
    number = opened(world)
    fill(world, number, "lead", "C1", 4)
    world.query("update subject set responsible_id = :p where code = 'C1' returning id", p=world.persons["far_lead"])

    with pytest.raises(Missing):
        result(world, number, "far_lead")


def test_the_last_term_stands_beside_this_one_and_only_one_s_own(world: World) -> None:
    first = opened(world)
    fill(world, first, "lead", "C1", 2)
    world.later(200)
    second = opened(world, "2026-spring", date(2026, 3, 1), date(2026, 3, 31))
    fill(world, second, "lead", "C1", 4)

    found = result(world, second)

    assert {(one.mine, one.before, one.group) for one in found.elements} == {(4.0, 2.0, None)}
    assert (found.before and found.before.id, found.why) == (first, "open")
    assert result(world, first).before is None


def test_a_class_mean_is_told_after_the_last_day_to_members_with_five_others(world: World) -> None:
    number = opened(world)
    for n, (login, code) in enumerate(crowd(world, "section", 5, "p")):
        fill(world, number, login, code, 1 + n % 5)
    fill(world, number, "lead", "C1", 4)
    assert result(world, number).why == "open"

    world.later(20)

    # grades 1 to 5 of the crowd and a 4: 19 / 6
    assert [one.group for one in result(world, number).dimensions] == pytest.approx([19 / 6, 19 / 6])


def test_a_member_of_five_is_told_no_mean_while_their_major_s_leader_is(world: World) -> None:
    number = opened(world)
    for login, code in crowd(world, "section", 4, "p"):
        fill(world, number, login, code, 3)
    fill(world, number, "lead", "C1", 4)
    world.later(20)

    assert result(world, number).why == "few"
    (row,) = overview(world, number, "major").groups.rows
    assert (row.handed_in, row.means) == (5, {key: pytest.approx(3.2) for key in ("a1", "a2", "b1", "b2")})


def test_who_looks_after_a_unit_sees_its_share_and_nothing_of_others(world: World) -> None:
    number = opened(world)
    fill(world, number, "lead", "C1", 4)
    fill(world, number, "far_lead", "C9", 4)

    seen = {login: [(row.name.zh, row.asked, row.handed_in) for row in overview(world, number, login).groups.rows]
            for login in ("major", "far_head", "office")}  # fmt: skip

    assert seen["major"] == [("section", 1, 1)]
    assert seen["far_head"] == [("far", 1, 1)]
    assert seen["office"] == [("teaching", 1, 1), ("section", 1, 1), ("far", 1, 1)]
    for login in ("lead", "guest", "admin"):
        with pytest.raises(Missing):
            overview(world, number, login)


def test_a_mean_stays_the_same_when_somebody_moves_to_another_unit(world: World) -> None:
    number = opened(world)
    for login, code in crowd(world, "section", 6, "p"):
        fill(world, number, login, code, 3)
    world.later(20)
    before = overview(world, number).groups.rows

    world.query("update subject set unit_id = :u where code = 'P0' returning id", u=world.units["far"])

    assert [row for row in overview(world, number).groups.rows if row.handed_in] == [r for r in before if r.handed_in]


def test_a_small_group_is_not_given_away_by_the_means_of_those_around_it(world: World) -> None:
    number = opened(world)
    for login, code in crowd(world, "section", 6, "p"):
        fill(world, number, login, code, 3)
    for login, code in crowd(world, "teaching", 2, "q"):
        fill(world, number, login, code, 5)
    world.later(20)

    rows = {row.name.zh: row for row in overview(world, number).groups.rows}

    assert (rows["teaching"].handed_in, rows["teaching"].hidden) == (8, None)
    assert (rows["section"].handed_in, rows["section"].means, rows["section"].hidden) == (6, None, "kept")


DIAGNOSING = ("goal", "implement", "diagnose", "improve")


def test_a_self_test_goes_into_the_running_diagnosis_as_a_draft_and_keeps_what_stands_there(store_app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage(k, form=asking_fields()) for k in DIAGNOSING]))
    known(world)
    number, cycle = opened(world), world.start("C1", from_stage="diagnose")
    fill(world, number, "lead", "C1", 4, b1x=1, b1y=2)
    me, subject = who(world, "lead"), world.subjects["C1"]

    for _ in range(2):
        assert selftest_cycle.take(world.session, world.origin("lead"), me, number, subject) == cycle

    page = selftest_cycle.cycle_page.look(world.session, world.origin("lead"), cycle)
    assert page.draft is not None
    low = "Low in the self-test: element b1 1.5"
    assert page.draft.values == {"verdicts": [
        {"goal": "dimension a (self-test 4.0 / 5)", "attained": True},
        {"goal": "dimension b (self-test 2.8 / 5)", "attained": False, "problems": low},
    ]}  # fmt: skip
    beside = selftest_cycle.beside(world.session, world.origin("lead"), me, page)
    assert beside is not None and (beside.number, [one.key for one in beside.result.weak]) == (number, ["b1"])
    other = selftest_cycle.cycle_page.look(world.session, world.origin("major"), cycle)
    assert selftest_cycle.beside(world.session, world.origin("major"), who(world, "major"), other) is None


def asking_fields() -> tuple[object, ...]:
    """Return the form of a diagnosis."""
    from qaflow.engine.definition import Field

    text = [Field(key="goal", label=asking.words("goal"), required=True),
            Field(key="attained", label=asking.words("attained"), type="flag"),
            Field(key="problems", label=asking.words("problems"))]  # fmt: skip
    return (Field(key="verdicts", label=asking.words("verdicts"), type="records", fields=tuple(text)),)


def test_without_a_running_diagnosis_nothing_is_taken_over(world: World) -> None:
    number = opened(world)
    fill(world, number, "lead", "C1", 4)

    with pytest.raises(Refused) as refused:
        selftest_cycle.take(world.session, world.origin("lead"), who(world, "lead"), number, world.subjects["C1"])

    assert refused.value.code == "selftest.no_diagnosis"


def test_a_college_without_files_takes_the_library_s_self_test_where_it_has_the_layer(store_app: Flask) -> None:
    world = World(db.session)

    assert world.within(lambda d: catalogue.forms(d, world.view(d))) == {}  # it has courses, and no students
    assert [one.key for one in world.within(lambda d: catalogue.rules(d, world.view(d))).grades] == [
        "slight", "serious", "grave"]  # fmt: skip
