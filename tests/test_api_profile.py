"""What one sets for oneself over the API: language, notices, days away, deputies."""


import pytest
from browsing import Site
from calling import Program, code, program

DAYS = {"starts": "2025-09-08", "ends": "2025-09-12"}


def test_the_language_is_that_of_the_person_and_is_changed_as_it_was_read(site: Site, lead: Program) -> None:
    read = lead.get("/me/language")
    changed = lead.ask("PUT", "/me/language", {"language": "en"}, If_Match=read.headers["ETag"])
    late = lead.ask("PUT", "/me/language", {"language": "zh"}, If_Match=read.headers["ETag"])

    assert (read.get_json(), changed.get_json()) == ({"language": "zh"}, {"language": "en"})
    assert code(late) == (412, "version.stale")
    assert code(lead.ask("PUT", "/me/language", {"language": "zh"})) == (428, "match.missing")
    assert code(lead.ask("PUT", "/me/language", {"language": "fr"}, If_Match="*")) == (422, "data.invalid")
    assert lead.get("/me").get_json()["language"] == "en"
    assert changed.headers["ETag"] == lead.get("/me/language").headers["ETag"]
    assert site.world.query("select login from person where language = 'en'") == [("lead",)]


def test_how_one_is_told_is_kept_whole_and_what_is_not_named_is_as_the_definitions_say(lead: Program) -> None:
    read = lead.get("/me/notices")
    wanted = {"mail": True, "address": "a@example.org", "hour": 9, "topics": [{"what": "copy", "how": "off"}]}
    kept = lead.ask("PUT", "/me/notices", wanted, If_Match=read.headers["ETag"])
    late = lead.ask("PUT", "/me/notices", wanted, If_Match=read.headers["ETag"])
    again = {"mail": False, "address": None, "hour": 10}
    lead.ask("PUT", "/me/notices", again, If_Match=kept.headers["ETag"])

    before, after = read.get_json()["topics"], lead.get("/me/notices").get_json()
    changed = [dict(old, how="off") if old["what"] == "copy" else old for old in before]
    assert kept.get_json() == wanted | {"topics": changed} and changed != before
    assert code(late) == (412, "version.stale")
    assert after == again | {"topics": before}


@pytest.mark.parametrize(("sent", "pointer", "fault"), [
    ({"address": "nowhere"}, "/address", "mail.address"),
    ({"hour": 3}, "/hour", "value.range"),
    ({"topics": [{"what": "decision", "how": "off"}]}, "/topics", "value.unknown"),
    ({"topics": [{"what": "weather", "how": "off"}]}, "/topics/0/what", "value.unknown"),
    ({"topics": [{"what": "copy", "how": "off"}, {"what": "copy", "how": "digest"}]}, "/topics", "list.twice"),
    ({"person": 1}, "/person", "field.unknown"),
])  # fmt: skip
def test_a_choice_of_notices_that_cannot_be_is_refused_at_its_place(
    lead: Program, sent: dict[str, object], pointer: str, fault: str
) -> None:
    before = lead.get("/me/notices")
    answer = lead.ask("PUT", "/me/notices", {"mail": True, "address": None, "hour": 9} | sent, If_Match="*")

    found = answer.get_json(force=True)["errors"][0]
    assert (answer.status_code, found["pointer"], found["code"]) == (422, pointer, fault)
    assert lead.get("/me/notices").get_json() == before.get_json()


def test_days_away_are_noted_for_oneself_and_ended(lead: Program) -> None:
    made_ = lead.post("/me/absences", {**DAYS, "reason": "leave"})
    twice = lead.post("/me/absences", DAYS)
    (shown,) = lead.get("/me/absences").get_json()["items"]

    assert made_.status_code == 201 and twice.get_json() == made_.get_json()
    assert shown == {**made_.get_json(), **DAYS}
    assert code(lead.post("/me/absences", {"starts": "2025-09-10", "ends": "2025-09-11"})) == (409, "absence.overlap")
    assert code(lead.post("/me/absences", {**DAYS, "person": 1})) == (422, "data.invalid")
    assert lead.ask("DELETE", f"/absences/{shown['id']}").status_code == 204
    assert lead.get("/me/absences").get_json()["items"] == []


def test_a_colleague_stands_in_until_either_of_both_ends_it(site: Site, lead: Program) -> None:
    made_ = lead.post("/me/deputies", {**DAYS, "who": "deputy"})
    stand_in, number = program(site, "deputy"), made_.get_json()["id"]
    mine, theirs = (one.get("/me/deputies").get_json()["items"] for one in (lead, stand_in))

    persons = site.world.persons
    assert [(one["id"], one["person"], one["deputy"]) for one in mine] == [(number, persons["lead"], persons["deputy"])]
    assert theirs == mine
    assert code(program(site, "guest").ask("DELETE", f"/me/deputies/{number}")) == (404, "deputy.not_found")
    assert stand_in.ask("DELETE", f"/me/deputies/{number}").status_code == 204
    assert lead.get("/me/deputies").get_json()["items"] == []
    assert code(lead.ask("DELETE", f"/me/deputies/{number}")) == (404, "deputy.not_found")


@pytest.mark.parametrize(("sent", "pointer"), [
    ({"who": "nobody"}, "/who"), ({"who": "lead"}, "/who"), ({"who": "deputy", "ends": "2025-09-01"}, "/ends"),
    ({"who": "deputy", "layer": "moon"}, "/layer"), ({"who": "deputy", "person": 1}, "/person"),
])  # fmt: skip
def test_a_deputy_who_cannot_be_is_refused_at_the_place(lead: Program, sent: dict[str, str], pointer: str) -> None:
    answer = lead.post("/me/deputies", {**DAYS, **sent})

    assert (answer.status_code, answer.get_json(force=True)["errors"][0]["pointer"]) == (422, pointer)
    assert lead.get("/me/deputies").get_json()["items"] == []
