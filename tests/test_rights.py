"""Who may do what (engine rules, 5): the page's table, typed off by hand; every cell is tried, allowed ones succeed."""

import datetime as dt

import pytest
from flask import Flask

from qaflow.engine.college import Diagnosis
from qaflow.engine.decide import ACTIONS, OPTIONAL, REQUIRED
from qaflow.errors import Forbidden, Missing, QaflowError
from qaflow.services.accounts import book as accounts
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import migrating, starting
from qaflow.services.definitions import publishing as definitions
from qaflow.services.policy import RIGHTS
from qaflow.store.db import db
from qaflow.testing import World, appraisal, sheet, spiral, track

PEOPLE = ("lead", "major", "head", "vp", "office", "qhead", "diag", "looker", "admin", "guest")
"""Responsible person, approver, supervisor, leader, quality office and its head, diagnostician, somebody who may see
the cycle, the administrator, somebody who may not see it."""
TABLE = """
submit       yes  -    -    -    -      -     -    -      .     .
withdraw     yes  -    -    -    -      -     -    -      .     .
acknowledge  yes  -    -    -    -      -     -    -      .     .
correct      yes  -    -    -    -      -     -    -      .     .
record       yes  -    -    -    -      -     -    -      .     .
appraise     -    -    -    -    -      -     yes  -      .     .
approve      -    yes  -    -    -      -     -    -      .     .
reject       -    yes  -    -    -      -     -    -      .     .
return       -    yes  -    -    -      -     -    -      .     .
add_signer   -    yes  -    -    -      -     -    -      .     .
confirm      -    yes  -    -    -      -     -    -      .     .
dismiss      -    yes  -    -    -      -     -    -      .     .
answer       -    yes  -    -    -      -     -    -      .     .
transfer     yes  -    yes  yes  -      -     -    -      .     .
extend       -    -    yes  yes  yes    yes   -    -      .     .
remind       yes  yes  yes  yes  yes    yes   yes  yes    .     .
comment      yes  yes  yes  yes  yes    yes   yes  yes    .     .
copy         yes  yes  yes  yes  yes    yes   yes  yes    .     .
warn         -    -    -    -    -      -     yes  -      .     .
suspend      -    -    -    -    yes    yes   -    -      .     .
resume       -    -    -    -    yes    yes   -    -      .     .
cancel       -    -    -    -    yes    yes   -    -      .     .
reopen       -    -    -    -    yes    yes   -    -      .     .
"""
CELLS = {row.split()[0]: dict(zip(PEOPLE, row.split()[1:], strict=True)) for row in TABLE.strip().splitlines()}
R = {"reason": "as the table says"}
ARGS: dict[str, dict[str, object]] = {
    "submit": {"content": {}},
    "acknowledge": {"cause": "c"},
    "correct": {"scope": "implementation", "measure": "m"},
    "record": {"content": {}},
    "appraise": {"content": {}},
    "reject": R,
    "return": R | {"to": "goal"},
    "dismiss": R,
    "add_signer": {"person": "new"},
    "transfer": R | {"to": "new"},
    "extend": R | {"due": "2027-03-01"},
    "comment": {"text": "t"},
    "copy": {"to": "office"},
    "warn": R,
    "suspend": R,
    "cancel": R,
    "reopen": R | {"stage": "goal"},
}
REVIEW = ("withdraw", "approve", "reject", "return", "add_signer")
FIRED = {"answer": "approve", "appraise": "record"}


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college, with somebody who may see cycles and nothing more."""
    whole = spiral(sheets=(sheet("appraisal", "diagnostician"), sheet("self", "responsible")))
    made = World(db.session, whole, tracks=[track(diagnoses=(appraisal(), Diagnosis(kind="self", every="period")))])
    made.person("looker", "committee", "section")
    return made


def ready(world: World, code: str, action: str) -> int:
    """Return a cycle in which only the person decides whether the action is possible."""
    world.course(code, "section", "lead")
    cycle = world.start(code, from_stage="standard")
    if action in REVIEW:
        world.fire(cycle, "submit", "lead", content={})
    if action in ("acknowledge", "dismiss", "correct", "confirm", "answer"):
        world.reach(cycle, "implement")
        world.fire(cycle, "warn", "diag", **R)
    if action in ("correct", "confirm", "answer"):
        world.fire(cycle, "acknowledge", "lead", cause="c")
    if action in ("confirm", "answer"):
        scope = "implementation" if action == "confirm" else "design"
        world.fire(cycle, "correct", "lead", scope=scope, measure="m")
    if action == "resume":
        world.fire(cycle, "suspend", "office", **R)
    if action in ("record", "appraise"):
        kind, person = ("self", "lead") if action == "record" else ("appraisal", "diag")
        world.system(cycle, "issue", {"no": sheet_of(world, cycle, kind)}, holder=world.persons[person])
    return cycle


def sheet_of(world: World, cycle: int, kind: str) -> int:
    """Return the number of the cycle's sheet of a kind."""
    (no,) = [s["no"] for s in world.state(cycle)["sheets"] if s["kind"] == kind]
    return int(no)


@pytest.mark.parametrize("action", CELLS)
def test_every_cell_of_the_table(world: World, action: str) -> None:
    """Allowed ones succeed; who sees the cycle hears "forbidden", who does not see it hears "not found"."""
    heard = {}
    for login in PEOPLE:
        cycle = ready(world, f"{action}-{login}", action)
        try:
            world.fire(cycle, FIRED.get(action, action), login, **ARGS.get(action, {}))
            heard[login] = "yes"
        except Forbidden:
            heard[login] = "-"
        except Missing:
            heard[login] = "."

    assert heard == CELLS[action]


def test_the_table_names_every_action_and_every_action_has_a_right() -> None:
    assert {FIRED.get(a, a) for a in CELLS} == set(ACTIONS)
    assert set(ACTIONS) <= set(RIGHTS)


def test_the_system_fires_none_of_the_actions(world: World) -> None:
    cycle = ready(world, "C2", "submit")
    for action in ACTIONS:
        args = {
            "reason": "r",
            "to": "goal",
            "text": "t",
            "person": "new",
            "due": "2027-01-04",
            "stage": "goal",
            "cause": "c",
            "scope": "goal",
            "measure": "m",
        }
        known = {*REQUIRED.get(action, ()), *OPTIONAL.get(action, ())}
        with pytest.raises(Forbidden) as caught:
            cycles.fire(world.session, world.origin(), cycle, action, {k: v for k, v in args.items() if k in known})
        assert caught.value.code == "actor.system"


def test_people_of_another_unit_do_not_see_the_cycle(world: World) -> None:
    cycle = ready(world, "C2", "approve")
    for login in ("far_major", "far_head", "far_lead"):
        for action in ("approve", "comment", "remind", "extend"):
            assert world.refused(cycle, action, login, **ARGS.get(action, {})).code == "cycle.not_found"


def test_a_supervisor_reaches_only_work_of_people_below_them(world: World) -> None:
    """The decision that went up to the vice president is not the unit head's to extend or to pass on."""
    for login in ("major", "head"):
        world.vacate(login)
    world.person("head2", "unit_head", "teaching")
    cycle = ready(world, "C2", "submit")
    world.fire(cycle, "transfer", "head2", item=1, to="vp", **R)

    assert world.refused(cycle, "extend", "head2", due="2027-03-01", **R).status == 403
    assert world.fire(cycle, "extend", "office", due="2027-03-01", **R)


def test_the_decision_is_not_the_deciders_to_pass_on(world: World) -> None:
    cycle = ready(world, "C2", "approve")

    assert world.refused(cycle, "transfer", "major", to="new", **R).status == 403
    assert world.fire(cycle, "transfer", "head", to="new", **R)
    assert world.fire(cycle, "approve", "new")["stage"] == "design"
    assert world.query("select count(*) from signature where person_id = :p", p=world.persons["major"]) == [(0,)]


@pytest.mark.parametrize(
    ("to", "code"), [("lead", "approval.own"), ("major", "transfer.same"), ("nobody", "ref.unknown_user")]
)
def test_to_whom_a_decision_cannot_go(world: World, to: str, code: str) -> None:
    assert world.refused(ready(world, "C2", "approve"), "transfer", "head", to=to, **R).code == code


def test_the_responsible_person_transfers_their_own_item_and_not_anothers(world: World) -> None:
    cycle = ready(world, "C2", "submit")
    world.fire(cycle, "transfer", "lead", to="new", **R)

    assert world.refused(cycle, "transfer", "lead", to="guest", **R).status == 403
    assert world.fire(cycle, "submit", "new", content={})["leaf"] == "review"


def test_a_deputys_right_ends_with_its_role(world: World) -> None:
    """Standing in for one role of a person gives that role and no other."""
    world.person("major", "unit_head", "teaching")
    world.deputy("major", "deputy", role="unit_head")
    cycle = ready(world, "C2", "approve")

    assert world.refused(cycle, "approve", "deputy").status == 403
    assert world.fire(cycle, "comment", "deputy", text="seen")


def test_the_quality_office_starts_and_migrates_and_publishes_and_nobody_else(world: World) -> None:
    world.course("C2", "section", "lead")
    newer = spiral(version=2)
    for login in (x for x in PEOPLE if x not in ("office", "qhead")):
        person, origin = world.persons[login], world.origin(login)
        for attempt in (
            lambda o=origin: definitions.publish(world.session, o, newer),
            lambda o=origin: migrating.migrate(world.session, o, newer.key, 1, dry_run=True),
            lambda o=origin, p=person: starting.on_demand(world.session, o, p, "tiny", "course", "C2", "teaching"),
        ):
            with pytest.raises(QaflowError) as caught:
                attempt()
            assert caught.value.status in (403, 404), login
    office = world.origin("office")
    assert definitions.publish(world.session, office, newer)["published"]
    assert migrating.migrate(world.session, office, newer.key, 2, dry_run=True)["items"] == []
    assert starting.on_demand(world.session, office, world.persons["office"], "tiny", "course", "C2", "teaching")


def test_the_administrator_keeps_accounts_and_nobody_else_does(world: World) -> None:
    for login in (x for x in PEOPLE if x != "admin"):
        with pytest.raises(Forbidden):
            accounts.disable(world.session, world.origin(login), "guest")

    accounts.disable(world.session, world.origin("admin"), "guest")
    assert world.query("select count(*) from person where disabled_at is not null") == [(1,)]


def test_a_right_ends_with_the_last_day_of_the_role(world: World) -> None:
    cycle = ready(world, "C2", "submit")

    def limited(driver):  # type: ignore[no-untyped-def]
        from qaflow.services.work import Writer

        writer = Writer(driver, world.origin())
        accounts.grant(
            driver,
            writer,
            world.origin(),
            world.view(driver),
            world.persons["guest"],
            "diagnostician",
            starts=world.now.date(),
            ends=world.now.date() + dt.timedelta(days=2),
        )
        writer.flush()

    world.within(limited)
    world.fire(cycle, "warn", "guest", **R)
    world.later(3)

    assert world.refused(cycle, "warn", "guest", **R).status == 404
