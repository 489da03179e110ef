"""Lists in an order that is named: whole over any number of pages, and of cursors those alone that the order gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import Site
from browsing import site as made
from calling import Program, program
from tasking import planned

from qaflow.config import Settings
from qaflow.services.accounts import directory
from qaflow.services.cycles import warnings
from qaflow.services.tasks import plans
from qaflow.store.db import db

NEVER = "9999-12-31"
Key = Callable[[dict[str, Any]], tuple[Any, ...]]
CYCLES: dict[str, Key] = {
    "due": lambda one: (one["due"] or NEVER, one["id"]), "start": lambda one: (one["start"], one["id"]),
    "end": lambda one: (one["end"], one["id"]), "subject": lambda one: (one["subject"], one["id"]),
    "code": lambda one: (one["code"], one["id"]),
}  # fmt: skip
TASKS: dict[str, Key] = {
    "kind": lambda one: (("key", "routine", "ad_hoc").index(one["kind"]), one["due"] or NEVER, one["plan"], one["no"]),
    "due": lambda one: (one["due"] or NEVER, one["id"]), "starts": lambda one: (one["starts"] or NEVER, one["id"]),
    "plan": lambda one: (one["plan"], one["no"]), "owner": lambda one: (one["owner"] or "", one["id"]),
}  # fmt: skip
PEOPLE: dict[str, Key] = {"login": lambda one: (one["login"],), "name": lambda one: (one["name"], one["login"])}
WARNINGS: dict[str, Key] = {
    "severity": lambda one: (("major", "minor").index(one["severity"]), one["opened_at"], one["id"]),
    "opened_at": lambda one: (one["opened_at"], one["id"]), "subject": lambda one: (one["name"], one["id"]),
    "closed_at": lambda one: (one["closed_at"] or NEVER, one["id"]),
}  # fmt: skip


def filled(settings: Settings) -> Site:
    """Return the program on the tiny college with cycles and tasks of which some are alike."""
    found = made(settings)
    for at, code in enumerate(("D", "B", "A", "C", "E")):
        found.world.course(code, "section", "lead")
        cycle = found.world.start(code, from_stage=("goal", "design", "design", "goal", "implement")[at])
        if code in "BE":
            found.world.fire(cycle, "suspend", "office", reason="away")
    for at in range(9):
        planned(found.world, f"Task {at}", owner=("lead", "", "vp")[at % 3], kind=("key", "routine", "ad_hoc")[at % 2],
                due=("2025-12-01", "2025-10-01", "")[at % 3], starts=("2025-09-10", "")[at % 2])  # fmt: skip
    return found


def ended() -> None:
    """Leave no connection open."""
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program."""
    yield filled(settings)
    ended()


@pytest.fixture
def office(site: Site) -> Program:
    """Return a program of the quality office."""
    return program(site, "office")


@pytest.fixture
def either(store_settings: Settings) -> Iterator[Program]:
    """Return a program of the quality office on each of the two databases."""
    yield program(filled(store_settings), "office")
    ended()


def paged(asked: Program, path: str, after: str | None = None) -> list[dict[str, Any]]:
    """Return all lines of a list, or those after a place, page by page."""
    page = asked.get(path + (f"&after={after}" if after else "")).get_json()
    found: list[dict[str, Any]] = page["items"]
    return found + (paged(asked, path, page["next"]) if page["next"] else [])


@pytest.mark.parametrize("sort", CYCLES)
def test_cycles_stand_in_the_order_that_is_named_over_all_pages(either: Program, sort: str) -> None:
    whole = either.get("/cycles?limit=200").get_json()["items"]

    for name, down in ((sort, False), (f"-{sort}", True)):
        for limit in (1, 2, 200):
            assert paged(either, f"/cycles?sort={name}&limit={limit}") == sorted(whole, key=CYCLES[sort], reverse=down)
    assert len(whole) == 5 and whole == sorted(whole, key=CYCLES["due"])


@pytest.mark.parametrize("sort", TASKS)
def test_tasks_stand_in_the_order_that_is_named_over_all_pages(
    either: Program, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = either.get("/tasks?year=2025").get_json()["items"]

    for lines in (1, 2, 50):
        monkeypatch.setattr(plans, "LINES", lines)
        for name, down in ((sort, False), (f"-{sort}", True)):
            assert paged(either, f"/tasks?year=2025&sort={name}") == sorted(whole, key=TASKS[sort], reverse=down)
    assert len(whole) == 9 and whole == sorted(whole, key=TASKS["kind"])


@pytest.mark.parametrize("sort", PEOPLE)
def test_people_stand_in_the_order_that_is_named_over_all_pages(
    either: Program, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.site.world.query("update person set name = 'alike' where login in ('lead', 'vp', 'diag') returning id")
    whole = either.get("/people").get_json()["items"]

    for lines in (1, 3, 50):
        monkeypatch.setattr(directory, "LINES", lines)
        for name, down in ((sort, False), (f"-{sort}", True)):
            assert paged(either, f"/people?sort={name}") == sorted(whole, key=PEOPLE[sort], reverse=down)
    assert len(whole) > 9 and whole == sorted(whole, key=PEOPLE["login"])


@pytest.mark.parametrize("sort", WARNINGS)
def test_warnings_stand_in_the_order_that_is_named_over_all_pages(
    either: Program, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, code in enumerate("DAC"):
        if at == 2:
            either.site.later(days=1)
        ((cycle,),) = either.site.world.query("select id from cycle where subject_id = :s",
                                              s=either.site.world.subjects[code])  # fmt: skip
        either.site.world.fire(cycle, "warn", "diag", reason="seen")
    either.site.world.query("update warning set severity = case when cycle_id = 1 then 'minor' else 'major' end "
                            "returning id")
    whole = either.get("/warnings").get_json()["items"]

    for lines in (1, 2, 50):
        monkeypatch.setattr(warnings, "LINES", lines)
        for name, down in ((sort, False), (f"-{sort}", True)):
            assert paged(either, f"/warnings?sort={name}") == sorted(whole, key=WARNINGS[sort], reverse=down)
    assert len(whole) == 3 and whole == sorted(whole, key=WARNINGS["severity"])


def test_what_comes_before_a_page_that_was_read_neither_repeats_nor_hides_a_line(
    site: Site, office: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "LINES", 4)
    whole = [one["id"] for one in paged(office, "/tasks?year=2025&sort=due")]
    first = office.get("/tasks?year=2025&sort=due").get_json()

    early = planned(site.world, "Earlier than all", due="2025-09-02")
    site.world.query("update plan_task set state = 'dropped' where id = :i returning id", i=whole[0])

    rest = paged(office, "/tasks?year=2025&sort=due", first["next"])
    assert [one["id"] for one in (*first["items"], *rest)] == whole and early not in whole


@pytest.mark.parametrize("path", ["/cycles?limit=2", "/tasks?year=2025"])
def test_a_cursor_leads_on_in_its_own_order_alone(
    office: Program, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "LINES", 2)
    after = office.get(f"{path}&sort=due").get_json()["next"]

    for other in ("", "&sort=-due"):
        answer = office.get(f"{path}{other}&after={after}")
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (422, "query.cursor")
    assert office.get(f"{path}&sort=due&after={after}").status_code == 200


@pytest.mark.parametrize("path", ["/cycles", "/tasks", "/people", "/warnings"])
@pytest.mark.parametrize("sort", ["password_hash", "id", "--due", "due desc", ""])
def test_an_order_that_is_not_named_is_refused_at_its_place(office: Program, path: str, sort: str) -> None:
    answer = office.get(f"{path}?sort={sort}")

    told = answer.get_json(force=True)
    assert (answer.status_code, told["code"]) == (422, "query.invalid")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [("?sort", "value.unknown")]
