"""Tasks of the year: who may plan, report and finish them, what each act writes, and when lateness warns."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from flask import Flask
from tasking import Wanted, act, facts, me, planned, row

from qaflow.engine import loader
from qaflow.errors import Forbidden, Invalid, Missing, QaflowError, Refused, Stale
from qaflow.services.auditing import audit
from qaflow.services.definitions import loading, packaged
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks import grid as task_grid
from qaflow.services.tasks import plans as tasks
from qaflow.services.tasks.desk import Chosen
from qaflow.store.db import db
from qaflow.testing import World


@pytest.fixture
def world(app: Flask) -> World:
    """Return the tiny college on SQLite."""
    return World(db.session)


@pytest.fixture
def either(store_app: Flask) -> World:
    """Return the tiny college on each database."""
    return World(db.session)


def listed(world: World, login: str, **chosen: object) -> tasks.Listed:
    """Return what somebody's list shows."""
    return tasks.listed(world.session, world.origin(login), me(world, login), Chosen(**chosen))  # type: ignore[arg-type]


def titles(world: World, login: str, **chosen: object) -> set[str]:
    """Return the titles that somebody's list shows."""
    return {line.task.title_zh for line in listed(world, login, **chosen).lines}


# What is done with a task


def test_a_task_is_planned_reported_and_finished_with_a_fact_each(either: World) -> None:
    task = planned(either, cost="1,200.50")
    act(either, "report", "lead", task, "2025-09", "going")
    act(either, "finish", "lead", task, "Done and published.")

    found = tasks.one(either.session, either.origin("lead"), me(either, "lead"), task)
    assert facts(either) == ["TaskAdded", "TaskReported", "TaskFinished"]
    assert (found.task.state, found.result, found.task.cost) == ("done", "Done and published.", 1200.5)
    assert [said for month, said, _ in found.months if month == "2025-09"] == ["done"]
    assert audit.verify(either.session)["verified"]


def test_the_first_work_noted_lets_a_task_go_on_and_its_note_can_be_taken_away(world: World) -> None:
    task = planned(world)

    act(world, "report", "lead", task, "2025-10", "planned")
    assert row(world, task)["state"] == "planned"
    act(world, "report", "lead", task, "2025-09", "going")
    assert (row(world, task)["state"], row(world, task)["starts"]) == ("going", "2025-09-01")
    act(world, "report", "lead", task, "2025-10", "")
    assert world.query("select month, state from task_month") == [("2025-09", "going")]


def test_the_words_of_a_result_stand_apart_from_the_journal(world: World) -> None:
    act(world, "finish", "lead", planned(world), "Secret words")

    (data,) = world.query("select data from journal where kind = 'TaskFinished'")
    assert "Secret words" not in data[0] and len(json.loads(data[0])["result"]) == 64


def test_the_same_task_planned_twice_is_one(world: World) -> None:
    assert planned(world) == planned(world)
    assert facts(world) == ["TaskAdded"]


def test_a_stale_form_changes_nothing_and_a_fresh_one_does(world: World) -> None:
    task = planned(world)
    wanted = Wanted(title_zh="Other", lead=world.units["section"], due="2025-11-03")
    act(world, "report", "lead", task, "2025-09", "going", version=1)

    with pytest.raises(Stale):
        task_acts.change(world.session, world.origin("office"), me(world, "office"), task, wanted, 1)
    assert row(world, task)["title_zh"] == "Revise the plan"
    task_acts.change(world.session, world.origin("office"), me(world, "office"), task, wanted, 2)
    assert (row(world, task)["title_zh"], row(world, task)["version"], row(world, task)["year"]) == ("Other", 3, 2025)


def test_a_change_that_changes_nothing_writes_no_fact(world: World) -> None:
    task = planned(world)
    wanted = Wanted(title_zh="Revise the plan", lead=world.units["section"], due="2025-12-01", owner="lead")

    task_acts.change(world.session, world.origin("office"), me(world, "office"), task, wanted)

    assert facts(world) == ["TaskAdded"] and row(world, task)["version"] == 1


def test_what_is_done_or_dropped_is_closed_until_it_is_taken_up_again(world: World) -> None:
    done, dropped = planned(world), planned(world, "Another")
    act(world, "finish", "lead", done, "ok")
    act(world, "drop", "office", dropped, "no money")

    for task in (done, dropped):
        for what, said in (("report", ("2025-09", "going")), ("finish", ("x",)), ("drop", ("x",))):
            with pytest.raises(Refused, match=r"is done|is dropped"):
                act(world, what, "office", task, *said)
    act(world, "resume", "office", done, "not done after all")
    assert row(world, done)["state"] == "going" and row(world, done)["done_at"] is None
    with pytest.raises(Refused):
        act(world, "resume", "office", done, "twice")


WRONG = [
    ("date.order", {"starts": "2025-12-02"}), ("date.invalid", {"due": "1.12.2025"}),
    ("number.invalid", {"cost": "-1"}), ("number.invalid", {"cost": "nan"}), ("number.invalid", {"cost": "１２"}),
    ("ref.unknown_user", {"owner": "nobody"}),
    ("ref.unknown_goal", {"goal": 99}), ("value.unknown", {"kind": "sweet"}), ("value.unknown", {"origin": ""}),
    ("text.blank", {"title": " "}), ("text.too_long", {"title": "x" * 201}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fields"), WRONG)
def test_what_is_entered_wrongly_is_refused_and_nothing_is_written(
    world: World, code: str, fields: dict[str, object]
) -> None:
    with pytest.raises(Invalid) as told:
        planned(world, **{"title": "Fine"} | fields)  # type: ignore[arg-type]

    assert told.value.code == code
    assert world.query("select count(*) from plan_task") == [(0,)] and facts(world) == []


@pytest.mark.parametrize(
    ("month", "state", "code"),
    [("2025-13", "done", "month.unknown"), ("2025", "done", "month.unknown"), ("2025-10", "done", "month.ahead"),
     ("2025-09", "fine", "value.unknown")],
)  # fmt: skip
def test_a_month_that_has_not_begun_or_is_none_cannot_be_noted(world: World, month: str, state: str, code: str) -> None:
    with pytest.raises(Invalid) as told:
        act(world, "report", "lead", planned(world), month, state)

    assert told.value.code == code


# Who may


SEES = {"office", "qhead", "vp", "diag", "head", "major", "lead"}


def test_a_task_is_seen_by_its_owner_and_by_roles_over_its_units_and_is_not_there_for_others(either: World) -> None:
    either.person("looker", "committee", "section")
    task = planned(either)

    for login in sorted(either.persons):
        try:
            tasks.one(either.session, either.origin(login), me(either, login), task)
            seen = True
        except Missing:
            seen = False
        assert seen == (login in SEES | {"looker"}), login
        assert listed(either, login).many == sum(listed(either, login).counts.values()) == int(seen), login


def test_an_assisting_unit_s_people_see_the_task_and_do_not_plan_it(world: World) -> None:
    task = planned(world, assisting=("far",))

    assert titles(world, "far_head") == {"Revise the plan"}
    with pytest.raises(Forbidden):
        act(world, "finish", "far_head", task, "mine")


def test_a_deputy_sees_and_reports_for_the_absent_owner(world: World) -> None:
    task = planned(world)
    world.deputy("lead", "deputy")

    act(world, "report", "deputy", task, "2025-09", "done")

    assert titles(world, "deputy") == {"Revise the plan"}


ACTS = [  # who may, who sees but may not
    ("report", ("2025-09", "going"), {"lead", "office", "qhead", "head", "vp"}, {"major", "diag"}),
    ("finish", ("done",), {"lead", "office", "qhead", "head", "vp"}, {"major", "diag"}),
    ("drop", ("why",), {"office", "qhead", "head", "vp"}, {"lead", "major", "diag"}),
]


@pytest.mark.parametrize(("what", "said", "may", "sees"), ACTS, ids=[a[0] for a in ACTS])
def test_each_act_is_for_those_whose_it_is(
    world: World, what: str, said: tuple[str, ...], may: set[str], sees: set[str]
) -> None:
    for login in sorted(world.persons):
        task = planned(world, f"for {login}")
        try:
            act(world, what, login, task, *said)
            found: object = "done"
        except QaflowError as error:
            found = type(error)
        wanted: object = "done" if login in may else Forbidden if login in sees else Missing
        assert found == wanted, login


def test_a_head_plans_what_lies_under_them_and_nothing_else(world: World) -> None:
    assert planned(world, by="head", lead="section")
    for lead in ("far", ""):
        with pytest.raises(Forbidden):
            planned(world, "elsewhere", by="head", lead=lead)


def test_the_unit_s_responsible_person_reports_and_finishes_though_they_own_nothing(world: World) -> None:
    task = planned(world, owner="")
    world.query("update subject set layer = 'school', responsible_id = :p where code = 'C1' returning id",
                p=world.persons["guest"])  # fmt: skip
    world.session.commit()

    act(world, "finish", "guest", task, "by the unit")

    assert row(world, task)["state"] == "done"


# What is shown


def test_filters_and_counts_agree_in_every_state(either: World) -> None:
    names = {"late": {"due": "2025-08-29"}, "planned": {}, "going": {}, "done": {}, "dropped": {}}
    ids = {name: planned(either, name, **fields) for name, fields in names.items()}
    act(either, "report", "lead", ids["going"], "2025-09", "going")
    act(either, "finish", "lead", ids["done"], "x")
    act(either, "drop", "office", ids["dropped"], "x")

    whole = listed(either, "office", year=2025)
    assert whole.counts == dict.fromkeys(("done", "going", "late", "planned", "dropped"), 1)
    for name in names:
        found = listed(either, "office", year=2025, state=name)
        assert ([line.task.title_zh for line in found.lines], found.many) == ([name], 1)
        assert [line.standing for line in found.lines] == [name]
    assert titles(either, "office", year=2025, state="open") == {"late", "planned", "going"}
    assert titles(either, "office", month="2025-12") == {"planned", "going", "done", "dropped"}


def test_lists_are_narrowed_by_year_unit_owner_kind_origin_and_plan(either: World) -> None:
    planned(either, "a", kind="key", origin="superior", lead="section", assisting=("far",))
    planned(either, "b", due="2026-03-02", owner="far_lead", lead="far")

    assert titles(either, "office") == {"a"} and titles(either, "office", year=2026) == {"b"}
    assert titles(either, "office", every=True) == {"a", "b"}
    assert titles(either, "office", every=True, unit=either.units["teaching"]) == {"a"}
    assert titles(either, "office", every=True, unit=either.units["far"]) == {"a", "b"}
    for chosen in ({"owner": either.persons["lead"]}, {"kind": "key"}, {"origin": "superior"}):
        assert titles(either, "office", every=True, **chosen) == {"a"}
    assert titles(either, "office", every=True, plan="added") == {"a", "b"} and not titles(either, "office", plan="x")


def test_the_grid_groups_by_kind_and_one_page_sums_costs_and_risks(world: World) -> None:
    ids = [planned(world, "a", kind="key", cost="100", due="2025-08-01"), planned(world, "b", cost="50", lead="far")]
    act(world, "finish", "office", ids[1], "x")
    office = me(world, "office")

    grid = task_grid.shown(world.session, world.origin("office"), office, Chosen())
    page = task_grid.one_page(world.session, world.origin("office"), office, Chosen())

    assert [(kind, [r.task.title_zh for r in rows]) for kind, rows in grid.groups] == [
        ("key", ["a"]),
        ("routine", ["b"]),
    ]
    assert [(c.unit.code if c.unit else "", c.planned, c.spent) for c in page.costs] == [
        ("section", 100.0, 0.0), ("far", 50.0, 50.0),
    ]  # fmt: skip
    assert (page.total.planned, page.total.spent) == (150.0, 50.0)
    assert [r.task.title_zh for r in page.risks] == ["a"]
    assert grid.progress.made == 0.5


def test_one_page_of_a_cycle_is_there_for_who_sees_the_cycle(world: World) -> None:
    cycle = world.start()
    planned(world, "within", due="2026-01-05")
    planned(world, "elsewhere", due="2026-01-05", lead="far")

    page = task_grid.one_page(world.session, world.origin("head"), me(world, "head"), Chosen(cycle=cycle))

    assert page.title[0] == "cycle" and [r.task.title_zh for r in page.of.rows] == ["within"]
    for login in ("guest", "far_head"):
        with pytest.raises(Missing):
            task_grid.one_page(world.session, world.origin(login), me(world, login), Chosen(cycle=cycle))


# Late ones


def test_a_finished_or_dropped_task_opens_no_warning_and_a_late_one_opens_one(world: World) -> None:
    ids = {name: planned(world, name, due="2025-09-03") for name in ("late", "done", "dropped")}
    world.query("update subject set layer = 'school', code = 'section' where code = 'C1' returning id")
    world.session.commit()
    act(world, "finish", "lead", ids["done"], "x")
    act(world, "drop", "office", ids["dropped"], "x")

    world.tick(world.now + dt.timedelta(days=5))
    world.tick(world.now + dt.timedelta(days=1))

    assert world.query("select task_id, kind, state from warning") == [(ids["late"], "task", "opened")]
    assert [row(world, task)["late_warned"] for task in ids.values()] == [1, 0, 0]


def test_a_late_task_that_was_finished_lets_its_warning_be_closed_by_confirmation(world: World) -> None:
    task = planned(world, due="2025-09-03")
    cycle = world.start(from_stage="implement")
    world.query("update subject set layer = 'school', code = 'section' where code = 'C1' returning id")
    world.session.commit()
    world.tick(world.now + dt.timedelta(days=5))
    found = tasks.one(world.session, world.origin("lead"), me(world, "lead"), task)
    assert found.warning == (f"{cycle}.1", "opened")

    act(world, "finish", "lead", task, "late but whole")
    world.fire(cycle, "acknowledge", "lead", cause="too much at once")
    world.fire(cycle, "correct", "lead", scope="implementation", measure="done now")
    world.fire(cycle, "confirm", "major")

    assert world.query("select state from warning") == [("closed",)]
    assert tasks.one(world.session, world.origin("lead"), me(world, "lead"), task).warning is None
    world.tick(world.now + dt.timedelta(days=10))
    assert world.query("select count(*) from warning") == [(1,)]


def test_a_finish_moved_ahead_lets_the_task_be_warned_of_anew_but_not_while_a_warning_is_open(world: World) -> None:
    task = planned(world, due="2025-09-03")
    world.query("update subject set layer = 'school', code = 'section' where code = 'C1' returning id")
    world.session.commit()
    world.tick(world.now + dt.timedelta(days=5))
    wanted = Wanted(title_zh="Revise the plan", lead=world.units["section"], due="2025-09-10")
    task_acts.change(world.session, world.origin("office"), me(world, "office"), task, wanted)
    assert row(world, task)["late_warned"] == 0

    world.tick(world.now + dt.timedelta(days=7))
    assert world.query("select count(*) from warning") == [(1,)]
    world.query("update warning set state = 'closed' returning id")
    world.session.commit()
    world.tick(world.now + dt.timedelta(days=1))
    assert world.query("select count(*) from warning") == [(2,)]


def test_a_task_that_people_reported_is_theirs_and_files_change_it_no_more(app: Flask) -> None:
    folder = loader.load_folder(packaged.folder_of("xiangyang-auto"))
    world = World(db.session)
    loading.load_college(db.session, world.origin(), folder)
    first = "select id from plan_task where plan = 'table8' and no = 1"
    world.query(f"update plan_task set title_zh = 'ours', loaded = false, due = '2026-03-31' where id = ({first}) "
                "returning id")  # fmt: skip

    loading.renew_college(db.session, world.origin(), folder, True)

    assert world.query(f"select title_zh, due from plan_task where id = ({first})") == [("ours", "2026-03-31")]
