"""What each role's overview counts: every number is the length of its list, and nobody counts what is not theirs."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from overviewing import made, me, reading

from qaflow.errors import Invalid
from qaflow.services.figures import overview
from qaflow.services.figures.overview import WHATS, Chosen
from qaflow.store.db import db
from qaflow.store.driver import PostgresDriver, SqliteDriver
from qaflow.testing import World

MOST_STATEMENTS = 16
LOGINS = ("vp", "office", "head", "far_head", "major", "far_major", "lead", "far_lead", "diag", "guest")


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college with everything in it."""
    return made(db.session)


def look(world: World, login: str) -> overview.Overview:
    """Return somebody's overview."""
    return overview.look(db.session, world.origin(login), me(world, login))


def behind(world: World, login: str, what: str, **more: Any) -> overview.Behind:
    """Return a list as somebody opens it."""
    return overview.behind(db.session, world.origin(login), me(world, login), Chosen(what=what, **more))


def numbers(found: overview.Overview) -> Iterator[tuple[str, str, str, int]]:
    """Yield every number of an overview with its address: what, group, span."""
    for section in found.sections:
        for what, many in section.total.items():
            yield what, "", "", many
        for row in section.rows:
            for what, many in row.numbers.items():
                yield what, row.group, "", many
        for what, trend in section.trend.items():
            for span, many in zip(section.spans, trend, strict=True):
                yield what, "", span.key, many


def test_every_number_of_every_role_is_the_length_of_its_list(world: World) -> None:
    seen = set()
    for login in LOGINS:
        for what, group, span, many in numbers(look(world, login)):
            page = behind(world, login, what, group=group, span=span)
            assert (page.many, len(page.lines)) == (many, many), (login, what, group, span)
            seen |= {what} if many else set()
    assert seen == set(WHATS) - {"incomplete"}


def totals(world: World, login: str) -> dict[str, int]:
    """Return the numbers in all."""
    return {what: many for section in look(world, login).sections for what, many in section.total.items()}


def test_the_whole_college_counts_what_was_put_into_it(world: World) -> None:
    found = totals(world, "office")

    assert {k: found[k] for k in ("goals", "attained", "missed", "unmeasured")} == {
        "goals": 10, "attained": 1, "missed": 8, "unmeasured": 1}  # fmt: skip
    assert (found["warnings"], found["major"], found["minor"]) == (4, 3, 1)
    assert (found["running"], found["late"], found["complete"], found["incomplete"]) == (8, 7, 1, 0)
    assert {k: found[f"tasks_{k}"] for k in ("done", "going", "planned", "late")} == {
        "done": 2, "going": 1, "planned": 4, "late": 1}  # fmt: skip
    assert found["tasks"] == 8


def test_each_counts_their_own_part_and_the_parts_make_the_whole(world: World) -> None:
    near, far, own = totals(world, "head"), totals(world, "far_head"), totals(world, "lead")

    assert (near["running"], far["running"]) == (4, 4) and near["complete"] == 1 and far["complete"] == 0
    assert own["running"] == 4 and own["tasks"] == 1
    assert (near["warnings"], far["warnings"]) == (3, 1)
    assert near["goals"] == 6 and far["goals"] == 2 and totals(world, "far_lead")["goals"] == 3
    assert not look(world, "guest").covers and not any(totals(world, "guest").values())


def test_nobody_lists_what_lies_elsewhere(world: World) -> None:
    for login in ("far_head", "far_major", "far_lead"):
        for what in WHATS:
            lines = repr(behind(world, login, what).lines)
            assert not {"N0", "N1", "N2", "N3", "N4", "C1"} & {part.strip("'") for part in lines.split(", ")}
            assert "of the layer" not in lines and "of the unit" not in lines


def test_a_corrected_reading_and_a_later_one_decide_whether_a_goal_is_attained(world: World) -> None:
    before = totals(world, "office")["attained"]
    reading(world, "N2", 55, days=1)
    reading(world, "F0", 20, days=0)
    reading(world, "F0", 90, days=0, version=2)
    reading(world, "N0", 20, days=0)

    assert totals(world, "office")["attained"] == before + 2


def test_a_span_holds_what_its_days_hold(world: World) -> None:
    goals, warnings, rounds, tasks = look(world, "office").sections

    assert [span.key for span in goals.spans] == ["2024-spring", "2025-autumn"]
    assert goals.trend == {"goals_ended": (2, 0), "goals_met": (1, 0)}
    assert [span.key for span in tasks.spans] == [f"2025-{m:02d}" for m in range(9, 13)] + [
        f"2026-{m:02d}" for m in range(1, 9)]  # fmt: skip
    assert dict(zip((s.key for s in tasks.spans), tasks.trend["tasks"], strict=True))["2025-09"] == 2
    assert (len(warnings.spans), sum(warnings.trend["opened"]), sum(rounds.trend["complete"])) == (12, 5, 1)


def test_a_page_asks_few_things_however_much_there_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    for kind in (SqliteDriver, PostgresDriver):
        whole = kind.all

        def count(self: object, sql: object, params: object = None, whole: object = whole) -> object:
            asked.append(sql)
            return whole(self, sql, params or {})  # type: ignore[operator]

        monkeypatch.setattr(kind, "all", count)
    found = {}
    for login in LOGINS:
        asked.clear()
        look(world, login)
        found[login] = len(asked)
    assert max(found.values()) <= MOST_STATEMENTS, found


def test_what_no_list_is_called_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        behind(world, "office", "secret")
    assert behind(world, "office", "running", group="nothing").many == 0
    assert behind(world, "office", "opened", span="nothing").many == behind(world, "office", "opened").many
