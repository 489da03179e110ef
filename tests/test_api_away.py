"""Absences, deputies, leavers and the handover over the API."""


from browsing import Site
from calling import Program, code, program

DAYS = {"starts": "2025-09-08", "ends": "2025-09-12"}


def test_an_absence_is_noted_shown_with_its_deputy_and_ended(site: Site, admin: Program) -> None:
    path = f"/people/{site.world.persons['lead']}"
    absence = admin.post(f"{path}/absences", {**DAYS, "reason": "leave"})
    deputy = admin.post(f"{path}/deputies", {**DAYS, "who": "deputy"})
    (shown,) = admin.get("/absences").get_json()["items"]

    assert (absence.status_code, deputy.status_code) == (201, 201)
    assert (shown["id"], shown["reason"], shown["covered"]) == (absence.get_json()["id"], "leave", True)
    assert [one["deputy"] for one in shown["deputies"]] == [site.world.persons["deputy"]]
    assert admin.get(f"{path}/deputies").get_json()["items"][0]["id"] == deputy.get_json()["id"]
    assert admin.ask("DELETE", f"{path}/deputies/{deputy.get_json()['id']}").status_code == 204
    assert code(program(site, "guest").ask("DELETE", f"/absences/{shown['id']}")) == (404, "absence.not_found")
    assert program(site, "lead").ask("DELETE", f"/absences/{shown['id']}").status_code == 204
    assert admin.get(f"{path}/absences").get_json()["items"] == []
    assert code(admin.ask("DELETE", f"{path}/deputies/{deputy.get_json()['id']}"))[0] == 404


def test_what_a_leaver_holds_goes_to_the_heir_as_it_was_told(site: Site, admin: Program) -> None:
    site.world.start("C1")
    path = f"/people/{site.world.persons['lead']}"
    held = admin.get(f"{path}/work").get_json()
    told = admin.post(f"{path}/leave/preview", {"heir": "deputy"}).get_json()
    other = admin.post(f"{path}/leave", {"heir": "deputy", "agreed": "0" * 64})
    before = site.world.query("select disabled_at is null from person where login = 'lead'")
    done = admin.post(f"{path}/leave", {"heir": "deputy", "agreed": told["digest"]})

    assert held["total"] == len(told["items"]) > 0 and told["disables"] and before == [(1,)]
    assert code(other) == (409, "preview.changed")
    assert done.status_code == 200 and {one["to"] for one in done.get_json()["subjects"]} == {"deputy"}
    assert site.world.query("select disabled_at is null from person where login = 'lead'") == [(0,)]
    query = "select p.login from subject s join person p on p.id = s.responsible_id where s.code = 'C1'"
    assert site.world.query(query) == [("deputy",)]


def test_who_left_without_an_heir_is_listed_among_the_leavers(site: Site, admin: Program) -> None:
    path = f"/people/{site.world.persons['lead']}"
    told = admin.post(f"{path}/leave/preview", {}).get_json()
    admin.post(f"{path}/leave", {"agreed": told["digest"]})

    assert [one["login"] for one in admin.get("/leavers").get_json()["items"]] == ["lead"]


def test_what_cannot_be_is_refused_at_its_place(site: Site, admin: Program) -> None:
    path = f"/people/{site.world.persons['lead']}"
    for way, sent, pointer in (("absences", {"starts": "2025-09-12", "ends": "2025-09-08"}, "/ends"),
                               ("deputies", {**DAYS, "who": "nobody"}, "/who"),
                               ("deputies", {**DAYS, "who": "lead"}, "/who"),
                               ("absences", {**DAYS, "id": 3}, "/id"),
                               ("leave/preview", {"heir": "nobody"}, "/heir")):  # fmt: skip
        answer = admin.post(f"{path}/{way}", sent)
        assert (answer.status_code, answer.get_json(force=True)["errors"][0]["pointer"]) == (422, pointer)
    assert code(admin.post("/people/987654/absences", DAYS)) == (404, "person.not_found")
    assert code(admin.post("/people/987654/leave/preview", {})) == (404, "person.not_found")
    assert code(program(site, "lead").get("/leavers")) == (403, "action.forbidden")
    assert code(program(site, "guest").post(f"{path}/absences", DAYS)) == (403, "action.forbidden")


def test_a_deputy_for_all_time_covers_an_absence_and_hides_nobody(site: Site, admin: Program) -> None:
    path = f"/people/{site.world.persons['lead']}"
    admin.post(f"{path}/absences", DAYS)
    made_ = admin.post(f"{path}/deputies", {"starts": "0001-01-01", "ends": "9999-12-31", "who": "deputy"})
    (shown,) = admin.get("/absences").get_json()["items"]

    assert (made_.status_code, shown["covered"]) == (201, True)
    assert admin.get(path).status_code == admin.get(f"{path}/deputies").status_code == 200
