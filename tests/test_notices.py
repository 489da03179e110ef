"""Notices as people get them: one digest a working day at their hour, urgent ones at once, by their own choice."""

from dataclasses import replace

import pytest
from flask import Flask
from posting import DAY, EIGHT, HOUR, Box, signed, tick

from qaflow import testing
from qaflow.engine.definition import Deadline, NoticeRule
from qaflow.errors import Invalid, Missing
from qaflow.services.notices import choices as notice_choices
from qaflow.services.running import doctor
from qaflow.store.db import db, utc
from qaflow.store.telling import Choice


def running(world: testing.World) -> int:
    """Return the cycle of lead's course that the first sweep started."""
    number: int = world.query("select min(id) from cycle where responsible_id = :p", p=world.persons["lead"])[0][0]
    return number


def choose(world: testing.World, login: str, hour: int = 8, mail: bool = True, **hows: str) -> None:
    """Let somebody choose."""
    choice = Choice(mail, f"{login}@example.edu.cn", hour)
    notice_choices.choose(db.session, world.origin(login), signed(world, login), choice, hows)


def late(count: int = 2) -> testing.World:
    """Return a college whose courses, all of one person, are overdue from Saturday 6 September on."""
    form = testing.spiral(stages=(testing.stage("goal", deadline=Deadline(date="09-05")), testing.stage("improve")))
    world = testing.World(db.session, form)
    world.courses([f"S{n}" for n in range(count - 1)], "section", "lead")
    world.tick(testing.MONDAY)
    return world


def test_500_overdue_items_are_one_message_and_stay_in_each_days_digest_until_done(app: Flask) -> None:
    world, box = late(500), Box()
    for hours in range(-70, 24 * 4):  # from Friday morning to Friday morning
        tick(world, EIGHT + hours * HOUR, box)

    mails = box.of["lead"]
    assert [str(one.at) for one in mails] == [str(EIGHT + n * DAY) for n in range(4)]
    assert all("500 项逾期" in one.subject and "您有 500 项" in one.body for one in mails)
    assert all("https://qa.example.edu.cn/inbox" in one.body and one.why in one.html for one in mails)
    assert len({one.key for one in mails}) == 4

    world.query("update work_item set state = 'done' where holder_id = :p returning id", p=world.persons["lead"])
    box.taken()
    tick(world, EIGHT + 7 * DAY, box)
    assert "lead" not in box.taken()


def test_nothing_leaves_at_night_or_on_a_weekend_and_the_morning_makes_it_good(app: Flask) -> None:
    world, box = late(), Box()
    tick(world, EIGHT - 3 * DAY, box)  # Friday: the digest's slot begins
    world.now = EIGHT - 3 * DAY + 13 * HOUR  # 21:00
    cycle = running(world)
    world.fire(cycle, "remind", "office", item="1")
    box.taken()
    for hours in range(13, 70):
        tick(world, EIGHT - 3 * DAY + hours * HOUR, box)
    assert box.taken() == {}

    tick(world, EIGHT - HOUR, box)  # Monday 07:00: the urgent one
    assert box.taken() == {"lead": 1}
    tick(world, EIGHT, box)
    assert box.taken()["lead"] == 1  # and the digest at their hour


def test_urgent_at_once_others_at_the_persons_own_hour(app: Flask) -> None:
    world, box = testing.World(db.session), Box()
    choose(world, "major", hour=16)
    tick(world, testing.MONDAY, box)
    cycle = running(world)
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "warn", "diag", reason="seen")

    tick(world, testing.MONDAY + HOUR, box)
    assert box.taken() == {"lead": 1}  # the warning
    for hours in range(2, 24 * 2):
        tick(world, testing.MONDAY + hours * HOUR, box)
    first = box.of["major@example.edu.cn"]
    assert [one.at for one in first] == [testing.MONDAY + 7 * HOUR]
    assert "待审批" in first[0].body and f"/cycles/{cycle}" in first[0].body


def test_what_is_turned_off_is_not_told_and_what_is_owed_cannot_be(app: Flask) -> None:
    world, box = testing.World(db.session), Box()
    choose(world, "office", copy="off")
    cycle = world.start("C1")
    world.fire(cycle, "copy", "lead", to=world.persons["office"])
    tick(world, testing.MONDAY + HOUR, box)

    assert "office@example.edu.cn" not in box.taken()
    assert world.query("select state from outbox where kind = 'CopySent'") == [("dropped",)]
    with pytest.raises(Invalid, match="not allowed"):
        choose(world, "lead", warning="off")
    choose(world, "lead", mail=False)
    world.fire(cycle, "warn", "diag", reason="seen")
    tick(world, testing.MONDAY + 2 * HOUR, box)
    assert box.taken() == {}


def test_a_definition_says_what_is_told_how_and_to_whom_beside(app: Flask) -> None:
    rules = (NoticeRule(what="warning", how="digest", allow=("digest",), also=("supervisor",)),
             NoticeRule(what="decision", how="urgent"))  # fmt: skip
    world, box = testing.World(db.session, replace(testing.spiral(), notices=rules)), Box()
    tick(world, testing.MONDAY, box)
    cycle = running(world)
    world.fire(cycle, "submit", "lead", content={})
    world.fire(cycle, "warn", "diag", reason="seen")

    tick(world, testing.MONDAY + HOUR, box)
    assert box.taken() == {"major": 1}
    tick(world, testing.MONDAY + 23 * HOUR, box)
    assert box.taken() == {"lead": 1, "head": 1}


def test_a_deputy_is_told_as_well_but_not_of_their_own_act(app: Flask) -> None:
    world, box = testing.World(db.session), Box()
    tick(world, testing.MONDAY, box)
    world.deputy("lead", "deputy")
    cycle = running(world)
    world.fire(cycle, "warn", "diag", reason="seen")
    tick(world, testing.MONDAY + HOUR, box)
    assert "（代 lead）" in box.of["deputy"][0].body
    assert box.taken() == {"lead": 1, "deputy": 1}

    world.fire(cycle, "remind", "deputy", item="1")  # by the deputy: the holder hears of it alone
    tick(world, testing.MONDAY + 2 * HOUR, box)
    assert box.taken() == {"lead": 1}


def test_who_is_told_and_what_they_may_see_is_reckoned_when_it_is_sent(app: Flask) -> None:
    world, box = testing.World(db.session), Box()
    tick(world, testing.MONDAY, box)
    cycle = running(world)
    world.fire(cycle, "copy", "lead", to=world.persons["vp"])
    world.vacate("vp")
    tick(world, testing.MONDAY + 23 * HOUR, box)

    assert "vp" not in box.taken()
    assert world.query("select state from outbox where kind = 'CopySent'") == [("dropped",)]


def test_a_message_tells_its_reader_alone_why_it_came(app: Flask) -> None:
    world, box = testing.World(db.session), Box()
    cycle = world.start("C1")
    world.fire(cycle, "warn", "diag", reason="seen")
    tick(world, testing.MONDAY + HOUR, box)
    number = int(box.of["lead"][0].why.rpartition("/")[2])

    found = notice_choices.why(db.session, world.origin("lead"), signed(world, "lead"), number)

    assert [(one.topic, one.cycle) for one in found.reasons if one.kind == "WarningOpened"] == [("warning", cycle)]
    with pytest.raises(Missing):
        notice_choices.why(db.session, world.origin("major"), signed(world, "major"), number)


def test_who_changes_the_hour_in_the_day_gets_no_second_digest(app: Flask) -> None:
    world, box = late(), Box()
    tick(world, EIGHT, box)
    world.now = EIGHT + HOUR
    choose(world, "lead", hour=15)
    for hours in range(1, 12):
        tick(world, EIGHT + hours * HOUR, box)

    assert box.taken()["lead"] == 1
    tick(world, EIGHT + DAY + 7 * HOUR, box)
    assert box.taken()["lead@example.edu.cn"] == 1


def test_doctor_finds_nothing_amiss_after_deputies_and_others_were_told(app: Flask) -> None:
    world, box = late(), Box()
    world.deputy("lead", "deputy")
    cycle = running(world)
    world.fire(cycle, "warn", "diag", reason="seen")
    tick(world, EIGHT, box)

    assert world.within(doctor.covered) == []
    kept = world.query("select distinct state from message")
    assert kept == [("sent",)] and utc(EIGHT) == world.query("select max(sent_at) from message")[0][0]
