"""Tasks of the year over the API: planned, changed in part, reported, finished; the grid and one page as figures."""

from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from tasking import planned, row


def new(site: Site, **more: Any) -> dict[str, Any]:
    """Return a task to be planned."""
    return {"title": {"zh": "Revise the plan"}, "lead": site.world.units["section"], "owner": "lead",
            "due": "2025-12-01", "cost": 1234567.89} | more  # fmt: skip


def test_a_task_is_planned_and_what_a_change_does_not_name_stays(site: Site, office: Program) -> None:
    added = office.post("/tasks", new(site))
    number = added.get_json()["id"]

    changed = office.ask("PATCH", f"/tasks/{number}", {"due": "2025-12-15"}, If_Match=added.headers["ETag"])
    stale = office.ask("PATCH", f"/tasks/{number}", {"due": "2025-12-16"}, If_Match=added.headers["ETag"])

    assert (added.status_code, added.headers["Location"]) == (201, f"/api/v1/tasks/{number}")
    assert (changed.get_json()["due"], changed.get_json()["owner"]) == ("2025-12-15", "lead")
    assert {k: row(site.world, number)[k] for k in ("title_zh", "cost", "due")} == {
        "title_zh": "Revise the plan", "cost": 1234567.89, "due": "2025-12-15"}  # fmt: skip
    assert code(stale) == (412, "version.stale")


def test_a_task_is_reported_finished_and_taken_up_again(site: Site) -> None:
    number, lead = planned(site.world), program(site, "lead")

    noted = lead.post(f"/tasks/{number}/report", {"month": "2025-09", "state": "going"}, If_Match='"1"')
    done = lead.post(f"/tasks/{number}/finish", {"text": "Published."}, If_Match=noted.headers["ETag"])
    closed = lead.post(f"/tasks/{number}/finish", {"text": "Again."}, If_Match=done.headers["ETag"])
    office = program(site, "office")
    again = office.post(f"/tasks/{number}/resume", {"text": "not yet"}, If_Match="*")
    dropped = office.post(f"/tasks/{number}/drop", {"text": "no money"}, If_Match="*")

    assert {"month": "2025-09", "state": "going", "noted": True} in noted.get_json()["months"]
    assert (done.get_json()["state"], done.get_json()["result"]) == ("done", "Published.")
    assert code(closed) == (409, "task.closed")
    assert again.get_json()["state"] == "going"
    assert (dropped.get_json()["state"], row(site.world, number)["state"]) == ("dropped", "dropped")


def test_lists_grid_and_one_page_count_the_same_tasks(site: Site, office: Program) -> None:
    first, second = planned(site.world, cost="100"), planned(site.world, "Late one", due="2025-08-01")

    listed = office.get("/tasks?year=2025").get_json()
    grid = office.get("/tasks/grid?year=2025").get_json()
    page = office.get("/tasks/one-page?year=2025").get_json()

    assert {one["id"] for one in listed["items"]} == {one["id"] for one in grid["rows"]} == {first, second}
    assert (grid["counts"]["late"], len(grid["rows"][0]["cells"])) == (1, len(grid["months"]))
    assert (page["of"], page["risks"], page["total"]["planned"]) == ("year", [second], 100)
    assert [one["id"] for one in office.get("/tasks?state=late&year=2025").get_json()["items"]] == [second]


def test_a_long_list_goes_on_where_its_cursor_says(site: Site, office: Program) -> None:
    for at in range(51):
        planned(site.world, f"Task {at}")

    first = office.get("/tasks?year=2025").get_json()
    rest = office.get(f"/tasks?year=2025&after={first['next']}").get_json()

    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (50, 1, None)


@pytest.mark.parametrize(("more", "pointer", "fault"), [
    ({"owner": "nobody"}, "/owner", "ref.unknown_user"), ({"starts": "2026-01-01"}, "/due", "date.order"),
    ({"lead": 4040}, "/lead", "ref.unknown_unit"), ({"goal": 4040}, "/goal", "ref.unknown_goal"),
    ({"state": "done"}, "/state", "field.read_only"), ({"color": "red"}, "/color", "field.unknown"),
    ({"cost": -1}, "/cost", "value.range"), ({"title": {"zh": " "}}, "/title/zh", "text.blank"),
])  # fmt: skip
def test_a_fault_is_named_at_its_field(site: Site, office: Program, more: dict[str, Any], pointer: str,
                                       fault: str) -> None:  # fmt: skip
    answer = office.post("/tasks", new(site, **more))

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.get_json(force=True)["errors"]] == [(pointer, fault)]
    assert site.world.query("select count(*) from plan_task") == [(0,)]


def test_anothers_task_is_as_absent_as_one_that_is_not_there(site: Site, office: Program) -> None:
    number, far = planned(site.world), program(site, "far_lead")

    for path, body in ((f"/tasks/{number}/finish", {"text": "x"}), ("/tasks/404/finish", {"text": "x"})):
        assert code(far.post(path, body, If_Match="*")) == (404, "task.not_found")
    assert code(far.get(f"/tasks/{number}")) == (404, "task.not_found")
    assert far.get("/tasks?year=2025").get_json()["items"] == []
    assert code(far.ask("PATCH", f"/tasks/{number}", {"kind": "key"}, If_Match="*")) == (404, "task.not_found")
    assert code(program(site, "guest").post("/tasks", new(site)))[0] == 403
    assert code(office.get("/tasks/one-page?unit=404")) == (404, "unit.not_found")
