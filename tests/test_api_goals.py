"""Goals and standards over the API: added, changed in part, parted and retired; tree, findings, matrix and year."""

from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program

GOAL = {"text": {"zh": "提高到课率"}, "layer": "course", "indicator": "到课率", "unit": "%", "target": 95}


def test_a_goal_is_added_and_what_a_change_does_not_name_stays(site: Site, office: Program) -> None:
    added = office.post("/goals", GOAL | {"owner": "head", "starts": "2025-09-01"})
    path = added.headers["Location"].removeprefix("/api/v1")

    changed = office.ask("PATCH", path, {"attained": 76, "starts": None}, If_Match=added.headers["ETag"])
    stale = office.ask("PATCH", path, {"attained": 77}, If_Match=added.headers["ETag"])

    assert added.status_code == 201
    assert (changed.get_json()["reached"], changed.get_json()["owner"]) == (0.8, "head")
    assert site.world.query("select text_zh, target, attained, starts from goal") == [("提高到课率", 95, 76, None)]
    assert code(stale) == (412, "version.stale")
    assert code(office.ask("PATCH", path, {"attained": 77})) == (428, "match.missing")


def test_a_goal_is_parted_and_the_tree_holds_its_parts(site: Site, office: Program) -> None:
    number = office.post("/goals", GOAL).get_json()["id"]

    parts = [{"owner": "head", "weight": 40}, {"owner": "lead", "weight": 60, "target": 90}]
    ids = office.post(f"/goals/{number}/decompose", {"parts": parts}, If_Match='"1"').get_json()["goals"]
    wrong = office.post(f"/goals/{number}/decompose", {"parts": [*parts, {"owner": "x"}, {}]}, If_Match="*")

    tree = office.get("/goals/tree").get_json()
    assert [(one["id"], one["rolled"]["part"]) for one in tree["goals"]] == [(number, 1.0), (ids[0], 0.4),
                                                                            (ids[1], 0.6)]  # fmt: skip
    assert office.get(f"/goals/{number}").get_json()["below"] == ids
    assert [one["id"] for one in office.get(f"/goals?under={number}").get_json()["items"]] == ids
    assert [e["pointer"] for e in wrong.get_json(force=True)["errors"]] == ["/parts/2/owner", "/parts/3/owner_unit"]


def test_a_standard_is_added_changed_and_retired(site: Site, office: Program) -> None:
    key = office.post("/goals", GOAL).get_json()["key"]
    added = office.post("/standards", {"text": {"zh": "到课标准", "en": "Attendance"}, "layer": "course", "goal": key,
                                       "value": 95, "warn_lower": 90})  # fmt: skip
    path = added.headers["Location"].removeprefix("/api/v1")

    changed = office.ask("PATCH", path, {"warn_lower": 85}, If_Match=added.headers["ETag"])
    retired = office.post(f"{path}/retire", None, If_Match=changed.headers["ETag"])

    assert added.get_json()["text"] == {"zh": "到课标准", "en": "Attendance"}
    assert (changed.get_json()["warn_lower"], changed.get_json()["above"]) == (85, 1)
    assert retired.get_json()["retired"]
    assert office.get("/standards").get_json()["items"] == []
    assert len(office.get("/standards?retired=true").get_json()["items"]) == 1
    assert code(office.ask("PATCH", path, {"warn_lower": 80}, If_Match="*")) == (409, "chain.retired")


def test_every_count_of_the_findings_is_as_long_as_its_list(site: Site, office: Program) -> None:
    office.post("/goals", GOAL)
    office.post("/standards", {"text": {"zh": "标准"}, "layer": "course"})

    found = office.get("/chains/findings").get_json()

    for one in found["counts"]:
        what = "standards" if one["finding"] == "unmeasured" else "goals"
        assert len(office.get(f"/{what}?finding={one['finding']}").get_json()["items"]) == one["many"]
    assert {one["finding"] for one in found["counts"] if one["many"]} >= {"standardless", "unmeasured"}


def test_matrix_and_year_count_what_was_added(site: Site, office: Program) -> None:
    office.post("/goals", GOAL | {"starts": "2025-01-01", "ends": "2025-12-31"})

    cells = office.get("/chains/matrix?year=2025").get_json()["cells"]
    year = office.get("/chains/year?year=2025").get_json()

    assert sum(one["goals"] for one in cells) == 1 and all(one["gap"] for one in cells)
    assert [one["now"]["text"]["zh"] for one in year["lines"]] == ["提高到课率"]
    assert office.get("/chains/tasks?layer=course").get_json()["items"] == []


@pytest.mark.parametrize(("more", "pointer", "fault"), [
    ({"owner": "nobody"}, "/owner", "ref.unknown_user"), ({"layer": "moon"}, "/layer", "ref.unknown_layer"),
    ({"parent": "none"}, "/parent", "ref.unknown_goal"), ({"subject": "course/X"}, "/subject", "ref.unknown_subject"),
    ({"weight": 0}, "/weight", "value.range"), ({"starts": "2026-01-01", "ends": "2025-01-01"}, "/ends", "date.order"),
    ({"version": 3}, "/version", "field.read_only"), ({"text": {"zh": "x", "de": "y"}}, "/text/de", "field.unknown"),
])  # fmt: skip
def test_a_fault_is_named_at_its_field(site: Site, office: Program, more: dict[str, Any], pointer: str,
                                       fault: str) -> None:  # fmt: skip
    answer = office.post("/goals", GOAL | more)

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.get_json(force=True)["errors"]] == [(pointer, fault)]
    assert site.world.query("select count(*) from goal") == [(0,)]


def test_who_reads_no_plans_finds_no_goal_and_who_keeps_none_is_told(site: Site, office: Program) -> None:
    number = office.post("/goals", GOAL).get_json()["id"]

    guest, far = program(site, "guest"), program(site, "far_lead")
    for path in (f"/goals/{number}", "/goals/404"):
        assert code(guest.get(path)) == (404, "object.not_found")
        assert code(guest.ask("PATCH", path, {"target": 1}, If_Match="*")) == (404, "object.not_found")
        assert code(guest.post(f"{path}/retire", None, If_Match="*")) == (404, "object.not_found")
    assert code(guest.get("/goals")) == (403, "action.forbidden")
    assert code(far.get("/standards/404")) == (404, "object.not_found")
    assert far.get(f"/goals/{number}").get_json()["may_keep"] is False
    assert code(far.ask("PATCH", f"/goals/{number}", {"target": 1}, If_Match="*")) == (403, "action.forbidden")
    assert code(far.post(f"/goals/{number}/retire", None, If_Match="*")) == (403, "action.forbidden")
