"""Programs: accounts of neighbour systems that act by tokens alone, made and revoked by administrators."""

import re

import pytest
from browsing import Site
from calling import Program, code, program
from flask import Flask
from peopled import World

from qaflow.errors import Invalid, Refused
from qaflow.providers import Cas
from qaflow.services.accounts import book, passwords, programs
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.auditing import audit
from qaflow.services.files import imports
from qaflow.services.ports import Identity
from qaflow.services.signin import linking
from qaflow.services.work import transact
from qaflow.store.db import db

TOKEN = re.compile(r"<code class=\"text-break\">(\S+)</code>")
WANTED = {"name": "nightly", "scopes": ["read", "readings"], "days": 3}
SENT = {"name": "nightly", "days": "3", "scope": "read"}


def added(admin: Program, login: str = "rooms") -> int:
    """Return the number of a new program."""
    answer = admin.post("/programs", {"login": login, "name": f"System {login}"})
    assert answer.status_code == 201 and answer.headers["Location"] == f"/api/v1/programs/{answer.get_json()['id']}"
    return int(answer.get_json()["id"])


def borne(admin: Program, number: int) -> Program:
    """Return a client that bears a new token of a program."""
    answer = admin.post(f"/programs/{number}/tokens", WANTED)
    assert answer.status_code == 201
    return Program(admin.site, answer.get_json()["token"])


def test_a_program_acts_by_its_token_within_its_scopes_and_the_roles_of_its_account(admin: Program) -> None:
    number = added(admin)
    rooms = borne(admin, number)
    before = rooms.get("/me").get_json()
    bare = code(rooms.get("/people"))
    admin.post(f"/people/{number}/roles", {"role": "quality_office"})

    assert (before["login"], before["kinds"], before["scopes"]) == ("rooms", [], ["read", "readings"])
    assert bare == (403, "action.forbidden") and rooms.get("/people").status_code == 200
    assert code(rooms.post("/me/absences", {"starts": "2025-09-08", "ends": "2025-09-09"})) == (403, "token.scope")


def test_a_token_is_shown_once_kept_hashed_with_its_last_use_and_opens_nothing_once_revoked(
    site: Site, admin: Program
) -> None:
    number = added(admin)
    answer = admin.post(f"/programs/{number}/tokens", WANTED).get_json()
    rooms = Program(site, answer["token"])
    unused = admin.get(f"/programs/{number}").get_json()
    rooms.get("/me")
    (shown,) = admin.get(f"/programs/{number}/tokens").get_json()["items"]
    (listed,) = admin.get("/programs").get_json()["items"]
    revoked = admin.ask("DELETE", f"/programs/{number}/tokens/{shown['id']}")

    assert (unused["tokens"], unused["last_used_at"]) == (1, None)
    assert shown == {k: v for k, v in answer.items() if k != "token"} | {"last_used_at": shown["last_used_at"]}
    assert listed["last_used_at"] == shown["last_used_at"] is not None and listed["tokens"] == 1
    assert revoked.status_code == 204 and code(rooms.get("/me")) == (401, "token.invalid")
    assert admin.get(f"/programs/{number}").get_json()["tokens"] == 0
    assert answer["token"] not in str(site.world.query("select * from token"))
    assert code(admin.ask("DELETE", f"/programs/{number}/tokens/{shown['id']}")) == (404, "token.not_found")


def test_a_token_of_a_program_ends_on_its_day(site: Site, admin: Program) -> None:
    rooms = borne(admin, added(admin))

    site.later(days=2, hours=23)
    assert rooms.get("/me").status_code == 200
    site.later(hours=1)
    assert code(rooms.get("/me")) == (401, "token.invalid")


def test_what_is_done_to_a_program_stands_in_its_history_with_who_did_it(site: Site, admin: Program) -> None:
    number = added(admin)
    borne(admin, number)
    (shown,) = admin.get(f"/programs/{number}/tokens").get_json()["items"]
    admin.ask("DELETE", f"/programs/{number}/tokens/{shown['id']}")

    query = f"select kind, actor, door from journal where stream = 'person:{number}' order by seq"
    by = (str(site.world.persons["admin"]), "api")
    assert site.world.query(query) == [(kind, *by) for kind in ("PersonAdded", "TokenIssued", "TokensRevoked")]
    assert audit.verify(db.session)["verified"]


def test_a_token_is_for_no_more_than_the_one_that_makes_it(site: Site, admin: Program) -> None:
    number = added(admin)
    narrow = admin.post("/me/tokens", {"name": "x", "scopes": ["admin"], "days": 1}).get_json()["token"]

    answer = Program(site, narrow).post(f"/programs/{number}/tokens", {"name": "x", "scopes": ["office"]})

    assert code(answer) == (422, "token.scopes")


def test_a_program_makes_no_tokens_neither_of_its_own_nor_of_others(site: Site, admin: Program) -> None:
    number, other = added(admin), added(admin, "doors")
    admin.post(f"/people/{number}/roles", {"role": "administrator"})
    every = {"name": "x", "scopes": ["read", "work", "admin"], "days": 3}
    rooms = Program(site, admin.post(f"/programs/{number}/tokens", every).get_json()["token"])

    wanted = {"name": "more", "scopes": ["read"], "days": 90}
    for path in ("/me/tokens", f"/programs/{number}/tokens", f"/programs/{other}/tokens"):
        assert code(rooms.post(path, wanted)) == (409, "account.program"), path
    assert site.world.query(f"select count(*) from token where person_id in ({number}, {other})") == [(1,)]


def test_nobody_signs_in_by_a_program(site: Site, admin: Program) -> None:
    number = added(admin)

    with pytest.raises(Refused) as refused:
        passwords.password(db.session, site.world.origin(), "rooms", "blue harbour seven lamps")
    page = site.browser("admin", "en").get(f"/organisation/people/{number}").text

    assert refused.value.code == "account.program"
    assert "it acts by tokens" in page and f"/organisation/people/{number}/password" not in page
    assert site.world.query(f"select password_hash from person where id = {number}") == [(None,)]


def test_no_provider_makes_a_person_of_a_program(site: Site, admin: Program) -> None:
    number = added(admin)
    campus = Cas(key="cas", name_zh="统一认证", name_en="CAS", server="https://cas.example.org", link="user")
    said = Identity(provider="cas", subject="s1", attributes={"user": ("rooms",)})

    found = linking.admitted(db.session, site.world.origin(), campus, said)

    assert found.person != number
    assert site.world.query(f"select count(*) from linked_account where person_id = {number}") == [(0,)]


def test_a_program_stands_in_for_nobody_and_answers_for_no_subject(site: Site, admin: Program) -> None:
    added(admin)
    days = {"starts": "2025-09-08", "ends": "2025-09-12", "who": "rooms"}
    course = admin.get("/subjects").get_json()["items"][0]["id"]

    mine = program(site, "lead").post("/me/deputies", days)
    lead = site.world.persons["lead"]
    assert code(mine) == code(admin.post(f"/people/{lead}/deputies", days)) == (422, "ref.unknown_user")
    answer = admin.ask("PATCH", f"/subjects/{course}", {"responsible": "rooms"}, If_Match="*")
    assert answer.status_code == 422, answer.text
    table = b"layer,code,name,unit,responsible\ncourse,K1,K1,section,rooms\n"
    with pytest.raises(Invalid) as refused:
        imports.run(db.session, site.world.origin(), "subjects", table, "subjects.csv")
    assert [fault["code"] for fault in refused.value.errors] == ["ref.unknown_user"]


def test_a_program_is_not_the_last_administrator_that_a_college_needs(site: Site, admin: Program) -> None:
    number = added(admin)
    admin.post(f"/people/{number}/roles", {"role": "administrator"})

    with pytest.raises(Refused) as refused:
        book.disable(db.session, site.world.origin(), "admin", "left")

    assert refused.value.code == "administrator.last"


def test_a_program_is_asked_neither_for_codes_nor_counted_as_unused(site: Site, admin: Program) -> None:
    number = added(admin)
    admin.post(f"/people/{number}/roles", {"role": "quality_office"})
    site.later(days=91)

    page, guest = site.browser("admin").get("/organisation/signin").text, site.world.persons["guest"]

    assert f"/organisation/people/{number}" not in page and f"/organisation/people/{guest}" in page


def test_a_disabled_program_opens_nothing_and_gets_no_token(admin: Program) -> None:
    number = added(admin)
    rooms = borne(admin, number)
    admin.post(f"/people/{number}/disable", {}, If_Match="*")

    assert code(rooms.get("/me")) == (401, "token.invalid")
    assert code(admin.post(f"/programs/{number}/tokens", WANTED)) == (409, "account.disabled")
    assert admin.get(f"/programs/{number}").get_json()["disabled_at"] is not None


def test_programs_and_what_they_bear_are_counted_alike_on_both_databases(store_app: Flask) -> None:
    world = World()
    adm = SignedIn(session="", person=world.people["adm"], college=transact(db.session, lambda d: world.college(d).id),
                   login="adm", name="adm", language="en", device="", kinds=frozenset(), titles=())  # fmt: skip
    first, second = (programs.add(db.session, world.origin("adm"), adm, login, login) for login in ("rooms", "doors"))
    kept, gone = (programs.issue(db.session, world.origin("adm"), adm, first, "x", ["read"], 3)[0] for _ in range(2))
    programs.revoke(db.session, world.origin("adm"), adm, first, gone)

    found = programs.listed(db.session, world.origin("adm"), adm)

    assert [(one.id, one.login, one.tokens, one.last_used_at) for one in found] == [
        (second, "doors", 0, None), (first, "rooms", 1, None)]  # fmt: skip
    assert [one.id for one in programs.one(db.session, world.origin("adm"), adm, first).tokens] == [kept]
    assert world.proven()


def test_a_person_is_no_program(site: Site, admin: Program) -> None:
    path = f"/programs/{site.world.persons['lead']}"

    assert code(admin.get(path)) == code(admin.post(f"{path}/tokens", WANTED)) == (404, "person.not_found")
    assert code(admin.ask("DELETE", f"{path}/tokens/1")) == (404, "person.not_found")


@pytest.mark.parametrize(("sent", "pointer"), [
    ({"login": "lead", "name": "x"}, ""), ({"login": "a b", "name": "x"}, "/login"),
    ({"login": "rooms", "name": " "}, "/name"), ({"login": "rooms", "name": "x", "id": 1}, "/id"),
])  # fmt: skip
def test_a_program_that_cannot_be_is_refused_at_its_place(admin: Program, sent: dict[str, str], pointer: str) -> None:
    answer = admin.post("/programs", sent)

    errors = answer.get_json(force=True).get("errors", [{"pointer": ""}])
    assert (answer.status_code, errors[0]["pointer"]) == (422 if pointer else 409, pointer)
    assert admin.get("/programs").get_json()["items"] == []


def test_the_page_adds_a_program_shows_its_token_once_and_revokes_it(site: Site) -> None:
    admin = site.browser("admin", "en")
    answer = admin.post("/organisation/programs", "/organisation/programs", login="rooms", name="Rooms")
    path = answer.headers["Location"]
    shown = admin.post(f"{path}/tokens", path, **SENT)
    rooms = Program(site, TOKEN.findall(shown.text)[0])
    told, page = rooms.get("/me").get_json(), admin.get(path).text
    (revoke,) = re.findall(rf"{path}/tokens/\d+/revoke", page)

    assert (told["login"], told["scopes"]) == ("rooms", ["read"])
    assert rooms.token not in page and "nightly" in page and "last used" in page
    assert "Rooms" in admin.get("/organisation/programs").text and "1 token" in admin.get("/organisation/programs").text
    assert admin.post(revoke, path).status_code == 303
    assert rooms.get("/me").status_code == 401 and "nightly" not in admin.get(path).text


@pytest.mark.parametrize(("sent", "fault"), [
    ({**SENT, "name": ""}, "Something must be entered here"), ({**SENT, "days": "0"}, "This value is out of range"),
    ({**SENT, "scope": "everything"}, "Choose what the token is for"),
])  # fmt: skip
def test_what_makes_no_token_of_a_program_is_told_at_its_field(site: Site, sent: dict[str, str], fault: str) -> None:
    path = f"/organisation/programs/{added(program(site, 'admin'))}"

    answer = site.browser("admin", "en").post(f"{path}/tokens", path, **sent)

    assert answer.status_code == 422 and fault in answer.text
