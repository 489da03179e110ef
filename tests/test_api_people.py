"""People over the API: listed, added, renamed, given roles, disabled, and many at once by login."""

from typing import Any

from browsing import Site
from calling import Program, code, program


def account(site: Site, login: str) -> list[tuple[Any, ...]]:
    """Return a person as the database holds them."""
    return site.world.query("select name, language, disabled_at is null from person where login = :l", l=login)


def test_a_person_is_added_renamed_and_disabled_as_they_were_read(site: Site, admin: Program) -> None:
    added = admin.post("/people", {"login": "fresh", "name": "Fresh"})
    path = added.headers["Location"].removeprefix("/api/v1")
    renamed = admin.ask("PATCH", path, {"name": "Other"}, If_Match=added.headers["ETag"])
    stale = admin.ask("PATCH", path, {"name": "Late"}, If_Match=added.headers["ETag"])
    before = account(site, "fresh")
    gone = admin.post(f"{path}/disable", {"reason": "left"}, If_Match=renamed.headers["ETag"])

    assert (added.status_code, renamed.get_json()["name"], before) == (201, "Other", [("Other", "zh", 1)])
    assert code(stale) == (412, "version.stale")
    assert gone.get_json()["disabled_at"] and account(site, "fresh") == [("Other", "zh", 0)]
    assert code(admin.post(f"{path}/disable", {}, If_Match="*")) == (409, "account.disabled")
    assert code(admin.post("/people", {"login": "fresh", "name": "Twice"})) == (409, "login.taken")


def test_a_role_is_given_listed_and_taken_away(site: Site, admin: Program) -> None:
    path = f"/people/{site.world.persons['new']}"
    given = admin.post(f"{path}/roles", {"role": "diagnostician", "ends": "2025-12-31"})
    (role,) = given.get_json()["roles"]
    unknown = admin.post(f"{path}/roles", {"role": "emperor"})

    assert {"role": "diagnostician", "scope": "college", "ends": "2025-12-31", "when": "now"}.items() <= role.items()
    listed = admin.get("/people?role=diagnostician&text=new").get_json()
    assert [one["login"] for one in listed["items"]] == ["new"] and listed["total"] == 1
    assert unknown.status_code == 422 and unknown.get_json(force=True)["errors"][0]["pointer"] == "/role"
    assert admin.ask("DELETE", f"{path}/roles/{role['id']}").status_code == 204
    assert code(admin.ask("DELETE", f"{path}/roles/{role['id']}")) == (404, "grant.not_found")
    assert admin.get(path).get_json()["roles"] == []


def test_many_are_kept_by_login_and_each_hears_its_own_result(site: Site, admin: Program) -> None:
    items = [
        {"act": "create", "login": "a1", "name": "A"},
        {"act": "replace", "login": "new", "name": "N", "language": "en"},
        {"act": "disable", "login": "guest"},
        {"act": "replace", "login": "nobody", "name": "X"},
        {"act": "create", "login": "lead", "name": "L"},
        {"act": "create", "login": "a2"},
    ]
    done = admin.post("/people/bulk", {"items": items}).get_json()

    assert (done["done"], done["refused"]) == (3, 3)
    assert [one["code"] for one in done["results"]] == [None, None, None, "person.not_found", "login.taken",
                                                        "text.blank"]  # fmt: skip
    assert account(site, "a1") == [("A", "zh", 1)] and account(site, "new") == [("N", "en", 1)]
    assert account(site, "guest")[0][2] == 0 and account(site, "a2") == []


def test_all_or_nothing_keeps_nothing_where_one_is_refused(site: Site, admin: Program) -> None:
    items = [{"act": "create", "login": "a1", "name": "A"}, {"act": "disable", "login": "admin"}]
    refused = admin.post("/people/bulk", {"items": items, "all_or_nothing": True})

    assert code(refused) == (409, "bulk.refused")
    (fault,) = refused.get_json(force=True)["errors"]
    assert (fault["pointer"], fault["code"]) == ("/items/1", "leave.self")
    assert account(site, "a1") == []


def test_absent_people_are_not_found_and_unknown_fields_are_refused(site: Site, admin: Program) -> None:
    new = site.world.persons["new"]
    assert code(admin.get("/people/987654")) == (404, "person.not_found")
    assert code(admin.ask("PATCH", "/people/987654", {"name": "x"}, If_Match="*")) == (404, "person.not_found")
    assert code(admin.post("/people/987654/roles", {"role": "diagnostician"})) == (404, "person.not_found")
    for sent in ({"id": 7, "login": "z", "name": "Z"}, {"login": "z", "name": "Z", "colour": "red"}):
        assert admin.post("/people", sent).status_code == 422
    assert code(program(site, "lead").get(f"/people/{new}")) == (403, "action.forbidden")
