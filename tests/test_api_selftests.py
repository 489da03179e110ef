"""Self-tests over the API: opened, answered by whoever is asked alone, handed in once, and told as groups."""


import pytest
from asking import TERM, known, opened
from browsing import Site
from calling import Program, code, program

NEW = {"key": "growth", "term": TERM, "opens": "2025-09-01", "closes": "2025-09-12"}


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with a self-test of its own."""
    known(site.world)
    return site


def test_the_office_opens_a_self_test_and_a_fault_is_named_at_its_field(site: Site) -> None:
    office = program(site, "office")

    first, again = office.post("/selftests", NEW), office.post("/selftests", NEW)

    assert (first.status_code, first.get_json()["id"]) == (201, again.get_json()["id"])
    assert site.world.query("select key, closes from questionnaire") == [("growth", "2025-09-12")]
    for more, pointer, fault in (({"key": "no"}, "/key", "selftest.unknown"),
                                 ({"term": "no"}, "/term", "value.unknown"),
                                 ({"closes": "2025-08-01"}, "/closes", "selftest.dates"),
                                 ({"state": "open"}, "/state", "field.read_only")):  # fmt: skip
        (told,) = office.post("/selftests", NEW | more).get_json(force=True)["errors"]
        assert (told["pointer"], told["code"]) == (pointer, fault)
    assert code(office.post("/selftests", NEW | {"closes": "2025-09-13"})) == (409, "selftest.exists")
    assert code(program(site, "lead").post("/selftests", NEW)) == (403, "action.forbidden")


def test_a_self_test_is_answered_in_parts_and_handed_in_once(site: Site, lead: Program) -> None:
    number = opened(site.world)
    path = f"/selftests/{number}/subjects/{site.world.subjects['C1']}"
    keys = [one["key"] for one in lead.get(path).get_json()["asked"]]

    part = lead.post(f"{path}/answers", {"answers": [{"question": keys[0], "grade": 4}]})
    early = lead.post(f"{path}/hand-in", None)
    lead.post(f"{path}/answers", {"answers": [{"question": key, "grade": 2} for key in keys[1:]]})
    done, again = lead.post(f"{path}/hand-in", None), lead.post(f"{path}/hand-in", None)

    assert (part.get_json()["answered"], code(early)) == (1, (422, "selftest.missing"))
    assert [one["mine"] for one in done.get_json()["result"]["elements"]] == [3, 2, 2, 2]
    assert (done.get_json()["result"]["why"], again.get_json()) == ("open", done.get_json())
    assert site.world.query("select count(*) from journal where kind = 'SelfTestHandedIn'") == [(1,)]
    late = lead.post(f"{path}/answers", {"answers": [{"question": keys[0], "grade": 5}]})
    assert code(late) == (409, "selftest.handed_in")
    listed = [one for one in lead.get("/selftests").get_json()["mine"] if one["subject"] == site.world.subjects["C1"]]
    assert [one["answered"] for one in listed] == [len(keys)]
    taken = program(site, "office").get(f"/selftests/{number}").get_json()
    assert taken["handed_in"] == 1 and all(one["means"] is None for one in taken["groups"])


def test_a_self_test_goes_into_the_running_diagnosis_alone(site: Site, lead: Program) -> None:
    path = f"/selftests/{opened(site.world)}/subjects/{site.world.subjects['C1']}"
    keys = [one["key"] for one in lead.get(path).get_json()["asked"]]

    assert code(lead.post(f"{path}/take", None)) == (404, "selftest.not_found")
    lead.post(f"{path}/answers", {"answers": [{"question": key, "grade": 2} for key in keys]})
    lead.post(f"{path}/hand-in", None)

    assert code(lead.post(f"{path}/take", None)) == (409, "selftest.no_diagnosis")


def test_anothers_answers_are_as_absent_as_those_that_are_not_there(site: Site, lead: Program) -> None:
    number, subject = opened(site.world), site.world.subjects["C1"]

    for path in (f"/selftests/{number}/subjects/{subject}", f"/selftests/{number}/subjects/40404",
                 f"/selftests/404/subjects/{subject}"):  # fmt: skip
        for who in (program(site, "office"), program(site, "far_lead")):
            assert code(who.get(path)) == (404, "selftest.not_found")
            grades = {"answers": [{"question": "a1x", "grade": 1}]}
            assert code(who.post(f"{path}/answers", grades)) == (404, "selftest.not_found")
            assert code(who.post(f"{path}/hand-in", None)) == (404, "selftest.not_found")
            assert code(who.post(f"{path}/take", None)) == (404, "selftest.not_found")
    assert code(lead.get(f"/selftests/{number}")) == (404, "selftest.not_found")
    wrong = lead.post(f"/selftests/{number}/subjects/{subject}/answers", {"answers": [{"question": "zz", "grade": 1}]})
    assert code(wrong) == (422, "value.unknown")
