"""The quick loop: warnings, their own lives, and corrections that reopen an earlier stage (engine rules, 4)."""

from collections.abc import Iterator

import pytest
from flask import Flask

from qaflow.services.auditing import audit
from qaflow.store.db import db
from qaflow.testing import APPROVER, World, spiral, stage


@pytest.fixture(autouse=True)
def replayed(app: Flask) -> Iterator[None]:
    """Whatever a test did, the journal verifies and replays to the rows that stand."""
    yield
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college with one control point (45 or more is right), a cycle of C1 in ``implement``."""
    made = World(db.session)
    made.point()
    cycle = made.start()
    made.reach(cycle, "implement")
    return made


CYCLE = 1


def corrected(world: World, scope: str = "implementation", **named: str) -> None:
    """Acknowledge and correct the warning."""
    world.fire(CYCLE, "acknowledge", "lead", cause="too few rooms", **named)
    world.fire(CYCLE, "correct", "lead", scope=scope, measure="more rooms", **named)


def test_a_breach_opens_one_warning_not_one_a_reading(world: World) -> None:
    for value in (40, 39, 38):
        world.later(1)
        world.read(value)

    found = world.state(CYCLE)
    assert (found["state"], [w["state"] for w in found["warnings"]]) == ("implement.warn", ["opened"])
    assert world.kinds(CYCLE).count("WarningOpened") == 1


def test_a_warnings_life_moves_the_machine_through_the_loop(world: World) -> None:
    world.read(40)
    seen = [world.state(CYCLE)["leaf"]]
    seen.append(world.fire(CYCLE, "acknowledge", "lead", cause="c")["leaf"])
    seen.append(world.fire(CYCLE, "correct", "lead", scope="implementation", measure="m")["leaf"])
    seen.append(world.fire(CYCLE, "confirm", "major")["leaf"])
    for _ in range(3):
        world.later(1)
        world.read(50)
    seen.append(world.state(CYCLE)["leaf"])

    assert seen == ["warn", "correct", "correct", "correct", "monitor"]
    assert world.query("select state from warning") == [("closed",)]


def test_a_warning_closes_by_the_later_of_confirmation_and_return(world: World) -> None:
    world.read(40)
    corrected(world)
    for _ in range(3):
        world.later(1)
        world.read(50)

    assert world.state(CYCLE)["warnings"][0]["state"] == "correcting", "the readings are back, the confirmation is not"
    assert world.fire(CYCLE, "confirm", "major")["leaf"] == "monitor"


def test_a_breach_between_confirmation_and_return_sets_the_warning_back_to_opened(world: World) -> None:
    world.read(40)
    corrected(world)
    world.fire(CYCLE, "confirm", "major")
    world.later(1)
    world.read(50)
    world.later(1)
    world.read(41)

    found = world.state(CYCLE)
    assert (found["leaf"], found["warnings"][0]["state"]) == ("warn", "opened")
    assert [i["kind"] for i in found["items"] if i["ref"]] == ["acknowledge"]


def test_a_warning_without_a_reading_closes_by_the_confirmation(world: World) -> None:
    world.fire(CYCLE, "warn", "diag", reason="seen in class")
    corrected(world)

    assert world.fire(CYCLE, "confirm", "major")["warnings"] == []


def test_a_false_alarm_is_dismissed_by_the_approver_with_a_reason(world: World) -> None:
    world.read(40)

    assert world.refused(CYCLE, "dismiss", "major").code == "data.invalid"
    assert world.refused(CYCLE, "dismiss", "lead", reason="r").status == 403
    assert world.fire(CYCLE, "dismiss", "major", reason="the sensor broke")["leaf"] == "monitor"
    assert world.query("select state from warning") == [("dismissed",)]


def test_the_loop_stands_in_warn_while_any_open_warning_is_unacknowledged(world: World) -> None:
    world.fire(CYCLE, "warn", "diag", reason="one")
    world.fire(CYCLE, "warn", "diag", reason="two")

    assert world.fire(CYCLE, "acknowledge", "lead", warning="1.1", cause="c")["leaf"] == "warn"
    assert world.fire(CYCLE, "acknowledge", "lead", cause="c")["leaf"] == "correct"
    assert world.fire(CYCLE, "dismiss", "major", warning="1.2", reason="r")["leaf"] == "correct"
    assert world.fire(CYCLE, "dismiss", "major", reason="r")["leaf"] == "monitor"


def test_a_command_that_fits_several_warnings_lists_them(world: World) -> None:
    for reason in ("one", "two"):
        world.fire(CYCLE, "warn", "diag", reason=reason)

    error = world.refused(CYCLE, "acknowledge", "lead", cause="c")

    assert (error.code, error.status, error.exit) == ("target.ambiguous", 422, 3)
    assert [e["message"] for e in error.errors] == ["1.1", "1.2"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["9.9", 5, ["1.1"], {"id": "1.1"}, True])
def test_a_warning_that_is_none_is_refused(world: World, name: object) -> None:
    world.fire(CYCLE, "warn", "diag", reason="r")

    assert world.refused(CYCLE, "acknowledge", "lead", cause="c", warning=name).status == 422


def test_submission_and_approval_are_refused_while_a_warning_is_open(world: World) -> None:
    world.read(40)
    assert world.refused(CYCLE, "submit", "lead").code == "transition.not_allowed"
    world.fire(CYCLE, "dismiss", "major", reason="r")
    world.fire(CYCLE, "submit", "lead", content={})
    world.later(1)
    world.read(39)

    found = world.state(CYCLE)
    assert found["state"] == "implement.review", "in review the leaf stays"
    assert "approve" not in found["allowed"]
    assert world.refused(CYCLE, "approve", "major").code == "transition.not_allowed"


@pytest.mark.parametrize(("action", "login", "args"), [("withdraw", "lead", {}), ("reject", "major", {"reason": "r"})])
def test_a_reject_or_withdrawal_enters_the_leaf_that_the_warnings_demand(
    world: World, action: str, login: str, args: dict[str, str]
) -> None:
    world.fire(CYCLE, "submit", "lead", content={})
    world.read(40)

    assert world.fire(CYCLE, action, login, **args)["state"] == "implement.warn"


def test_in_other_stages_an_open_warning_holds_nothing_up_and_implement_is_entered_as_it_demands(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    world.reach(cycle, "organize")
    assert world.fire(cycle, "warn", "diag", reason="r")["state"] == "organize.open"
    assert world.fire(cycle, "acknowledge", "lead", cause="c")["state"] == "organize.open"

    assert world.pass_stage(cycle)["state"] == "implement.correct"


def test_a_correction_outside_the_loops_stage_has_scope_implementation(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    world.reach(cycle, "diagnose")
    world.fire(cycle, "warn", "diag", reason="r")
    world.fire(cycle, "acknowledge", "lead", cause="c")

    (warning,) = world.fire(cycle, "correct", "lead", scope="goal", measure="m")["warnings"]

    assert (warning["scope"], warning["proposal"]) == ("implementation", None)
    assert world.fire(cycle, "confirm", "major")["state"] == "diagnose.open"


@pytest.mark.parametrize("scope", ["design", "standard", "goal"])
def test_the_approvers_yes_to_a_proposal_reopens_the_stage(world: World, scope: str) -> None:
    world.read(40)
    world.fire(CYCLE, "acknowledge", "lead", cause="c")
    found = world.fire(CYCLE, "correct", "lead", scope=scope, measure="m")
    assert (found["state"], found["warnings"][0]["proposal"]) == ("implement.correct", scope)
    assert {"approve", "reject"} <= set(found["allowed"])

    found = world.fire(CYCLE, "approve", "major")

    assert (found["state"], found["visit"]) == (f"{scope}.open", 2)
    assert found["warnings"][0]["state"] == "correcting", "warnings stay open"


def test_after_a_reopening_the_cycle_comes_forward_through_approvals_and_the_loop_goes_on(world: World) -> None:
    world.read(40)
    corrected(world, "standard")
    world.fire(CYCLE, "approve", "major")
    stages = []
    while world.state(CYCLE)["stage"] != "implement":
        found = world.state(CYCLE)
        stages.append((found["stage"], found["visit"]))
        world.fire(CYCLE, "submit", "lead")
        world.fire(CYCLE, "approve", "major")

    assert stages == [("standard", 2), ("design", 2), ("organize", 2)]
    assert world.state(CYCLE)["state"] == "implement.correct"
    assert world.refused(CYCLE, "submit", "lead").code == "transition.not_allowed"
    world.fire(CYCLE, "confirm", "major")
    for _ in range(3):
        world.later(1)
        world.read(50)
    assert world.pass_stage(CYCLE)["state"] == "diagnose.open"


def test_work_of_implement_stops_its_clock_and_resumes_on_re_entry(world: World) -> None:
    """A reopening in the middle: days left stay days left, one submission is asked for, not two."""
    world.later(28)
    world.read(40)
    world.fire(CYCLE, "warn", "diag", reason="another")
    corrected(world, "design", warning="1.1")
    world.fire(CYCLE, "approve", "major")
    stopped = world.query(
        "select no, kind, state, clock_left, next_level_at from work_item where state = 'stopped' order by no"
    )
    assert [(k, s) for _, k, s, _, _ in stopped] == [
        ("submit", "stopped"),
        ("acknowledge", "stopped"),
        ("confirm", "stopped"),
    ]
    assert all(at is None for *_, at in stopped)
    left = {no: days for no, _, _, days, _ in stopped}
    world.later(60)
    for _ in range(2):
        world.fire(CYCLE, "submit", "lead")
        found = world.fire(CYCLE, "approve", "major")

    assert found["state"] == "implement.warn"
    assert sorted(i["no"] for i in found["items"]) == sorted(left)
    (due,) = [i["due"] for i in found["items"] if i["kind"] == "acknowledge"]
    today = world.now.date()
    working = [d for n in range(1, 40) if (d := today.fromordinal(today.toordinal() + n)).weekday() < 5]
    assert due == working[3 - 1].isoformat(), "three working days had been left"


def test_the_approvers_no_leaves_the_warning_acknowledged_and_the_cycle_where_it_is(world: World) -> None:
    world.read(40)
    corrected(world, "goal")

    found = world.fire(CYCLE, "reject", "major", reason="the goal is right")

    assert (found["state"], found["warnings"][0]["state"], found["warnings"][0]["proposal"]) == (
        "implement.correct",
        "acknowledged",
        None,
    )
    assert [i["kind"] for i in found["items"] if i["ref"]] == ["correct"]


def test_while_a_reopening_is_proposed_nothing_is_submitted_and_the_correction_not_confirmed(world: World) -> None:
    world.read(40)
    corrected(world, "design")

    for action, login in (("submit", "lead"), ("confirm", "major"), ("correct", "lead")):
        args = {"scope": "design", "measure": "m"} if action == "correct" else {}
        assert world.refused(CYCLE, action, login, **args).code == "transition.not_allowed"


def test_two_proposals_are_told_apart_by_name_and_one_yes_meets_what_it_covers(world: World) -> None:
    """The second's stage lies after the one reopened, so it is visited again; its correction waits to be confirmed."""
    for reason in ("one", "two", "three"):
        world.fire(CYCLE, "warn", "diag", reason=reason)
    for name, scope in (("1.1", "standard"), ("1.2", "design"), ("1.3", "goal")):
        corrected(world, scope, warning=name)
    assert world.refused(CYCLE, "approve", "major").code == "target.ambiguous"

    found = world.fire(CYCLE, "approve", "major", warning="1.1")

    assert found["state"] == "standard.open"
    assert {w["id"]: w["proposal"] for w in found["warnings"]} == {"1.1": None, "1.2": None, "1.3": "goal"}
    assert world.refused(CYCLE, "approve", "major", warning="1.2").code == "transition.not_allowed"
    assert world.fire(CYCLE, "approve", "major")["state"] == "goal.open"


def test_an_approved_proposal_never_leaps_forward(world: World) -> None:
    for reason in ("one", "two"):
        world.fire(CYCLE, "warn", "diag", reason=reason)
    corrected(world, "goal", warning="1.1")
    corrected(world, "design", warning="1.2")
    world.fire(CYCLE, "approve", "major", warning="1.1")
    world.fire(CYCLE, "submit", "lead")
    world.fire(CYCLE, "approve", "major")

    assert world.refused(CYCLE, "approve", "major", warning="1.2").status == 409
    assert world.state(CYCLE)["state"] == "standard.open"


def test_a_scope_that_the_loops_own_stage_covers_changes_no_stage(app: Flask) -> None:
    whole = spiral(stages=["goal", stage("carry_out", covers=("design", "implement")), "diagnose"])
    world = World(db.session, whole)
    cycle = world.start()
    world.pass_stage(cycle)
    world.fire(cycle, "warn", "diag", reason="r")
    world.fire(cycle, "acknowledge", "lead", cause="c")

    found = world.fire(cycle, "correct", "lead", scope="design", measure="m")

    assert (found["state"], found["warnings"][0]["proposal"]) == ("carry_out.correct", None)
    assert world.fire(cycle, "confirm", "major")["state"] == "carry_out.monitor"


def test_nobody_confirms_their_own_correction(world: World) -> None:
    world.deputy("major", "lead")
    world.fire(CYCLE, "warn", "diag", reason="r")
    corrected(world)

    assert world.refused(CYCLE, "confirm", "lead").code == "approval.own"


def test_an_approver_who_took_the_correction_over_does_not_confirm_it(world: World) -> None:
    world.person("second", "major_leader", "section")
    world.fire(CYCLE, "warn", "diag", reason="r")
    world.fire(CYCLE, "acknowledge", "lead", cause="c")
    (item,) = [i["no"] for i in world.state(CYCLE)["items"] if i["kind"] == "correct"]
    world.fire(CYCLE, "transfer", "lead", item=item, to="major", reason="ill")
    found = world.fire(CYCLE, "correct", "major", scope="implementation", measure="m")

    assert [i["holder"] for i in found["items"] if i["kind"] == "confirm"] == [world.persons["second"]]
    assert world.refused(CYCLE, "confirm", "major").code == "approval.own"
    assert world.fire(CYCLE, "confirm", "second")["leaf"] == "monitor"


def test_only_who_was_asked_answers_a_proposal(world: World) -> None:
    world.fire(CYCLE, "submit", "lead", content={})
    world.fire(CYCLE, "add_signer", "major", person="guest")
    world.fire(CYCLE, "warn", "diag", reason="r")
    corrected(world, "goal")

    assert world.refused(CYCLE, "approve", "guest", warning="1.1").code == "approval.not_signer"
    assert world.fire(CYCLE, "approve", "major", warning="1.1")["state"] == "goal.open"


def test_a_return_from_the_loops_review_meets_the_proposals_it_covers(world: World) -> None:
    world.fire(CYCLE, "submit", "lead", content={})
    world.fire(CYCLE, "warn", "diag", reason="r")
    corrected(world, "design")

    found = world.fire(CYCLE, "return", "major", to="goal", reason="all of it")

    assert (found["state"], found["warnings"][0]["proposal"]) == ("goal.open", None)


def test_an_open_warning_passes_at_the_close_to_the_next_running_cycle_with_a_fact_in_both_streams(app: Flask) -> None:
    world = World(db.session)
    first = world.start()
    world.reach(first, "improve")
    world.fire(first, "warn", "diag", reason="r")
    world.later(366)
    second = world.start()

    world.pass_stage(first)

    assert world.state(first)["status"] == "closed"
    assert "WarningsPassed" in world.kinds(first)
    assert "WarningReceived" in world.kinds(second)
    assert [w["id"] for w in world.state(second)["warnings"]] == [f"{first}.1"]
    assert world.fire(second, "acknowledge", "lead", cause="c")["warnings"][0]["state"] == "acknowledged"


def test_without_a_cycle_an_open_warning_stands_with_the_college_until_one_starts(app: Flask) -> None:
    world = World(db.session)
    first = world.start()
    world.reach(first, "improve")
    world.fire(first, "warn", "diag", reason="r")
    world.pass_stage(first)
    assert world.query("select cycle_id, state from warning") == [(None, "opened")]
    world.later(366)

    second = world.start()

    assert [w["state"] for w in world.state(second)["warnings"]] == ["opened"]


def test_a_breach_before_any_cycle_is_told_in_the_colleges_stream(app: Flask) -> None:
    world = World(db.session)
    world.point()
    world.read(40)

    assert "WarningOpened" in [k for (k,) in world.query("select kind from journal where stream = 'college:tiny'")]
    assert [w["state"] for w in world.state(world.start())["warnings"]] == ["opened"]


def test_severity_orders_lists_and_never_moves_the_machine(world: World) -> None:
    world.read(44)
    mild = world.state(CYCLE)
    world.later(1)
    world.read(1)
    harsh = world.state(CYCLE)

    assert mild["state"] == harsh["state"] == "implement.warn"


def test_a_stage_without_approval_borrows_the_next_stages_approver_for_its_corrections(app: Flask) -> None:
    world = World(
        db.session, spiral(stages=["goal", stage("implement", decide=None), stage("diagnose", decide=APPROVER)])
    )
    cycle = world.start()
    world.pass_stage(cycle)
    world.fire(cycle, "warn", "diag", reason="r")
    world.fire(cycle, "acknowledge", "lead", cause="c")
    world.fire(cycle, "correct", "lead", scope="implementation", measure="m")

    assert world.fire(cycle, "confirm", "major")["leaf"] == "monitor"
