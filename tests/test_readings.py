"""Readings: limits of their day, corrections, derived values, one warning each; and a model beside it all."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import badbooks
import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from qaflow.documents.workbooks import XlsxWorkbooks
from qaflow.engine.control import Limits
from qaflow.errors import Forbidden, Invalid, QaflowError, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.auditing import audit
from qaflow.services.files import imports
from qaflow.services.points import (
    breaches,
    monitoring,
)
from qaflow.services.points import (
    edits as point_limits,
)
from qaflow.services.points import (
    files as point_files,
)
from qaflow.services.points import (
    listing as points,
)
from qaflow.services.points import (
    readings as point_readings,
)
from qaflow.services.points.edits import NewLimit
from qaflow.store.db import db
from qaflow.testing import World

CYCLE = 1
HOURS = ("point", "subject", "at", "value", "source", "reason")


@pytest.fixture
def world(store_app: Flask) -> Iterator[World]:
    """Return the tiny college with a point (45 or more is right) and a cycle, on each database; its journal proves."""
    made = World(db.session)
    made.point()
    made.start()
    yield made
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


def me(world: World, login: str) -> SignedIn:
    """Return a person at a browser."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def set_limit(world: World, login: str = "office", days: int = 1, lower: float = 60, subject: str = "",
              version: int = 1, **more: Any) -> int:  # fmt: skip
    """Set the lower warning value of the point from so many days on."""
    limits = Limits(direction="higher", target=more.pop("target", 70), lower=lower, **more)
    day = world.now.date() + dt.timedelta(days=days)
    wanted = NewLimit(limits=limits, valid_from=day, reason="the plan", subject=subject, version=version)
    return point_limits.set_limit(db.session, world.origin(login), me(world, login), world.points["hours"], wanted)


def take(world: World, *rows: tuple[Any, ...], **options: Any) -> dict[str, Any]:
    """Import readings from a workbook."""
    data = badbooks.xlsx([HOURS, *rows])
    return imports.run(db.session, options.pop("origin", world.origin()), "readings", data, "r.xlsx", **options)


def stored(world: World) -> list[tuple[Any, ...]]:
    """Return the readings as they stand, with their versions."""
    return world.query("select value, version, source from reading order by at, id")


def opened(world: World) -> dict[str, Any]:
    """Return the fact by which the last warning was opened."""
    return [data for kind, data in world.history(CYCLE) if kind == "WarningOpened"][-1]


def nothing(world: World) -> tuple[Any, ...]:
    """Return what a refusal must not change."""
    names = ("reading", "batch", "warning", "control_point", "point_limit", "content", "college", "work_item")
    return tuple(world.query(f"select * from {name} order by 1") for name in names)


# Limits


def test_a_changed_limit_does_not_rewrite_the_past_and_the_fact_names_what_judged(world: World) -> None:
    number = set_limit(world, days=1)
    world.read(50)
    before = world.query("select id from warning")
    world.later(2)
    world.read(50)

    fact = opened(world)
    assert before == []
    assert (fact["warning"]["limit_id"], fact["warning"]["limit"]) == (number, "≥ 60")
    assert (fact["version"], fact["damping"]) == (1, 3)
    ((reading,),) = world.query("select reading_id from warning")
    assert fact["warning"]["reading"] == reading
    assert world.query("select limit_id from warning") == [(number,)]


def test_a_late_reading_of_an_earlier_day_is_judged_by_the_limits_of_that_day(world: World) -> None:
    set_limit(world, days=1)
    yesterday = world.now
    world.later(3)

    one = monitoring.NewReading("hours", "course", "C1", yesterday, 50.0, "test")
    monitoring.accept(db.session, world.origin(), world.college, [one])

    assert world.query("select id from warning") == []


def test_a_subjects_own_limits_go_before_those_of_the_layer(world: World) -> None:
    world.course("C2", "section", "lead")
    set_limit(world, days=0, lower=60)
    set_limit(world, days=0, lower=30, subject="C1", version=2)

    world.read(50)
    world.read(50, course="C2")

    assert world.query("select s.code from warning w join subject s on s.id = w.subject_id") == [("C2",)]


def test_beyond_the_alarm_value_a_breach_is_major_and_a_joined_one_raises_the_warning(world: World) -> None:
    set_limit(world, days=0, lower=60, alarm_lower=20)
    seen = []
    for value in (21, 19, 21):
        world.read(value)
        seen += world.query("select severity from warning")
        world.later(1)

    assert seen == [("minor",), ("major",), ("major",)]
    assert world.kinds(CYCLE).count("WarningJoined") == 1


@pytest.mark.parametrize(("change", "code"), [
    ({"days": -1}, "limit.past"),
    ({"lower": 80}, "point.limits"),
    ({"alarm_lower": 61}, "point.limits"),
    ({"lower": float("nan")}, "number.not_finite"),
    ({"subject": "C99"}, "ref.unknown_subject"),
    ({"version": 2}, "version.stale"),
])  # fmt: skip
def test_limits_that_do_not_fit_are_refused_and_nothing_changes(
    world: World, change: dict[str, Any], code: str
) -> None:
    before = nothing(world)

    with pytest.raises(QaflowError) as told:
        set_limit(world, **change)

    assert (told.value.code, nothing(world)) == (code, before)


def test_only_the_office_sets_limits(world: World) -> None:
    for login in ("lead", "head", "admin", "diag"):
        with pytest.raises(Forbidden):
            set_limit(world, login)
    assert set_limit(world, "qhead") > 0


# One warning


def test_a_hundred_readings_that_waver_about_a_limit_open_one_warning(world: World) -> None:
    for n in range(100):
        world.now += dt.timedelta(hours=1)
        world.read(44 if n % 2 == 0 else 46)

    assert world.kinds(CYCLE).count("WarningOpened") == 1
    assert world.query("select state, breached from warning") == [("opened", True)]


def test_a_reading_older_than_the_newest_does_not_count_as_back(world: World) -> None:
    old = world.now
    world.later(5)
    world.read(40)
    late = [monitoring.NewReading("hours", "course", "C1", old + dt.timedelta(hours=n), 50.0, "late") for n in range(3)]
    monitoring.accept(db.session, world.origin(), world.college, late)

    assert world.query("select breached, inside from warning") == [(True, 0)]


def test_a_graver_breach_without_a_cycle_raises_the_warning_in_the_colleges_stream(world: World) -> None:
    world.course("C2", "section", "lead")
    for value in (44, 10, 50, 50, 50):
        world.read(value, course="C2")
        world.later(1)

    kinds = [k for (k,) in world.query("select kind from journal where stream = 'college:tiny' order by seq")]
    assert [k for k in kinds if "Warning" in k or "Returned" in k] == ["WarningOpened", "WarningJoined",
                                                                       "ReadingReturned"]  # fmt: skip
    assert world.query("select severity, breached from warning") == [("major", False)]


# Corrections


def test_a_correction_is_a_later_version_with_its_reason_and_the_first_stays(world: World) -> None:
    take(world, ("hours", "C1", "2025-09-01 08:00", 40, "jw"))

    report = take(world, ("hours", "C1", "2025-09-01 08:00", 48, "jw", "typed wrongly"))

    assert (report["new"], report["updated"], stored(world)) == (0, 1, [(40.0, 1, "jw"), (48.0, 2, "jw")])
    ((replaces, first),) = world.query("select b.replaces, a.id from reading a join reading b on b.version = 2 "
                                       "where a.version = 1")  # fmt: skip
    assert replaces == first
    text = "select c.bytes from reading r join content c on c.hash = r.reason"
    assert [bytes(kept).decode() for (kept,) in world.query(text)] == ["typed wrongly"]


def test_a_correction_to_within_the_limits_takes_the_breach_back_at_once(world: World) -> None:
    take(world, ("hours", "C1", "2025-09-01 08:00", 40, "jw"))
    take(world, ("hours", "C1", "2025-09-01 08:00", 48, "jw", "typed wrongly"))

    assert world.query("select state, breached from warning") == [("opened", False)]
    returned = [data for kind, data in world.history(CYCLE) if kind == "ReadingReturned"]
    assert [(data["version"], data["damping"]) for data in returned] == [(2, 3)]


def test_a_correction_of_one_of_two_breaches_leaves_the_warning_outside(world: World) -> None:
    take(world, ("hours", "C1", "2025-09-01 07:00", 40, "jw"), ("hours", "C1", "2025-09-01 08:00", 39, "jw"))
    take(world, ("hours", "C1", "2025-09-01 08:00", 48, "jw", "typed wrongly"))

    assert world.query("select breached, inside from warning") == [(True, 1)]


def test_a_correction_to_beyond_a_limit_opens_a_warning(world: World) -> None:
    take(world, ("hours", "C1", "2025-09-01 08:00", 50, "jw"))
    take(world, ("hours", "C1", "2025-09-01 08:00", 40, "jw", "counted anew"))

    assert opened(world)["version"] == 2


def test_the_same_file_twice_changes_nothing_and_another_value_needs_its_reason(world: World) -> None:
    rows = [("hours", "C1", "2025-09-01 08:00", 50, "jw"), ("hours", "C1", "2025-09-01 08:00", 50, "kw")]
    take(world, *rows)
    before = nothing(world)

    assert take(world, *rows)["unchanged"] == 2
    with pytest.raises(Invalid) as told:
        take(world, ("hours", "C1", "2025-09-01 08:00", 51, "kw"))

    assert (told.value.code, told.value.errors[0]["at"]) == ("reading.differs", "r.xlsx:Sheet1!D2")  # type: ignore[index]
    assert nothing(world) == before


@pytest.mark.parametrize(("row", "code", "cell"), [
    (("hours2", "C1", "2025-09-01", 50), "ref.unknown_point", "A2"),
    (("hours", "C99", "2025-09-01", 50), "ref.unknown_subject", "B2"),
    (("hours", "C1", "2025-09-03", 50), "date.future", "C2"),
    (("hours", "C1", "03/04/2025", 50), "date.ambiguous", "C2"),
    (("hours", "C1", "2025-09-01", "5O"), "number.invalid", "D2"),
    (("hours", "C1", "2025-09-01", "1e999"), "number.not_finite", "D2"),
    (("hours", "C1", "2025-09-01", 50, "derived"), "source.invalid", "E2"),
])  # fmt: skip
def test_a_bad_row_is_named_with_sheet_and_cell_and_nothing_is_taken(
    world: World, row: tuple[Any, ...], code: str, cell: str
) -> None:
    before = nothing(world)

    with pytest.raises(Invalid) as told:
        take(world, row, ("hours", "C1", "2025-09-01 07:00", 40))

    assert (told.value.code, told.value.errors[0]["at"]) == (code, f"r.xlsx:Sheet1!{cell}")  # type: ignore[index]
    assert nothing(world) == before
    assert take(world, ("hours", "C1", "2025-09-01 07:00+08:00", 40))["new"] == 1  # the nearest that is right


@pytest.mark.parametrize("place", [1, 30, 60], ids=["first", "middle", "last"])
def test_one_bad_row_wherever_it_stands_lets_nothing_in(world: World, place: int) -> None:
    rows = [("hours", "C1", f"2025-08-{1 + n % 30:02} {n // 30:02}:00", 50) for n in range(60)]
    before = nothing(world)

    with pytest.raises(Invalid) as told:
        take(world, *[("hours", "C99", *row[2:]) if n == place else row for n, row in enumerate(rows, 1)])

    assert told.value.errors[0]["at"] == f"r.xlsx:Sheet1!B{place + 1}"  # type: ignore[index]
    assert nothing(world) == before
    assert take(world, *rows)["new"] == 60


def test_a_dry_run_tells_what_would_be_and_changes_nothing(world: World) -> None:
    before = nothing(world)
    report = take(world, ("hours", "C1", "2025-09-01 08:00", 40), dry_run=True)

    assert (report["new"], report["notices"]) == (1, ["1 warnings opened"])
    assert nothing(world) == before


# Derived points


def derived(world: World) -> None:
    """Add students, teachers and their ratio, at most 20."""
    rows = [("key", "layer", "name_zh", "cadence", "direction", "target", "warn_upper", "formula"),
            ("students", "course", "学生", "monthly", "higher", 0, "", ""),
            ("teachers", "course", "教师", "monthly", "higher", 0, "", ""),
            ("ratio", "course", "生师比", "monthly", "lower", 18, 20, "ratio(students, teachers)")]  # fmt: skip
    assert imports.run(db.session, world.origin(), "points", badbooks.xlsx(rows), "p.xlsx")["new"] == 3


def test_a_derived_reading_arises_with_its_parts_and_is_judged_with_them(world: World) -> None:
    derived(world)

    take(world, ("students", "C1", "2025-08-28", 420))
    assert world.query("select count(*) from reading where source = 'derived'") == [(0,)]
    report = take(world, ("teachers", "C1", "2025-08-29", 20))

    assert stored(world)[-1] == (21.0, 1, "derived")
    assert "1 derived by formulas" in report["notices"] and "1 warnings opened" in report["notices"]
    batches = world.query("select rows from batch order by id")
    assert batches == [(1,), (2,)]  # in the same delivery


def test_parts_of_different_periods_give_nothing(world: World) -> None:
    derived(world)

    take(world, ("students", "C1", "2025-07-31", 420), ("teachers", "C1", "2025-08-01", 20))

    assert world.query("select count(*) from reading where source = 'derived'") == [(0,)]


def test_a_corrected_part_gives_a_later_version_of_what_was_derived(world: World) -> None:
    derived(world)
    take(world, ("students", "C1", "2025-08-29", 420), ("teachers", "C1", "2025-08-29", 20))
    take(world, ("teachers", "C1", "2025-08-29", 30, "", "one class forgotten"))

    found = world.query("select value, version from reading where source = 'derived' order by version")
    assert found == [(21.0, 1), (14.0, 2)]
    assert world.query("select breached from warning") == [(False,)]


def test_formulas_in_a_circle_or_over_nothing_are_refused(world: World) -> None:
    heads = ("key", "layer", "name_zh", "cadence", "direction", "target", "formula")
    for rows, code in (
        ([("x", "course", "一", "monthly", "higher", 1, "sum(y, hours)"),
          ("y", "course", "二", "monthly", "higher", 1, "sum(x, hours)")], "formula.circle"),
        ([("x", "course", "一", "monthly", "higher", 1, "sum(z, hours)")], "ref.unknown_point"),
        ([("x", "course", "一", "monthly", "higher", 1, "sum(hours)")], "formula.invalid"),
    ):  # fmt: skip
        before = nothing(world)
        with pytest.raises(Invalid) as told:
            imports.run(db.session, world.origin(), "points", badbooks.xlsx([heads, *rows]), "p.xlsx")
        assert (told.value.code, told.value.errors[0]["at"]) == (code, "p.xlsx:Sheet1!G2")  # type: ignore[index]
        assert nothing(world) == before


# Points and readings as files


def test_points_leave_and_come_back_unchanged_and_a_changed_limit_gets_its_day(world: World) -> None:
    derived(world)
    set_limit(world, days=0, lower=60, alarm_lower=20)
    book = XlsxWorkbooks().write(point_files.export(db.session, world.origin(), None, "points", "zh"))

    assert imports.run(db.session, world.origin(), "points", book, "p.xlsx")["unchanged"] == 4
    rows = [("key", "layer", "name_zh", "cadence", "direction", "target", "warn_lower", "valid_from"),
            ("hours", "course", "hours", "monthly", "higher", 70, 65, "2025-10-01")]  # fmt: skip
    report = imports.run(db.session, world.origin(), "points", badbooks.xlsx(rows), "p.xlsx")

    assert report["updated"] == 1
    assert world.query("select valid_from, warn_lower, alarm_lower from point_limit order by id") == [
        ("2025-09-01", 60.0, 20.0), ("2025-10-01", 65.0, 20.0)]  # fmt: skip


def test_readings_leave_in_their_last_version_and_come_back_as_known(world: World) -> None:
    take(world, ("hours", "C1", "2025-09-01 08:00", 40, "jw"))
    take(world, ("hours", "C1", "2025-09-01 08:00", 48.5, "jw", "typed wrongly"))
    leaf = point_files.export(db.session, world.origin(), None, "readings", "en")[0]

    assert leaf.rows == [["hours", "C1", "2025-09-01T08:00:00+08:00", 48.5, "jw", None]]
    book = XlsxWorkbooks().write([leaf])
    assert imports.run(db.session, world.origin(), "readings", book, "r.xlsx")["unchanged"] == 1


# Whose readings


def test_who_hands_in_readings_does_so_for_whom_they_answer(world: World) -> None:
    world.person("collector", "quality_administrator", "section")
    world.course("C8", "far", "far_lead")

    assert take(world, ("hours", "C1", "2025-09-01", 50), origin=world.origin("collector"))["new"] == 1
    foreign, absent = [], []
    for code, told in (("C8", foreign), ("C99", absent)):
        with pytest.raises(Invalid) as fault:
            take(world, ("hours", code, "2025-09-01", 50), origin=world.origin("collector"))
        told.append((fault.value.code, fault.value.detail.replace(code, "?")))
    assert foreign == absent
    with pytest.raises(Forbidden):
        take(world, ("hours", "C1", "2025-09-01", 51), origin=world.origin("lead"))


def test_a_responsible_person_fills_in_their_own_subject_and_sees_no_other(world: World) -> None:
    far = world.course("C8", "far", "far_lead")
    lead, hours, own = me(world, "lead"), world.points["hours"], world.subjects["C1"]
    when = dt.datetime(2025, 9, 1, 8)  # noqa: DTZ001 - on the college's clocks

    point_readings.give(db.session, world.origin("lead"), lead, hours, own, when, 40.0)
    point_readings.give(db.session, world.origin("lead"), lead, hours, own, when, 40.0)
    found = point_readings.look(db.session, world.origin("lead"), lead, hours, own)

    assert [(one.last.value, one.last.source, one.severity) for one in found.lines] == [(40.0, "form", "minor")]
    for act in (
        lambda: point_readings.give(db.session, world.origin("lead"), lead, hours, far, when, 40.0),
        lambda: point_readings.look(db.session, world.origin("lead"), lead, hours, far),
    ):
        with pytest.raises(QaflowError) as told:
            act()
        assert told.value.status == 404


def test_a_correction_by_hand_asks_for_the_last_version(world: World) -> None:
    lead, hours, own = me(world, "lead"), world.points["hours"], world.subjects["C1"]
    origin = world.origin("lead")
    point_readings.give(db.session, origin, lead, hours, own, dt.datetime(2025, 9, 1, 8), 40.0)  # noqa: DTZ001
    ((first,),) = world.query("select id from reading")

    for value, reason, code in ((40.0, "r", "reading.same"), (50.0, " ", "text.blank")):
        with pytest.raises(Invalid) as told:
            point_readings.correct(db.session, origin, lead, first, value, reason)
        assert told.value.code == code
    point_readings.correct(db.session, origin, lead, first, 50.0, "counted anew")
    with pytest.raises(Refused) as stale:
        point_readings.correct(db.session, origin, lead, first, 51.0, "again")

    assert (stale.value.code, stored(world)) == ("reading.replaced", [(40.0, 1, "form"), (50.0, 2, "form")])


def test_the_numbers_of_a_point_count_what_their_lists_show(world: World) -> None:
    world.course("C8", "far", "far_lead")
    world.read(40)
    world.read(40, course="C8")

    seen = {}
    for login in ("office", "lead", "guest"):
        listed = points.listed(db.session, world.origin(login), me(world, login))
        shown = points.look(db.session, world.origin(login), me(world, login), world.points["hours"], "outside")
        seen[login] = (listed.layers[0].items[0].outside, [one.subject.code for one in shown.lines])
    assert seen == {"office": (2, ["C1", "C8"]), "lead": (1, ["C1"]), "guest": (0, [])}


# A model beside it


@dataclass
class Life:
    """What the model knows of a warning: written from the engine's rules (4), not from the program."""

    state: str = "opened"
    breached: bool = True
    inside: int = 0
    major: bool = False


class Model:
    """One point of one subject: 45 or more is right, the target is 50, three readings in a row are back."""

    def __init__(self) -> None:
        self.life: Life | None = None
        self.opened = self.closed = 0

    def read(self, value: int) -> None:
        """Take a reading."""
        life = self.life
        if value < 45:
            if life is None:
                self.life, self.opened = Life(major=value < 40), self.opened + 1
                return
            life.state = "opened" if life.state == "confirmed" else life.state
            life.breached, life.inside, life.major = True, 0, life.major or value < 40
        elif life is not None and life.breached:
            life.inside += 1
            if life.inside == 3:
                life.breached, life.inside = False, 0
                self._close(life.state == "confirmed")

    def act(self, action: str) -> bool:
        """Take a step of a person; False where it is none now."""
        steps = {"acknowledge": ("opened", "acknowledged"), "correct": ("acknowledged", "correcting"),
                 "confirm": ("correcting", "confirmed")}  # fmt: skip
        before, after = steps[action]
        if self.life is None or self.life.state != before:
            return False
        self.life.state = after
        self._close(after == "confirmed" and not self.life.breached)
        return True

    def _close(self, ended: bool) -> None:
        if ended:
            self.life, self.closed = None, self.closed + 1

    @property
    def seen(self) -> tuple[Any, ...]:
        """What can be compared."""
        life = self.life
        now = [(life.state, life.breached, "major" if life.major else "minor")] if life else []
        return self.opened, self.closed, now


WHO = {"acknowledge": ("lead", {"cause": "c"}), "confirm": ("major", {}),
       "correct": ("lead", {"scope": "implementation", "measure": "m"})}  # fmt: skip
STEPS = st.lists(
    st.one_of(st.sampled_from([50, 46, 45, 44, 40, 39, 10]), st.sampled_from(sorted(WHO))), min_size=5, max_size=14
)


@pytest.fixture
def small(app: Flask) -> World:
    """Return the tiny college on SQLite, for many subjects one after another."""
    made = World(db.session)
    made.point()
    return made


def compare(world: World, code: str, steps: list[int | str]) -> None:
    """Play steps on a new subject and hold each against the model."""
    number, model = world.course(code, "section", "lead"), Model()
    cycle = world.start(code)
    for step in steps:
        world.now += dt.timedelta(minutes=1)
        if isinstance(step, int):
            world.read(step, course=code)
            model.read(step)
        elif model.act(step):
            login, data = WHO[step]
            world.fire(cycle, step, login, **data)
        rows = world.query("select state, breached, severity from warning where subject_id = :s order by id", s=number)
        now = [(state, bool(out), severity) for state, out, severity in rows if state != "closed"]
        assert (len(rows), len(rows) - len(now), now) == model.seen, (code, steps, step)


def test_any_readings_and_steps_live_as_the_model_says(small: World) -> None:
    numbers = iter(range(10_000))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @drawn(STEPS)
    def walk(steps: list[int | str]) -> None:
        compare(small, f"M{next(numbers)}", steps)

    walk()
    ((opened_,),) = small.query("select count(*) from warning")
    assert opened_ >= 15, "the walk opened too few warnings to show anything"
    assert audit.verify(db.session)["findings"] == []


@pytest.mark.long
def test_any_readings_and_steps_live_as_the_model_says_at_length(small: World) -> None:
    numbers = iter(range(100_000))

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @drawn(STEPS)
    def walk(steps: list[int | str]) -> None:
        compare(small, f"M{next(numbers)}", steps)

    walk()


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a defect into the rules."""
    patch = pytest.MonkeyPatch()
    if name == "no damping":
        patch.setattr(breaches.Breaches, "_damping", lambda *_: 1)
    elif name == "the streak is not broken":
        patch.setattr(breaches.readings, "set_inside", lambda *_: None)
    elif name == "severity never rises":
        patch.setattr(breaches, "breach", lambda limits, value: None if value >= 45 else "minor")
    else:
        patch.setattr(breaches, "breach", lambda limits, value: None if value > 45 else "minor")
    try:
        yield
    finally:
        patch.undo()


@pytest.mark.parametrize("defect", ["no damping", "the streak is not broken", "severity never rises", "on is beyond"])
def test_the_model_catches_planted_defects(small: World, defect: str) -> None:
    script: list[int | str] = [45, 44, 46, 44, 46, 46, 39, "acknowledge", "correct", "confirm", 50, 44, 50, 50, 50]

    compare(small, "good", script)
    with planted(defect), pytest.raises(AssertionError):
        compare(small, "bad", script)
