"""Notices of quality incidents and tasks of the year: who is told, and whether it is still theirs when it is sent."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from asking import who
from flask import Flask
from posting import HOUR, Box, signed, tick
from tasking import act, me, planned

from qaflow import testing
from qaflow.services.files import imports
from qaflow.services.notices import choices as notice_choices
from qaflow.services.running import doctor
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks import fields as task_fields
from qaflow.services.voices import incidents
from qaflow.services.voices.incidents import Grading, Report
from qaflow.store.db import db
from qaflow.store.telling import Choice
from qaflow.testing import World

MORNING = testing.MONDAY + 23 * HOUR  # Tuesday 08:00 in Shanghai: the digest after the world's first day


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college whose first digest has left."""
    world = World(db.session)
    tick(world, testing.MONDAY, Box())
    return world


@pytest.fixture
def box() -> Box:
    """Return everybody's mailbox."""
    return Box()


def answers(world: World, login: str, unit: str = "section", code: str = "X1") -> None:
    """Let somebody answer for the own work of a unit."""
    world.course(code, unit, login)
    world.query("update subject set layer = 'school' where code = :c returning id", c=code)
    world.session.commit()


def change(world: World, task: int, by: str = "office", **fields: Any) -> None:
    """Change a task from what its form holds."""
    at = world.origin(by), me(world, by)
    standing = task_fields.standing(world.session, *at, task)
    task_acts.change(world.session, *at, task, replace(standing, **fields))


def told(world: World) -> list[tuple[str, str]]:
    """Return (fact, login) of the notices of tasks, oldest first."""
    return world.query("select o.kind, p.login from outbox o join person p on p.id = o.person_id where o.payload like "
                       "'%\"tasks\"%' order by o.id")  # fmt: skip


def lines(box: Box, login: str) -> list[str]:
    """Return the lines of the messages that somebody got."""
    return [line for one in box.of[login] for line in one.body.splitlines() if line.startswith("- ")]


def taken(world: World, text: str, dry: bool = False) -> dict[str, Any]:
    """Take a file of tasks as the office."""
    return imports.run(world.session, world.origin("office"), "tasks", text.encode(), "t.csv", college="tiny",
                       dry_run=dry)  # fmt: skip


# Quality incidents


def graded(world: World, handler: str, number: int = 0) -> int:
    """Let lead report an incident of the section and the office give it to a handler, or give one to another."""
    if not number:
        said = Report(title="t", account="a", category="teaching", unit=world.units["section"],
                      occurred_on=dt.date(2025, 9, 1))  # fmt: skip
        number = incidents.report(world.session, world.origin("lead"), who(world, "lead"), said)
    version = world.query("select version from quality_incident where id = :n", n=number)[0][0]
    given = Grading(category="teaching", grade="serious", handler=handler)
    incidents.grade(world.session, world.origin("office"), who(world, "office"), number, version, given)
    return number


def test_whoever_handles_an_incident_no_more_when_the_digest_leaves_is_not_told_of_it(world: World, box: Box) -> None:
    graded(world, "guest", graded(world, "far_lead"))

    tick(world, MORNING, box)

    assert lines(box, "guest") == ["- 质量事故 1：请处理：https://qa.example.edu.cn/incidents"]
    assert lines(box, "far_lead") == []
    states = dict(world.query("select p.login, o.state from outbox o join person p on p.id = o.person_id where "
                              "o.kind = 'IncidentGraded'"))  # fmt: skip
    assert states == {"guest": "sent", "far_lead": "dropped"}


def test_of_an_incident_that_was_handled_the_office_hears_only_while_it_is_the_office(world: World, box: Box) -> None:
    number = graded(world, "major")
    incidents.say(world.session, world.origin("major"), who(world, "major"), number, 2, "handle", "done")
    world.person("new", "quality_office")
    world.vacate("office")

    tick(world, MORNING, box)

    assert lines(box, "office") == []


def test_a_reporter_without_any_role_hears_of_the_answer(world: World, box: Box) -> None:
    number = graded(world, "major")
    incidents.say(world.session, world.origin("major"), who(world, "major"), number, 2, "handle", "done")
    incidents.say(world.session, world.origin("office"), who(world, "office"), number, 3, "answer", "sorry")

    tick(world, MORNING, box)

    assert [line for line in lines(box, "lead") if "质量事故 1：已答复" in line]


def test_a_deputy_in_one_role_alone_hears_nothing_of_an_incident_and_one_for_all_does(world: World, box: Box) -> None:
    world.deputy("major", "deputy", role="major_leader")
    world.deputy("major", "new")
    graded(world, "major")

    tick(world, MORNING, box)

    assert (len(lines(box, "major")), len(lines(box, "new")), lines(box, "deputy")) == (1, 1, [])


# Tasks of the year


def test_owner_and_who_answers_for_lead_and_assisting_units_hear_of_a_task_given_to_them(
    world: World, box: Box
) -> None:
    answers(world, "guest", "section", "X1")
    answers(world, "far_lead", "far", "X2")
    task = planned(world, assisting=("far",))

    assert told(world) == [("TaskAdded", login) for login in sorted(("lead", "guest", "far_lead"),
                                                                    key=world.persons.__getitem__)]  # fmt: skip
    assert world.within(doctor.covered) == []
    tick(world, MORNING, box)
    for login in ("lead", "guest", "far_lead"):
        assert f"- 年度任务 1：交给您：https://qa.example.edu.cn/tasks/{task}" in lines(box, login), login


def test_nobody_hears_of_what_they_gave_to_themselves_or_of_a_change_that_gives_nothing(world: World) -> None:
    task = planned(world, owner="office", by="office")
    change(world, task, title_zh="Otherwise", due="2025-12-20")

    assert told(world) == []


def test_a_task_that_passes_on_is_told_to_the_new_owner_alone(world: World, box: Box) -> None:
    task = planned(world)
    change(world, task, owner="guest")

    assert told(world) == [("TaskAdded", "lead"), ("TaskChanged", "guest")]
    tick(world, MORNING, box)
    assert len(lines(box, "guest")) == 1
    assert [line for line in lines(box, "lead") if "年度任务" in line] == []  # it was theirs for an hour


def test_whose_unit_comes_to_lead_or_assist_hears_and_whose_did_already_does_not(world: World) -> None:
    answers(world, "guest", "section", "X1")
    answers(world, "far_lead", "far", "X2")
    task = planned(world, owner="")
    change(world, task, assisting=(world.units["far"],))
    change(world, task, lead=world.units["far"], assisting=(world.units["section"],))

    assert told(world) == [("TaskAdded", "guest"), ("TaskChanged", "far_lead"), *(
        ("TaskChanged", login) for login in sorted(("guest", "far_lead"), key=world.persons.__getitem__))]  # fmt: skip


@pytest.mark.parametrize(("what", "by"), [("finish", "lead"), ("drop", "office")])
def test_of_a_task_that_is_closed_before_the_digest_nobody_is_told(world: World, box: Box, what: str, by: str) -> None:
    act(world, what, by, planned(world), "said")

    tick(world, MORNING, box)

    assert [line for line in lines(box, "lead") if "年度任务" in line] == []


def test_a_deputy_hears_of_the_task_as_well_and_the_words_follow_the_language(world: World, box: Box) -> None:
    world.deputy("lead", "deputy")
    world.query("update person set language = 'en' where login = 'lead' returning id")
    world.session.commit()
    task = planned(world)

    tick(world, MORNING, box)

    assert f"- task of the year 1: given to you: https://qa.example.edu.cn/tasks/{task}" in lines(box, "lead")
    assert [line for line in lines(box, "deputy") if "年度任务 1：交给您（代 lead）" in line]


def test_the_topic_can_be_told_at_once_and_the_message_says_why_it_came(world: World, box: Box) -> None:
    choice = Choice(True, None, 8)
    notice_choices.choose(db.session, world.origin("guest"), signed(world, "guest"), choice, {"task": "urgent"})
    planned(world, owner="guest")

    tick(world, testing.MONDAY + HOUR, box)

    (mail,) = box.of["guest"]
    number = int(mail.why.rpartition("/")[2])
    why = notice_choices.why(db.session, world.origin("guest"), signed(world, "guest"), number)
    assert [(one.topic, one.kind, one.cycle) for one in why.reasons] == [("task", "TaskAdded", None)]


FILE = "no,title_zh,owner,due\n1,任务1,lead,2025-12-01\n" + "".join(
    f"{n},任务{n},guest,2025-12-01\n" for n in range(2, 301)
)


def test_a_file_of_300_tasks_is_one_line_in_the_digest_whatever_one_chose(world: World, box: Box) -> None:
    choice = Choice(True, None, 8)
    notice_choices.choose(db.session, world.origin("guest"), signed(world, "guest"), choice, {"task": "urgent"})
    assert taken(world, FILE, dry=True)["new"] == 300 and told(world) == []
    taken(world, FILE)
    (task,) = world.query("select id from plan_task where no = 2")[0]
    change(world, task, owner="lead")

    tick(world, testing.MONDAY + HOUR, box)
    assert box.taken() == {}
    tick(world, MORNING, box)

    assert lines(box, "guest") == ["- 年度任务 298 项：交给您：https://qa.example.edu.cn/tasks"]
    assert len(box.of["guest"]) == 1 and world.within(doctor.covered) == []


def test_the_same_file_again_tells_nobody_and_another_owner_in_it_is_told(world: World) -> None:
    text = FILE.splitlines(keepends=True)
    taken(world, "".join(text[:4]))
    taken(world, "".join(text[:4]))
    assert told(world) == [("FileImported", login) for login in sorted(("lead", "guest"),
                                                                       key=world.persons.__getitem__)]  # fmt: skip

    taken(world, "no,title_zh,owner\n1,任务1,diag\n")

    assert told(world)[2:] == [("FileImported", "diag")]
    (payload,) = world.query("select payload from outbox order by id desc limit 1")[0:1][0]
    assert json.loads(payload)["tasks"] == [world.query("select id from plan_task where no = 1")[0][0]]


def test_the_doctor_misses_the_notice_of_a_task(world: World) -> None:
    planned(world)
    world.query("delete from outbox where kind = 'TaskAdded' returning id")

    (missing,) = world.within(doctor.covered)
    assert "(TaskAdded) has no notice to person" in str(missing)
