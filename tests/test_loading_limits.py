"""Limits of files beside those of people: a reload changes what the files changed, and never what people set."""

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from test_init import OPERATOR, edit

from qaflow.engine import loader
from qaflow.engine.control import Limits
from qaflow.paths import data_dir
from qaflow.services.auditing import audit
from qaflow.services.college import view
from qaflow.services.definitions import loading
from qaflow.services.files import imports
from qaflow.services.points.limits import LimitBook
from qaflow.services.running import installation
from qaflow.store import db, readings
from qaflow.store.db import Sql, driver

DAY = dt.timedelta(days=1)
LATER = replace(OPERATOR, now=OPERATOR.now + 30 * DAY, recorded=OPERATOR.recorded + 30 * DAY)
AFTER = replace(OPERATOR, now=OPERATOR.now + 60 * DAY, recorded=OPERATOR.recorded + 60 * DAY)
HEAD = "key,layer,name_zh,cadence,direction,target,warn_lower"


class Files:
    """The example college, loaded, with its folder to be changed."""

    def __init__(self, folder: Path) -> None:
        """Load it."""
        self.folder, self.session = folder, db.db.session
        installation.create(self.session, OPERATOR, sandbox=False)
        loading.load_college(self.session, OPERATOR, loader.load_folder(folder))

    def say(self, before: str, after: str) -> None:
        """Change the file of points."""
        edit(self.folder / "points.yaml", before, after)

    def reload(self, origin: Any = LATER) -> dict[str, Any]:
        """Take the files over once more."""
        return loading.renew_college(self.session, origin, loader.load_folder(self.folder), write=True)

    def people(self, warn_lower: float, formula: str = "") -> None:
        """Let people change the point's warning value."""
        text = f"{HEAD},formula\npractice-hours,course,实践课时比例,monthly,higher,50,{warn_lower},{formula}\n"
        imports.run(self.session, OPERATOR, "points", text.encode(), "points.csv")

    def read(self) -> None:
        """Let the point have a reading."""
        unit = driver(self.session).value(Sql("select code from unit order by id"))
        self.session.rollback()
        course = f"layer,code,name,unit\ncourse,c1,焊接,{unit}\n"
        imports.run(self.session, OPERATOR, "subjects", course.encode(), "subjects.csv")
        text = f"point,subject,at,value\npractice-hours,c1,{OPERATOR.now.date()},52\n"
        imports.run(self.session, OPERATOR, "readings", text.encode(), "readings.csv")

    def limits(self, day: dt.datetime) -> Limits:
        """Return the limits of a day."""
        d = driver(self.session)
        calendar = view(self.session, d, 1).calendar
        points = readings.points(d, 1)
        (point,) = [p.id for p in points if p.key == "practice-hours"]
        found = LimitBook(d, 1, points, calendar).on(point, None, day.date()).limits
        self.session.rollback()
        return found

    def told(self) -> dict[str, Any]:
        """Return what the last loading says in the journal."""
        text = "select data from journal where kind = 'CollegeLoaded' order by id desc limit 1"
        found: dict[str, Any] = json.loads(driver(self.session).value(Sql(text)))
        self.session.rollback()
        return found


@pytest.fixture
def files(app: Flask, tmp_path: Path) -> Files:
    """Return the example college."""
    made = Files(Path(shutil.copytree(data_dir("workflows") / "example", tmp_path / "own")))
    assert made.limits(OPERATOR.now).lower == 45
    return made


def test_a_limit_that_only_the_files_changed_is_theirs_without_a_day_while_nothing_was_judged_by_it(
    files: Files,
) -> None:
    files.say("warn_lower: 45", "warn_lower: 40")

    assert [d["what"] for d in files.reload()["differences"]] == ["control_point"]

    assert files.limits(OPERATOR.now).lower == files.limits(LATER.now).lower == 40
    assert files.reload()["differences"] == []


def test_a_limit_that_the_files_change_after_readings_holds_from_that_day(files: Files) -> None:
    files.read()
    files.say("warn_lower: 45", "warn_lower: 40")

    assert {d["what"] for d in files.reload()["differences"]} == {"control_point", "point_limit"}

    assert (files.limits(OPERATOR.now).lower, files.limits(LATER.now).lower) == (45, 40)
    assert files.reload(AFTER)["differences"] == []
    files.say("warn_lower: 40", "warn_lower: 42")
    files.reload(AFTER)
    assert [files.limits(o.now).lower for o in (OPERATOR, LATER, AFTER)] == [45, 40, 42]
    assert audit.verify(files.session)["verified"]


def test_a_limit_that_people_set_stands_and_the_reload_says_so(files: Files) -> None:
    files.people(47)
    files.say("warn_lower: 45", "warn_lower: 40")

    assert files.reload()["people"] == ["limits practice-hours"]

    assert files.told()["people"] == ["limits practice-hours"]
    assert files.limits(LATER.now).lower == 47
    again = files.reload(AFTER)
    assert (again["differences"], again["people"]) == ([], [])


def test_files_that_say_what_people_set_keep_nothing_from_anybody(files: Files) -> None:
    files.people(47)
    files.say("warn_lower: 45", "warn_lower: 47")

    assert files.reload()["people"] == []
    assert files.limits(LATER.now).lower == 47


def test_alarms_and_formulas_of_files_are_taken_and_people_s_formula_stands(files: Files) -> None:
    files.say("    warn_lower: 45", "    warn_lower: 45\n    alarm_lower: 30")
    derived = (
        "  - {key: both, layer: course, name: {zh: 合, en: Both}, measures: {zh: 合, en: Both}, cadence: monthly,\n"
        '     direction: higher, target: 50, warn_lower: 45, formula: "sum(practice-hours, practice-hours)"}\n'
    )
    file = files.folder / "points.yaml"
    file.write_text(file.read_text(encoding="utf-8").rstrip() + "\n" + derived, encoding="utf-8")
    files.reload()
    assert files.limits(LATER.now).alarm_lower == 30
    text = f"{HEAD},formula\nboth,course,合,monthly,higher,50,45,\"mean(practice-hours, practice-hours)\"\n"
    imports.run(files.session, LATER, "points", text.encode(), "points.csv")
    files.say("sum(practice-hours, practice-hours)", "difference(practice-hours, practice-hours)")

    assert files.reload(AFTER)["people"] == ["formula both"]

    stands = driver(files.session).value(Sql("select formula from control_point where key = 'both'"))
    assert json.loads(stands)["op"] == "mean"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("alarm_lower: 46", "point.limits"),  # within the warning value
        ("alarm_upper: 90", "point.limits"),  # no upper warning value
        ("formula: mean(practice-hours", "formula.invalid"),
        ("formula: \"sum(other, practice-hours)\"", "ref.unknown_point"),
        ("formula: \"sum(practice-hours, practice-hours)\"", "formula.circle"),
        ("formula: 3", "type.expected_string"),
    ],
)
def test_what_files_may_not_say_is_told_with_its_place(tmp_path: Path, lines: str, code: str) -> None:
    own = Path(shutil.copytree(data_dir("workflows") / "example", tmp_path / "own"))
    edit(own / "points.yaml", "    warn_lower: 45", f"    warn_lower: 45\n    {lines}")

    found = [f for f in loader.load_folder(own).faults if f.severity == "error"]

    assert code in {f.code for f in found}
    assert {Path(f.file).name for f in found} == {"points.yaml"} and all(f.line > 20 for f in found)
