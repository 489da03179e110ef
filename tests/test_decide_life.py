"""A cycle's life and its time: starting, children, carrying over, suspension, deadlines, sheets (rules, 2, 5, 6)."""

import datetime as dt
from collections.abc import Iterator

import pytest
from flask import Flask

from qaflow.engine.definition import Deadline, Level
from qaflow.errors import Refused
from qaflow.services.auditing import audit
from qaflow.store.db import db
from qaflow.testing import NOTE, World, appraisal, label, sheet, spiral, stage, track

YEAR = 366
LEFT = {"carried": [{"kind": "problem", "text": "labs too small"}, {"kind": "goal", "text": "one more workshop"}]}


@pytest.fixture(autouse=True)
def replayed(app: Flask) -> Iterator[None]:
    """Whatever a test did, the journal verifies and replays to the rows that stand."""
    yield
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college with the plain ten stages, nothing started."""
    return World(db.session)


def closed_with(world: World, cycle: int, content: dict[str, object]) -> None:
    """Walk to the end and leave what the content says."""
    world.reach(cycle, "improve")
    world.fire(cycle, "submit", "lead", content=content)
    world.fire(cycle, "approve", "major")


def item(world: World, cycle: int, kind: str = "submit") -> dict[str, object]:
    """Return the open work item of a kind."""
    (found,) = [i for i in world.state(cycle)["items"] if i["kind"] == kind]
    return found


# --- starting


def test_a_cycle_is_unique_by_subject_track_and_period(world: World) -> None:
    world.start()

    with pytest.raises(Refused) as caught:
        world.start()
    assert caught.value.code == "cycle.exists"


def test_a_subject_without_a_responsible_person_is_listed_as_unstarted_with_the_reason(world: World) -> None:
    world.course("C5", "section", None)
    world.tick()

    rows = world.query("select unstarted_reason from schedule where unstarted_reason is not null")
    assert rows == [("responsible.missing",)]


def test_an_adopted_cycle_has_earlier_stages_before_the_system_and_no_approval_invented(world: World) -> None:
    cycle = world.start(from_stage="implement")

    assert world.state(cycle)["state"] == "implement.monitor"
    assert world.kinds(cycle) == ["CycleStarted"]
    visits = world.query(
        "select stage, state, outcome, due, decided_at from visit where stage <> 'implement' order by stage"
    )
    assert [v[1:] for v in visits] == [("done", "adopted", None, None)] * 4
    assert world.query("select count(*) from signature") == [(0,)]
    assert [i["kind"] for i in world.state(cycle)["items"]] == ["submit"]


def test_a_stage_before_the_system_can_be_reopened(world: World) -> None:
    cycle = world.start(from_stage="diagnose")

    assert world.fire(cycle, "reopen", "office", stage="goal", reason="r")["state"] == "goal.open"


# --- overlap


def test_by_default_the_next_cycle_starts_on_time_beside_one_that_still_runs(world: World) -> None:
    first = world.start()
    world.later(YEAR)
    second = world.start()

    assert (world.state(first)["status"], world.state(second)["status"]) == ("running", "running")
    assert world.state(second)["number"] == 2


def test_a_third_unclosed_cycle_is_not_started_but_listed_with_the_reason(world: World) -> None:
    for _ in range(3):
        world.tick()
        world.later(YEAR)

    assert world.query("select count(*) from cycle where subject_id = :s", s=world.subjects["C1"]) == [(2,)]
    reasons = world.query("select unstarted_reason from schedule where subject_id = :s", s=world.subjects["C1"])
    assert reasons == [("unclosed.two",)]


def test_overlap_wait_holds_the_next_cycle_until_the_one_before_is_closed(app: Flask) -> None:
    world = World(db.session, spiral(overlap="wait"))
    world.tick()
    first = world.query("select id from cycle where subject_id = :s", s=world.subjects["C1"])[0][0]
    world.later(YEAR)
    world.tick()
    assert ("overlap.wait",) in world.query("select unstarted_reason from schedule")
    world.reach(first, "closed")
    world.later(2)
    world.tick()

    numbers = world.query(
        "select number, status from cycle where subject_id = :s order by number", s=world.subjects["C1"]
    )
    assert numbers == [(1, "closed"), (2, "running")]


@pytest.mark.parametrize("door", ["tick", "on demand"])
def test_overlap_close_closes_the_one_before_as_incomplete_and_carries_its_goals(app: Flask, door: str) -> None:
    goals = stage("goal", form=(NOTE, sheet_records("goals")))
    world = World(db.session, spiral(stages=[goals, "standard", "improve"], overlap="close"))
    first = world.start()
    world.fire(first, "submit", "lead", content={"goals": [{"text": "practice hours above half"}]})
    world.later(YEAR)

    second = world.start() if door == "on demand" else (world.tick(), first + 1)[1]

    assert world.query("select status, outcome from cycle where id = :c", c=first) == [("closed", "incomplete")]
    second = world.query("select id from cycle where subject_id = :s and number = 2", s=world.subjects["C1"])[0][0]
    carried = world.query("select kind, from_cycle_id, to_cycle_id, state from carry")
    assert carried == [("goal", first, second, "seeded")]


def sheet_records(key: str):  # type: ignore[no-untyped-def]
    """Return a field of rows with a text each."""
    from qaflow.engine.definition import Field

    return Field(key=key, label=label(key), type="records", fields=(Field(key="text", label=label("text")),))


# --- carrying over


def test_the_next_cycle_holds_what_the_last_left_over_with_links_both_ways(world: World) -> None:
    first = world.start()
    closed_with(world, first, LEFT)
    assert [(w["kind"], w["from"]) for w in world.waiting()] == [("problem", first), ("goal", first)]
    world.later(YEAR)
    world.tick()

    second = world.query("select id from cycle where subject_id = :s and number = 2", s=world.subjects["C1"])[0][0]
    assert world.query("select from_cycle_id, to_cycle_id, state from carry") == [(first, second, "seeded")] * 2
    (received,) = [d for k, d in world.history(second) if k == "CarryReceived"]
    assert [c["from"] for c in received["carried"]] == [first, first]
    assert world.query("select previous_id from cycle where id = :c", c=second) == [(first,)]
    assert world.waiting() == []


def test_the_running_next_cycle_receives_what_a_late_one_leaves_when_it_closes(world: World) -> None:
    first = world.start()
    world.reach(first, "improve")
    world.later(YEAR)
    second = world.start()
    assert "CarryReceived" not in world.kinds(second)

    closed_with(world, first, LEFT)

    assert world.kinds(second) == ["CycleStarted", "CarryReceived"]


def test_a_last_stage_without_approval_carries_over_what_it_was_just_given(app: Flask) -> None:
    last = stage("improve", decide=None, form=spiral().by_key["improve"].form)
    world = World(db.session, spiral(stages=["goal", last]))
    cycle = world.start()
    world.pass_stage(cycle)

    assert world.fire(cycle, "submit", "lead", content=LEFT)["status"] == "closed"
    assert [w["kind"] for w in world.waiting()] == ["problem", "goal"]


def test_a_cancelled_cycle_leaves_nothing_and_keeps_the_reason(world: World) -> None:
    cycle = world.start()
    found = world.fire(cycle, "cancel", "office", reason="the course was merged")

    assert (found["status"], found["outcome"], found["items"]) == ("cancelled", "cancelled", [])
    assert world.waiting() == []
    assert "reason" in world.history(cycle)[-1][1]


# --- children


@pytest.fixture
def family(app: Flask) -> World:
    """Return a construction of three years in ``implement`` with its yearly child; both run."""
    whole, part = spiral("tiny.construction"), spiral("tiny.year", stages=["goal", "diagnose", "improve"])
    tracks = [
        track("construction", whole.key, "P3Y", children=("construction.year",)),
        track("construction.year", part.key, parent="construction"),
    ]
    world = World(db.session, whole, part, tracks=tracks)
    parent = world.start(track_="construction")
    world.reach(parent, "implement")
    world.start(track_="construction.year")
    return world


PARENT, CHILD = 1, 2


def test_a_child_has_its_own_row_journal_and_definition_and_names_its_parent(family: World) -> None:
    assert family.query("select parent_id, track from cycle where id = :c", c=CHILD) == [(PARENT, "construction.year")]
    assert family.kinds(PARENT)[-1] == "ChildStarted"
    assert family.pass_stage(CHILD)["state"] == "diagnose.open"


def test_the_parent_cannot_leave_implement_while_a_child_runs_neither_forward_nor_back(family: World) -> None:
    assert family.refused(PARENT, "submit", "lead", content={}).code == "transition.not_allowed"
    assert family.refused(PARENT, "reopen", "office", stage="goal", reason="r").code == "transition.not_allowed"
    family.fire(PARENT, "warn", "diag", reason="r")
    family.fire(PARENT, "acknowledge", "lead", cause="c")
    family.fire(PARENT, "correct", "lead", scope="design", measure="m")
    assert family.refused(PARENT, "approve", "major").code == "transition.not_allowed"
    family.pass_stage(CHILD, 3)

    assert family.kinds(PARENT)[-1] == "ChildClosed"
    assert family.fire(PARENT, "approve", "major")["state"] == "design.open"


def test_a_childs_carry_over_goes_to_its_next_sibling(family: World) -> None:
    family.pass_stage(CHILD, 2)
    family.fire(CHILD, "submit", "lead", content=LEFT)
    family.fire(CHILD, "approve", "major")
    family.later(YEAR)

    sibling = family.start(track_="construction.year")

    assert "CarryReceived" in family.kinds(sibling)
    assert "CarryReceived" not in family.kinds(PARENT)


def test_a_child_needs_a_running_parent(family: World) -> None:
    with pytest.raises(Refused) as caught:
        family.start("C9", "construction.year")
    assert caught.value.code == "start.parent"


def test_the_children_of_a_cancelled_parent_end_with_it(family: World) -> None:
    family.fire(PARENT, "cancel", "office", reason="r")

    assert family.query("select status from cycle where id = :c", c=CHILD)[0][0] in ("closed", "cancelled")


def test_a_subject_that_ends_takes_parent_and_child_with_it_once(family: World) -> None:
    family.query("update subject set ends = '2025-09-10' where code = 'C1' returning id")
    family.later(20)
    family.tick()

    assert family.query("select status from cycle where id <= 2") == [("cancelled",)] * 2
    assert [family.kinds(c).count("CycleCancelled") for c in (PARENT, CHILD)] == [1, 1]
    assert family.query("select count(*) from incident") == [(0,)]


# --- suspension, extension, escalation


def test_suspending_empties_the_next_due_and_resuming_reckons_anew(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(working_days=10)), "improve"]))
    cycle = world.start()  # Monday the 1st, due Monday the 15th
    assert world.state(cycle)["due"] == "2025-09-15"
    world.later(3)
    world.fire(cycle, "suspend", "office", reason="flood")
    assert world.query("select next_due, status from cycle where id = :c", c=cycle) == [(None, "suspended")]
    assert world.query("select state, next_level_at from work_item") == [("stopped", None)]
    assert world.refused(cycle, "submit", "lead").data["allowed"] == ["resume", "cancel"]
    world.later(14)

    found = world.fire(cycle, "resume", "office")

    assert (found["due"], item(world, cycle)["due"]) == ("2025-09-29", "2025-09-29"), "seven working days were left"


def test_resuming_wakes_what_suspending_stopped_whatever_stage_it_was_opened_in(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "warn", "diag", reason="r")  # its work item is of the first stage
    world.reach(cycle, "design")
    before = {i["no"] for i in world.state(cycle)["items"]}
    world.fire(cycle, "suspend", "office", reason="r")

    assert {i["no"] for i in world.fire(cycle, "resume", "office")["items"]} == before


def test_resuming_in_an_earlier_stage_leaves_the_loops_work_stopped(world: World) -> None:
    cycle = world.start()
    world.reach(cycle, "implement")
    world.fire(cycle, "reopen", "office", stage="design", reason="r")
    world.fire(cycle, "suspend", "office", reason="r")

    assert [i["stage"] for i in world.fire(cycle, "resume", "office")["items"]] == ["design"]


def test_overdue_work_goes_up_the_ladder_once_for_each_level(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    cycle = world.start()  # due Friday the 5th: levels on Monday, Wednesday, Friday at 08:00
    fired = []
    for day in (5, 6, 8, 9, 10, 11, 12, 13):
        for _ in range(2):
            world.tick(dt.datetime(2025, 9, day, 0, 30, tzinfo=dt.UTC))
        fired.append(world.kinds(cycle).count("WorkEscalated"))

    assert fired == [0, 0, 1, 1, 2, 2, 3, 3]
    rows = world.query(
        "select e.level, p.login from escalation e join person p on p.id = e.to_id join work_item i "
        "on i.id = e.item_id where i.cycle_id = :c order by e.level",
        c=cycle,
    )
    assert rows == [(1, "head"), (2, "vp"), (3, "office")]


def test_an_escalation_changes_no_revision(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    cycle = world.start()
    revision = world.state(cycle)["revision"]
    world.later(9)
    world.tick()

    assert "WorkEscalated" in world.kinds(cycle)
    assert world.fire(cycle, "submit", "lead", revision, content={})["leaf"] == "review"


def test_an_empty_post_is_skipped_and_recorded(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    world.vacate("head")
    cycle = world.start()
    world.later(7)
    world.tick()

    assert world.query("select level, to_id, outcome from escalation where cycle_id = :c", c=cycle) == [
        (1, None, "skipped")
    ]


def test_an_extension_drops_the_open_levels_keeps_those_fired_and_lapses_afresh(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    cycle = world.start()
    world.tick(dt.datetime(2025, 9, 8, 1, tzinfo=dt.UTC))
    found = world.fire(cycle, "extend", "head", due="2025-09-20", reason="ill")  # a Saturday
    assert (found["items"][0]["due"], found["items"][0]["deadline_no"], found["items"][0]["level"]) == (
        "2025-09-22",
        2,
        0,
    )
    world.tick(dt.datetime(2025, 9, 19, 1, tzinfo=dt.UTC))
    assert world.kinds(cycle).count("WorkEscalated") == 1, "a delay that was granted stops it"
    world.tick(dt.datetime(2025, 9, 23, 1, tzinfo=dt.UTC))

    rows = world.query("select deadline_no, level from escalation where cycle_id = :c order by id", c=cycle)
    assert rows == [(1, 1), (2, 1)]


def test_done_work_is_never_escalated(app: Flask) -> None:
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"]))
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "approve", "major")
    world.later(40)
    world.tick()

    assert "WorkEscalated" not in world.kinds(cycle)


def test_nobody_extends_their_own_work(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "transfer", "lead", item=1, to="head", reason="r")

    assert world.refused(cycle, "extend", "head", due="2027-01-04", reason="r").status == 403
    assert world.refused(cycle, "extend", "lead", due="2027-01-04", reason="r").status == 403
    assert world.fire(cycle, "extend", "vp", due="2027-01-04", reason="r")["items"][0]["due"] == "2027-01-04"


@pytest.mark.parametrize(
    ("due", "code"),
    [
        ("2025-09-01", "extend.not_later"),
        ("soon", "date.invalid"),
        (5, "data.invalid"),
        ("2099-01-01", "calendar.not_adopted"),
    ],
)
def test_an_extension_needs_a_later_day_of_an_adopted_year(world: World, due: object, code: str) -> None:
    assert world.refused(world.start(), "extend", "head", due=due, reason="r").code == code


def test_a_reassigning_level_hands_the_work_on(app: Flask) -> None:
    ladder = (Level(after=1, to="supervisor", act="reassign"), Level(after=3, to="quality_office"))
    world = World(db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05")), "improve"], ladder=ladder))
    cycle = world.start()
    world.later(7)
    world.tick()

    assert item(world, cycle)["holder"] == world.persons["head"]
    assert world.fire(cycle, "submit", "head", content={})["leaf"] == "review"


# --- by itself


def test_a_stage_that_advances_by_itself_moves_on_at_its_deadline_submitted_or_not(app: Flask) -> None:
    world = World(
        db.session, spiral(stages=[stage("goal", deadline=Deadline(date="09-05"), auto_advance=True), "improve"])
    )
    cycle = world.start()
    world.tick(dt.datetime(2025, 9, 5, 15, 59, tzinfo=dt.UTC))
    assert world.state(cycle)["stage"] == "goal", "the day is not over in Shanghai"
    world.tick(dt.datetime(2025, 9, 5, 16, 0, tzinfo=dt.UTC))

    assert world.state(cycle)["stage"] == "improve"
    assert world.query("select actor from journal where kind = 'StageAdvanced'")[0] == ("system",)


@pytest.mark.parametrize("why", ["gate", "review", "warning"])
def test_it_stays_and_is_listed_while_the_gate_a_decision_or_a_warning_holds_it(app: Flask, why: str) -> None:
    gate = ("filled(note)",) if why == "gate" else ()
    whole = spiral(
        stages=[
            stage("implement", deadline=Deadline(date="09-05"), auto_advance=True, form=(NOTE,), gate=gate),
            "improve",
        ]
    )
    world = World(db.session, whole)
    cycle = world.start()
    if why == "review":
        world.fire(cycle, "submit", "lead", content={})
    if why == "warning":
        world.fire(cycle, "warn", "diag", reason="r")
    world.tick(dt.datetime(2025, 9, 8, 1, tzinfo=dt.UTC))

    assert world.state(cycle)["stage"] == "implement"
    assert "StageAdvanced" not in world.kinds(cycle)
    assert ("AdvanceHeld" in world.kinds(cycle)) is (why != "review"), "a pending decision is its own work item"


def test_a_cycle_still_running_at_its_periods_end_waits_and_is_listed(world: World) -> None:
    cycle = world.start()
    world.later(YEAR)
    world.tick()

    assert world.state(cycle)["status"] == "running"
    assert world.kinds(cycle).count("PeriodEnded") == 1


def test_or_it_lapses_where_the_definition_says_so(app: Flask) -> None:
    world = World(db.session, spiral(on_period_end="lapse"))
    cycle = world.start()
    world.later(YEAR)
    world.tick()

    assert world.query("select status, outcome from cycle where id = :c", c=cycle) == [("closed", "lapsed")]


def test_a_subject_that_ends_cancels_its_cycle_with_the_reason(world: World) -> None:
    world.course("C7", "section", "lead", ends="2025-10-01")
    cycle = world.start("C7")
    world.later(40)
    world.tick()

    assert world.state(cycle)["status"] == "cancelled"
    assert world.history(cycle)[-1][1]["reason"] == "subject.ended"


# --- sheets


@pytest.fixture
def appraised(app: Flask) -> World:
    """Return a college whose cycles hold an appraisal in December and monthly self-diagnoses."""
    from qaflow.engine.college import Diagnosis

    whole = spiral(sheets=(sheet("appraisal", "diagnostician"), sheet("self", "responsible")))
    return World(db.session, whole, tracks=[track(diagnoses=(appraisal(), Diagnosis(kind="self", every="quarterly")))])


def test_a_sheet_is_issued_with_its_assessors_work_item_and_recorded_once(appraised: World) -> None:
    cycle = appraised.start()
    appraised.tick(dt.datetime(2025, 12, 31, 1, tzinfo=dt.UTC))
    no = next(s["no"] for s in appraised.state(cycle)["sheets"] if s["kind"] == "appraisal" and s["state"] == "open")
    held = [i for i in appraised.state(cycle)["items"] if i["ref"] == f"sheet:{no}"]
    assert [i["holder"] for i in held] == [appraised.persons["diag"]]

    found = appraised.fire(cycle, "record", "diag", sheet=no, content={"note": "fair"})

    assert no not in [s["no"] for s in found["sheets"] if s["state"] == "open"]
    assert appraised.refused(cycle, "record", "diag", sheet=no, content={}).status in (409, 422)
    assert found["state"] == "goal.open", "a sheet moves no stage"


def test_an_appraisals_assessor_is_never_the_responsible_person(appraised: World) -> None:
    appraised.person("lead", "diagnostician")
    appraised.vacate("diag")
    cycle = appraised.start()
    appraised.tick(dt.datetime(2025, 12, 31, 1, tzinfo=dt.UTC))
    (sheet_,) = [s for s in appraised.state(cycle)["sheets"] if s["kind"] == "appraisal"]

    (held,) = [i for i in appraised.state(cycle)["items"] if i["ref"] == f"sheet:{sheet_['no']}"]
    assert held["holder"] == appraised.persons["qhead"], "up the line, at last the head of the quality office"
    assert appraised.refused(cycle, "record", "lead", sheet=sheet_["no"], content={}).code == "approval.own"
    assert appraised.refused(cycle, "transfer", "vp", item=held["no"], to="lead", reason="r").status == 403


def test_a_sheet_of_one_assessor_is_not_anothers_to_record(appraised: World) -> None:
    cycle = appraised.start()
    appraised.tick(dt.datetime(2025, 12, 31, 1, tzinfo=dt.UTC))
    (own,) = [s["no"] for s in appraised.state(cycle)["sheets"] if s["kind"] == "self" and s["state"] == "open"][:1]

    assert appraised.refused(cycle, "record", "diag", sheet=own, content={}).code == "sheet.not_assessor"
    appraised.fire(cycle, "record", "lead", sheet=own, content={"note": "as planned"})


# --- notices


def test_a_copy_goes_only_to_somebody_who_may_see_the_cycle(world: World) -> None:
    cycle = world.start()

    assert world.fire(cycle, "copy", "lead", to="office")
    assert world.refused(cycle, "copy", "lead", to="far_lead").status == 422
    told = world.query("select p.login, o.kind from outbox o join person p on p.id = o.person_id")
    assert told == [("office", "CopySent")]


@pytest.mark.parametrize("named", ["nobody", 10**30, -1, True, ["office"], {"id": 3}, ""])
def test_a_person_who_is_none_is_refused(world: World, named: object) -> None:
    assert world.refused(world.start(), "copy", "lead", to=named).status == 422


@pytest.mark.parametrize("number", [99, "x", [1], True, 1.5, "9" * 5000, "-1"])
def test_a_work_item_that_is_none_is_refused(world: World, number: object) -> None:
    assert world.refused(world.start(), "remind", "lead", item=number).code == "item.not_found"
