"""The tiny college with what the overview, the portraits and the comparisons show: goals, readings, warnings, tasks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from qaflow.engine.definition import NEUTRAL_STAGES, Deadline
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession
from qaflow.store.db import Driver, utc
from qaflow.testing import CARRIED, NOTE, World, spiral, stage

GOAL = ("college_id", "source", "layer", "key", "text_zh", "text_en", "unit_codes", "body", "direction",
        "target", "starts", "ends", "subject_id", "point_id", "attained", "owner_unit_id", "owner_id")  # fmt: skip
TASK = ("college_id", "plan", "no", "title_zh", "title_en", "departments", "owner_unit_id", "task_kind", "origin",
        "due", "recurs", "state", "late_warned", "body", "year", "owner_id", "loaded", "version")  # fmt: skip
READING = ("college_id", "point_id", "subject_id", "at", "value", "source", "version", "batch_id")
SHARE = 0.1  # of the year, for each stage
TERMS = (("2024-spring", "2025-02-17", "2025-07-13"), ("2025-autumn", "2025-09-01", "2026-01-18"))


def me(world: World, login: str) -> SignedIn:
    """Return somebody as signed in."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def terms(world: World) -> None:
    """Write the college's terms."""
    rows = [(world.college, key, key, key, first, last) for key, first, last in TERMS]
    columns = ("college_id", "key", "name_zh", "name_en", "starts", "ends")
    world.within(lambda d: d.insert_rows("term", columns, rows))
    world.query("update college set config_no = config_no + 1 where id = :c returning id", c=world.college)


def goal(world: World, key: str, subject: str | None = None, point: str | None = None, **more: Any) -> None:
    """Write a goal of a course, or of the whole layer."""
    values = {
        "college_id": world.college, "source": "entered", "layer": "course", "key": key, "text_zh": f"goal {key}",
        "text_en": f"goal {key}", "unit_codes": "[]", "body": "{}", "direction": "higher", "target": 50.0,
        "starts": "2025-09-01", "ends": "2026-08-31", "subject_id": world.subjects.get(subject or ""),
        "point_id": world.points.get(point or ""), "attained": None, "owner_unit_id": None, "owner_id": None,
    } | more  # fmt: skip
    world.within(lambda d: d.insert_rows("goal", GOAL, [tuple(values[name] for name in GOAL)]))


def task(world: World, no: int, unit: str, state: str, due: str | None, login: str | None = None, kind: str = "key",
         year: int | None = 2025) -> None:  # fmt: skip
    """Write a task of a plan."""
    row = (world.college, "year", no, f"task {no}", f"task {no}", "[]", world.units[unit], kind, "plan", due, False,
           state, False, "{}", year, world.persons.get(login or ""), False, 1)  # fmt: skip
    world.within(lambda d: d.insert_rows("plan_task", TASK, [row]))


def reading(world: World, subject: str, value: float, days: int = 0, point: str = "hours", version: int = 1) -> None:
    """Store one reading, taken so many days before now, without looking at its limits."""

    def body(driver: Driver) -> None:
        (batch,) = driver.reserve("batch", 1)
        columns = ("id", "college_id", "digest", "rows", "accepted_at", "by")
        driver.insert_rows("batch", columns, [(batch, world.college, f"d{batch}", 1, utc(world.now), 1)])
        row = (world.college, world.points[point], world.subjects[subject], utc(world.now - timedelta(days=days)),
               value, "test", version, batch)  # fmt: skip
        driver.insert_rows("reading", READING, [row])

    world.within(body)


def made(session: AnySession) -> World:
    """Return the tiny college with everything in it, its stages due one after another through the year."""
    stages = [replace(stage(key, form=(NOTE, CARRIED)), deadline=Deadline(share=SHARE * (n + 1)))
              for n, key in enumerate(NEUTRAL_STAGES)]  # fmt: skip
    world = World(session, spiral(stages=stages))
    peopled(world)
    return world


def peopled(world: World) -> None:
    """Fill the college: courses near and far, cycles running, late and closed, warnings open and settled, the rest."""
    terms(world)
    world.courses([f"N{n}" for n in range(5)], "section", "lead")
    world.courses([f"F{n}" for n in range(4)], "far", "far_lead")
    world.point()
    for code, value in (("N0", 60), ("N1", 52), ("N2", 41), ("F0", 70), ("F1", 10)):
        goal(world, f"of {code}", code, "hours")
        reading(world, code, value, days=3)
    reading(world, "N0", 30, days=9)
    goal(world, "stated", "N3", attained=51.0)
    goal(world, "unsaid", "N4")
    goal(world, "over", "F2", starts="2025-03-01", ends="2025-06-30", attained=80.0)
    goal(world, "missed", "N3", starts="2025-03-01", ends="2025-06-30", attained=20.0)
    goal(world, "ahead", "N3", starts="2026-03-01", attained=20.0)
    goal(world, "of the layer", attained=10.0)
    goal(world, "of the unit", attained=10.0, owner_unit_id=world.units["section"])
    goal(world, "of a person", attained=10.0, owner_id=world.persons["far_lead"])
    for code in ("N0", "N1", "N2", "F0", "F1", "F2", "C1"):
        world.start(code)
    for no, (unit, state, due) in enumerate([
        ("section", "done", "2025-09-01"), ("section", "going", "2025-12-01"), ("teaching", "planned", "2025-09-02"),
        ("far", "planned", None), ("far", "done", "2026-06-01"), ("far", "planned", "2026-03-01"),
    ], 1):  # fmt: skip
        task(world, no, unit, state, due, kind=("key", "routine", "ad_hoc")[no % 3])
    task(world, 7, "far", "planned", "2026-05-01", login="lead")
    task(world, 8, "section", "done", "2024-10-01", year=2024)
    task(world, 9, "section", "planned", "2025-11-11", year=None)
    for code, value in (("N0", 44), ("N1", 10), ("F0", 30), ("N4", 20)):
        world.later(1)
        world.read(value, course=code)
    settled(world, "F3", "far_lead", "far_major")
    cycle = world.start("N3")
    world.reach(cycle, "improve")
    world.pass_stage(cycle)
    world.later(40)


def settled(world: World, course: str, lead: str, major: str) -> None:
    """Let a course's reading breach its limit, and its warning be corrected and closed by a reading that returns."""
    cycle = world.start(course)
    for key in NEUTRAL_STAGES[: NEUTRAL_STAGES.index("implement")]:
        assert key == world.state(cycle)["stage"]
        world.fire(cycle, "submit", lead, content={"note": "done"})
        world.fire(cycle, "approve", major)
    world.read(30, course=course)
    world.later(1)
    (warning,) = (w["id"] for w in world.state(cycle)["warnings"])
    world.fire(cycle, "acknowledge", lead, warning=warning, cause="too few hours")
    world.fire(cycle, "correct", lead, warning=warning, scope="implementation", measure=f"more hours in {course}")
    world.fire(cycle, "confirm", major, warning=warning)
    for value in (61, 62, 63):
        world.later(1)
        world.read(value, course=course)
