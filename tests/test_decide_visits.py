"""Visits and signatures: what submit, withdraw, approve, reject, return and reopen do (engine rules, 1, 3 and 5)."""

import datetime as dt
from collections.abc import Iterator

import pytest
from flask import Flask

from qaflow import testing
from qaflow.engine.definition import Field, Move, Signers
from qaflow.services.auditing import audit
from qaflow.store.db import db
from qaflow.testing import World, label, spiral, stage

COMMITTEE = Signers(role="committee", need="quorum", quorum=2)


@pytest.fixture(autouse=True)
def replayed(app: Flask) -> Iterator[None]:
    """Whatever a test did, the journal verifies and replays to the rows that stand."""
    yield
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college with the plain ten stages."""
    return World(db.session)


def with_goal(app: Flask, signers: Signers | None, committee: int = 0, **more: object) -> World:
    """Return a college whose first stage is decided as said, and a committee of so many."""
    made = World(db.session, spiral(stages=[stage("goal", decide=signers, **more), stage("standard")]))
    for n in range(committee):
        made.person(f"c{n}", "committee", "section")
    return made


def test_a_stage_moves_on_only_after_the_approvers_decision(world: World) -> None:
    cycle = world.start()

    assert world.fire(cycle, "submit", "lead", content={})["state"] == "goal.review"
    assert world.fire(cycle, "approve", "major")["state"] == "standard.open"


def test_a_stage_without_approval_moves_on_with_its_submission(app: Flask) -> None:
    world = with_goal(app, None)

    assert world.fire(world.start(), "submit", "lead")["state"] == "standard.open"


def test_a_rejection_reopens_the_same_visit_with_a_higher_revision_and_void_signatures(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=3)
    cycle = world.start()
    before = world.fire(cycle, "submit", "lead")
    world.fire(cycle, "approve", "c0")

    found = world.fire(cycle, "reject", "c1", reason="too vague")

    assert (found["state"], found["visit"], found["revision"]) == ("goal.open", 1, before["revision"] + 1)
    assert world.query("select distinct void from signature") == [(1,)]
    assert world.fire(cycle, "submit", "lead")["signatures"] == {"need": 2, "given": 0}


def test_one_signers_no_ends_the_review_at_once(app: Flask) -> None:
    world = with_goal(app, Signers(role="committee", need="all"), committee=3)
    cycle = world.start()
    world.fire(cycle, "submit", "lead")

    found = world.fire(cycle, "reject", "c2", reason="no")

    assert [i["kind"] for i in found["items"]] == ["submit"]
    assert world.refused(cycle, "approve", "c0").code == "transition.not_allowed"


def test_a_return_begins_a_new_visit_of_the_target_and_of_every_stage_after_it(world: World) -> None:
    cycle = world.start()
    world.reach(cycle, "organize")
    world.fire(cycle, "submit", "lead", content={})

    found = world.fire(cycle, "return", "major", to="standard", reason="wrong yardstick")

    assert (found["state"], found["visit"]) == ("standard.open", 2)
    visits = [world.pass_stage(cycle)["visit"] for _ in range(3)]
    assert visits == [2, 2, 1], "design and organize a second time, implement the first"


def test_a_returned_stage_holds_its_last_content_as_the_draft(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={"note": "first words"})
    world.fire(cycle, "approve", "major")
    world.fire(cycle, "submit", "lead", content={"note": "standard"})
    world.fire(cycle, "return", "major", to="goal", reason="look again")

    world.fire(cycle, "submit", "lead")

    contents = [d["content"] for k, d in world.history(cycle) if k == "StageSubmitted" and d["stage"] == "goal"]
    assert contents[0] == contents[1], "unchanged content needs one submit and one approval"
    assert world.fire(cycle, "approve", "major")["state"] == "standard.open"


def test_a_return_goes_to_an_earlier_stage_only(world: World) -> None:
    cycle = world.start()
    world.reach(cycle, "standard")
    world.fire(cycle, "submit", "lead", content={})

    for target in ("standard", "design", "nowhere", 5, None, ["goal"]):
        assert world.refused(cycle, "return", "major", to=target, reason="r").status == 422
    assert world.state(cycle)["state"] == "standard.review"


def test_the_quality_office_reopens_a_decided_stage(world: World) -> None:
    cycle = world.start()
    world.reach(cycle, "diagnose")

    found = world.fire(cycle, "reopen", "office", stage="design", reason="audit")

    assert (found["state"], found["visit"]) == ("design.open", 2)
    assert world.refused(cycle, "reopen", "office", stage="improve", reason="r").code == "stage.not_earlier"


def test_a_stage_that_was_passed_by_cannot_be_reopened(app: Flask) -> None:
    moves = (Move(to="design", when="filled(note)"), Move(to="standard"))
    world = World(
        db.session, spiral(stages=[stage("goal", form=(testing.NOTE,), moves=moves), "standard", "design", "improve"])
    )
    cycle = world.start()
    world.pass_stage(cycle)

    assert world.state(cycle)["stage"] == "design"
    assert world.refused(cycle, "reopen", "office", stage="standard", reason="r").code == "stage.not_decided"


def test_the_way_on_follows_the_submitted_content_when_it_is_approved(app: Flask) -> None:
    """The condition is asked at the approval, of what was submitted."""
    moves = (Move(to="design", when="filled(note)"), Move(to="standard"))
    world = World(db.session, spiral(stages=[stage("goal", form=(testing.NOTE,), moves=moves), "standard", "design"]))
    world.course("C2", "section", "lead")
    filled, empty = world.start(), world.start("C2")
    for cycle, note in ((filled, {"note": "x"}), (empty, {})):
        world.fire(cycle, "submit", "lead", content=note)
        world.fire(cycle, "approve", "major")

    assert (world.state(filled)["stage"], world.state(empty)["stage"]) == ("design", "standard")


def test_a_gate_may_ask_for_open_warnings(app: Flask) -> None:
    world = with_goal(app, testing.APPROVER, gate=("open_warnings() == 0",))
    cycle = world.start()
    world.fire(cycle, "warn", "diag", reason="r")

    assert world.refused(cycle, "submit", "lead").code == "gate.missing"
    world.fire(cycle, "dismiss", "major", reason="false alarm")
    assert world.fire(cycle, "submit", "lead")["leaf"] == "review"


def test_an_incomplete_form_is_refused_with_every_fault_and_changes_nothing(app: Flask) -> None:
    form = (Field(key="text", label=label("t"), required=True), Field(key="n", label=label("n"), type="number"))
    world = with_goal(app, testing.APPROVER, form=form)
    cycle = world.start()

    error = world.refused(cycle, "submit", "lead", content={"n": "many", "x": 1})

    assert (error.code, {e["pointer"] for e in error.errors}) == ("gate.missing", {"text", "n", "x"})  # type: ignore[index,call-overload]
    assert world.kinds(cycle) == ["CycleStarted"]


def test_a_submission_is_withdrawn_until_the_first_decision(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=3)
    cycle = world.start()
    world.fire(cycle, "submit", "lead")
    assert world.fire(cycle, "withdraw", "lead")["state"] == "goal.open"
    world.fire(cycle, "submit", "lead")
    world.fire(cycle, "approve", "c1")

    error = world.refused(cycle, "withdraw", "lead")

    assert error.code == "transition.not_allowed"
    assert "withdraw" not in error.data["allowed"]


def test_the_quorum_is_reached_by_exactly_so_many_and_counts_nobody_twice(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=3)
    cycle = world.start()
    world.fire(cycle, "submit", "lead")
    world.fire(cycle, "approve", "c0")

    assert world.refused(cycle, "approve", "c0").code == "transition.not_allowed"
    assert world.state(cycle)["signatures"] == {"need": 2, "given": 1}
    assert world.fire(cycle, "approve", "c2")["state"] == "standard.open"
    assert world.refused(cycle, "approve", "c1").status in (403, 409)


def test_another_signers_yes_makes_no_form_stale(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=3)
    cycle = world.start()
    revision = world.fire(cycle, "submit", "lead")["revision"]
    for action, login in (("comment", "office"), ("remind", "office"), ("approve", "c0")):
        world.fire(
            cycle,
            action,
            login,
            revision,
            **({"text": "t"} if action == "comment" else {"item": 2} if action == "remind" else {}),
        )

    assert world.fire(cycle, "approve", "c1", revision)["state"] == "standard.open"


def test_only_submit_withdraw_return_decision_and_content_change_the_revision(world: World) -> None:
    cycle = world.start()
    seen = [world.state(cycle)["revision"]]
    world.fire(cycle, "warn", "diag", reason="r")
    world.fire(cycle, "acknowledge", "lead", cause="c")
    world.fire(cycle, "extend", "head", item=1, due="2027-03-01", reason="r")
    world.fire(cycle, "comment", "lead", text="t")
    world.fire(cycle, "copy", "lead", to="office")
    seen.append(world.state(cycle)["revision"])
    for action, login, args in (
        ("submit", "lead", {"content": {}}),
        ("withdraw", "lead", {}),
        ("submit", "lead", {}),
        ("reject", "major", {"reason": "r"}),
        ("submit", "lead", {}),
        ("approve", "major", {}),
    ):
        seen.append(world.fire(cycle, action, login, **args)["revision"])

    assert seen == [0, 0, 1, 2, 3, 4, 5, 6]


def test_a_form_made_before_the_decision_is_stale(world: World) -> None:
    """The second browser tab (approval integrity): 412, and nothing is written."""
    cycle = world.start()
    world.person("second", "major_leader", "section")
    revision = world.fire(cycle, "submit", "lead", content={})["revision"]
    world.fire(cycle, "approve", "major", revision)

    error = world.refused(cycle, "reject", "second", revision, reason="late")

    assert (error.code, error.status, error.data["revision"]) == ("visit.stale", 412, revision + 1)


def test_a_signature_binds_to_the_content_that_was_submitted(app: Flask) -> None:
    """Content changed after the first of two approvals: the first no longer counts."""
    world = with_goal(app, COMMITTEE, committee=3, form=(testing.NOTE,))
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={"note": "one"})
    world.fire(cycle, "approve", "c0")
    world.fire(cycle, "reject", "c1", reason="change it")
    world.fire(cycle, "submit", "lead", content={"note": "two"})

    found = world.fire(cycle, "approve", "c1")

    assert (found["state"], found["signatures"]) == ("goal.review", {"need": 2, "given": 1})
    rows = world.query("select person_id, content, void from signature where decision is not null order by revision")
    assert rows[0][1] != rows[1][1]
    assert [bool(r[2]) for r in rows] == [True, False]


def test_in_sequence_the_signers_are_asked_one_after_the_other(app: Flask) -> None:
    world = with_goal(app, Signers(role="committee", need="all", order="sequence"), committee=3)
    cycle = world.start()
    found = world.fire(cycle, "submit", "lead")

    assert [i["holder"] for i in found["items"]] == [world.persons["c0"]]
    assert world.refused(cycle, "approve", "c1").code == "transition.not_allowed"
    found = world.fire(cycle, "approve", "c0")
    assert [i["holder"] for i in found["items"]] == [world.persons["c1"]]
    world.fire(cycle, "approve", "c1")
    assert world.fire(cycle, "approve", "c2")["state"] == "standard.open"


def test_an_added_signer_raises_the_number_needed(world: World) -> None:
    cycle = world.start()
    revision = world.fire(cycle, "submit", "lead", content={})["revision"]

    found = world.fire(cycle, "add_signer", "major", person="guest")

    assert (found["signatures"], found["revision"]) == ({"need": 2, "given": 0}, revision)
    assert world.fire(cycle, "approve", "major")["state"] == "goal.review"
    assert world.fire(cycle, "approve", "guest")["state"] == "standard.open"


def test_a_signer_added_in_sequence_is_asked_last_and_once(app: Flask) -> None:
    world = with_goal(app, Signers(role="committee", need="all", order="sequence"), committee=2)
    cycle = world.start()
    world.fire(cycle, "submit", "lead")
    world.fire(cycle, "add_signer", "c0", person="guest")
    world.fire(cycle, "approve", "c0")

    assert [i["holder"] for i in world.fire(cycle, "approve", "c1")["items"]] == [world.persons["guest"]]
    assert world.fire(cycle, "approve", "guest")["state"] == "standard.open"


@pytest.mark.parametrize(
    ("person", "code"), [("lead", "approval.own"), ("major", "signer.twice"), ("nobody", "ref.unknown_user")]
)
def test_who_cannot_be_added_as_a_signer(world: World, person: str, code: str) -> None:
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})

    assert world.refused(cycle, "add_signer", "major", person=person).code == code


def test_nobody_approves_their_own_submission_and_the_decision_goes_up_the_line(world: World) -> None:
    """A course leader who also leads the major: the unit's head decides, and the entry says why."""
    world.vacate("major")
    world.person("lead", "major_leader", "section")
    cycle = world.start()
    found = world.fire(cycle, "submit", "lead", content={})

    assert [i["holder"] for i in found["items"]] == [world.persons["head"]]
    assert world.history(cycle)[-1][1]["raised"] == "own:major_leader>unit_head"
    assert world.refused(cycle, "approve", "lead").status == 403
    assert world.fire(cycle, "approve", "head")["state"] == "standard.open"


def test_an_empty_post_sends_the_decision_up_at_last_to_the_head_of_the_quality_office(world: World) -> None:
    for login in ("major", "head", "vp"):
        world.vacate(login)
    cycle = world.start()
    found = world.fire(cycle, "submit", "lead", content={})

    assert [i["holder"] for i in found["items"]] == [world.persons["qhead"]]
    assert world.history(cycle)[-1][1]["raised"] == "vacant:major_leader>quality_head"
    assert world.fire(cycle, "approve", "qhead")["state"] == "standard.open"


def test_a_deputy_acts_in_their_own_name_for_the_absent(world: World) -> None:
    world.deputy("major", "deputy")
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "approve", "deputy")

    data = world.history(cycle)[-1][1]
    assert (data["by"], data["for"], data["signer"]) == (
        world.persons["deputy"],
        world.persons["major"],
        world.persons["major"],
    )
    rows = world.query("select actor, on_behalf_of from journal where kind = 'StageApproved'")
    assert rows == [(str(world.persons["deputy"]), str(world.persons["major"]))]


def test_a_deputy_acts_between_the_two_days_only_and_chains_are_followed(world: World) -> None:
    world.deputy("major", "deputy", days=3)
    world.deputy("deputy", "guest", days=10)
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})
    world.later(4)
    assert world.refused(cycle, "approve", "guest").status == 404
    world.later(-4)

    assert world.fire(cycle, "approve", "guest")["state"] == "standard.open"


def test_the_submitter_does_not_decide_as_the_approvers_deputy(world: World) -> None:
    world.deputy("major", "lead")
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})

    for action, args in (("approve", {}), ("reject", {"reason": "r"}), ("add_signer", {"person": "guest"})):
        assert world.refused(cycle, action, "lead", **args).code == "approval.own"


def test_a_deputy_who_submitted_for_the_responsible_person_does_not_decide_it(world: World) -> None:
    world.deputy("lead", "deputy")
    world.deputy("major", "deputy")
    cycle = world.start()
    world.fire(cycle, "submit", "deputy", content={})

    assert world.refused(cycle, "approve", "deputy").code == "approval.own"
    assert world.fire(cycle, "approve", "major")["state"] == "standard.open"


def test_a_deputy_of_two_signers_signs_once(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=2)
    world.deputy("c0", "deputy")
    world.deputy("c1", "deputy")
    cycle = world.start()
    world.fire(cycle, "submit", "lead")
    world.fire(cycle, "approve", "deputy")

    assert world.refused(cycle, "approve", "deputy").code == "transition.not_allowed"
    assert world.state(cycle)["signatures"] == {"need": 2, "given": 1}


def test_who_took_over_the_submission_is_no_decider_of_it(world: World) -> None:
    world.person("second", "major_leader", "section")
    cycle = world.start()
    world.fire(cycle, "transfer", "lead", item=1, to="major", reason="away")
    found = world.fire(cycle, "submit", "major", content={})

    assert [i["holder"] for i in found["items"]] == [world.persons["second"]]


def test_a_role_lost_between_form_and_decision_no_longer_decides(world: World) -> None:
    """Approval integrity: the signer asked stays the signer; somebody new in the post was not asked."""
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={})
    world.person("new", "major_leader", "section")

    assert world.refused(cycle, "approve", "new").status == 403


def test_a_quorum_that_the_people_in_office_cannot_reach_is_refused(app: Flask) -> None:
    world = with_goal(app, COMMITTEE, committee=1)

    assert world.refused(world.start(), "submit", "lead").code == "approval.no_signer"


def test_a_closed_cycle_takes_comments_and_nothing_else(world: World) -> None:
    cycle = world.start()
    world.pass_stage(cycle, 10)

    for action, login, args in (
        ("submit", "lead", {}),
        ("approve", "major", {}),
        ("reopen", "office", {"stage": "goal", "reason": "r"}),
        ("warn", "diag", {"reason": "r"}),
        ("cancel", "office", {"reason": "r"}),
        ("suspend", "office", {"reason": "r"}),
        ("withdraw", "lead", {}),
    ):
        error = world.refused(cycle, action, login, **args)
        assert (error.status, error.code) == (409, "transition.not_allowed"), action
    assert world.fire(cycle, "comment", "lead", text="well done")["status"] == "closed"


def test_a_refusal_names_what_would_be_allowed(world: World) -> None:
    error = world.refused(world.start(), "approve", "major")

    assert error.status == 409
    assert "submit" in error.data["allowed"]
    assert "approve" not in error.data["allowed"]


def test_the_system_never_decides(world: World) -> None:
    cycle = world.start()
    origin = world.origin()
    from qaflow.services.cycles import acts as cycles

    with pytest.raises(Exception, match="never decides"):
        cycles.fire(world.session, origin, cycle, "submit", {})


def test_deciding_is_a_work_item_of_three_working_days(world: World) -> None:
    world.now = dt.datetime(2025, 9, 4, 2, tzinfo=dt.UTC)  # a Thursday
    cycle = world.start()

    (item,) = world.fire(cycle, "submit", "lead", content={})["items"]

    assert (item["kind"], item["due"]) == ("decide", "2025-09-09")
