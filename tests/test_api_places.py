"""Units and subjects over the API: listed, added, changed as they were read, closed, and refused."""


from browsing import Site
from calling import Program, code, program


def test_a_unit_is_added_renamed_and_closed_as_it_was_read(site: Site, admin: Program) -> None:
    added = admin.post("/units", {"code": "lab", "kind": "section", "name": {"zh": "lab"},
                                  "parent": site.world.units["teaching"]})  # fmt: skip
    path = added.headers["Location"].removeprefix("/api/v1")
    renamed = admin.ask("PATCH", path, {"name": {"zh": "bench"}}, If_Match=added.headers["ETag"])
    stale = admin.ask("PATCH", path, {"name": {"zh": "late"}}, If_Match=added.headers["ETag"])
    closed = admin.post(f"{path}/close", {"reason": "merged"}, If_Match=renamed.headers["ETag"])

    assert (added.status_code, renamed.get_json()["name"]["zh"], closed.status_code) == (201, "bench", 200)
    assert renamed.get_json()["parent"] == site.world.units["teaching"]
    assert code(stale) == (412, "version.stale")
    assert site.world.query("select name_zh, ends is null from unit where code = 'lab'") == [("bench", 0)]
    assert code(admin.post("/units", {"code": "lab", "kind": "section", "name": {"zh": "x"}})) == (409, "unit.taken")


def test_a_unit_that_holds_something_is_not_closed_and_none_lies_under_itself(site: Site, admin: Program) -> None:
    path = f"/units/{site.world.units['teaching']}"
    under = admin.ask("PATCH", path, {"parent": site.world.units["section"]}, If_Match="*")

    assert code(admin.post(f"{path}/close", {}, If_Match="*")) == (409, "unit.in_use")
    assert (under.status_code, under.get_json(force=True)["errors"][0]["pointer"]) == (422, "/parent")
    assert site.world.units["section"] in {one["id"] for one in admin.get("/units").get_json()["items"]}
    assert [one["code"] for one in admin.get("/units?text=nothing-like-it").get_json()["items"]] == []
    assert code(admin.get("/units/987654")) == (404, "unit.not_found")
    assert admin.post("/units", {"id": 1, "code": "x", "kind": "section", "name": {"zh": "x"}}).status_code == 422
    assert code(program(site, "lead").get(path)) == (403, "action.forbidden")


def test_a_subject_is_added_and_its_change_is_told_before_it_is_made(site: Site, admin: Program) -> None:
    unit = site.world.units["section"]
    added = admin.post("/subjects", {"layer": "course", "code": "C7", "name": "seven", "unit": unit, "person": "lead"})
    path = added.headers["Location"].removeprefix("/api/v1")
    told = admin.post(f"{path}/preview", {"person": "deputy"}).get_json()
    before = admin.get(path)
    changed = admin.ask("PATCH", path, {"person": "deputy"}, If_Match=before.headers["ETag"])
    stale = admin.ask("PATCH", path, {"name": "late"}, If_Match=before.headers["ETag"])

    assert (added.status_code, told["changed"], before.get_json()["person"]) == (201, ["responsible_id"], "lead")
    assert (changed.get_json()["person"], changed.get_json()["name"]) == ("deputy", "seven")
    assert code(stale) == (412, "version.stale")
    query = "select p.login from subject s join person p on p.id = s.responsible_id where s.code = 'C7'"
    assert site.world.query(query) == [("deputy",)]


def test_a_subject_s_running_cycle_goes_to_whoever_answers_for_it(site: Site, admin: Program) -> None:
    cycle = site.world.start("C1")
    path = f"/subjects/{site.world.subjects['C1']}"
    told = admin.post(f"{path}/preview", {"person": "deputy"}).get_json()
    changed = admin.ask("PATCH", path, {"person": "deputy"}, If_Match="*").get_json()

    assert told["cycles"] == 1 and [one["id"] for one in changed["runs"]] == [cycle]
    assert [one["code"] for one in admin.get("/subjects?layer=course").get_json()["items"]] == ["C1", "C9"]


def test_subjects_that_cannot_be_are_refused_at_their_place(site: Site, admin: Program) -> None:
    sent = {"layer": "course", "code": "C7", "name": "x", "unit": site.world.units["section"]}
    for more, pointer in (({"unit": 987_654}, "/unit"), ({"person": "nobody"}, "/person"), ({"state": "on"}, "/state"),
                          ({"starts": "2025-09-02", "ends": "2025-09-01"}, "/ends")):  # fmt: skip
        answer = admin.post("/subjects", sent | more)
        assert (answer.status_code, answer.get_json(force=True)["errors"][0]["pointer"]) == (422, pointer)
    assert code(admin.get("/subjects/987654")) == (404, "subject.not_found")
    assert code(admin.ask("PATCH", "/subjects/987654", {"name": "x"}, If_Match="*")) == (404, "subject.not_found")
    assert code(program(site, "lead").post("/subjects", sent)) == (403, "action.forbidden")
