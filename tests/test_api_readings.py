"""Control points and readings over the API: what is kept, known and refused, limits from a day on, and the time."""

import datetime as dt
import gc
import time
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from reviewing import go_elsewhere

from qaflow.testing import MONDAY

AT = "2025-09-01T00:30:00Z"
LIMITS = {"valid_from": "2025-09-02", "direction": "higher", "target": 70, "lower": 60, "alarm_lower": 20,
          "reason": "the plan of the year"}  # fmt: skip


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with a point and a running cycle."""
    site.world.point()
    site.world.start("C1")
    return site


def one(**more: Any) -> dict[str, Any]:
    """Return a reading of the point."""
    return {"point": "hours", "subject": "C1", "at": AT, "value": 50, "source": "timetable"} | more


def test_a_reading_is_kept_once_and_opens_what_it_must(site: Site, office: Program) -> None:
    first = office.post("/readings", {"items": [one(value=40), one(subject="C9", value=50)]}).get_json()
    again = office.post("/readings", {"items": [one(value=40), one(subject="C9", value=50)]}).get_json()

    assert [r["status"] for r in first["results"]] == ["kept", "kept"] and first["opened"] == 1
    assert [r["status"] for r in again["results"]] == ["known", "known"] and again["accepted"] == 0
    assert site.world.query("select value, source from reading order by value") == [(40.0, "timetable"),
                                                                                    (50.0, "timetable")]  # fmt: skip


def test_a_wrong_reading_is_named_and_the_others_are_kept(site: Site, office: Program) -> None:
    items = [one(), one(subject="C404"), one(point="nothing"), one(at="2031-01-01T00:00:00Z")]

    found = office.post("/readings", {"items": items}).get_json()

    assert [(r["status"], r["code"]) for r in found["results"]] == [
        ("kept", None), ("refused", "ref.unknown_subject"), ("refused", "ref.unknown_point"),
        ("refused", "date.future")]  # fmt: skip
    assert (found["accepted"], found["refused"]) == (1, 3)
    assert site.world.query("select count(*) from reading") == [(1,)]


def test_all_or_nothing_keeps_nothing_where_one_is_wrong(site: Site, office: Program) -> None:
    answer = office.post("/readings", {"items": [one(), one(subject="C404")], "all_or_nothing": True})

    assert code(answer) == (422, "readings.invalid")
    assert answer.get_json(force=True)["errors"][0]["pointer"] == "/items/1"
    assert site.world.query("select count(*) from reading") == [(0,)]


@pytest.mark.parametrize(("more", "fault"), [
    ({"value": "50"}, "type.expected_number"), ({"value": True}, "type.expected_number"),
    ({"at": "2025-09-01"}, "instant.invalid"), ({"at": "2025-09-01T08:00:00"}, "instant.invalid"),
    ({"source": ""}, "text.too_long"), ({"version": 2}, "field.read_only"), ({"extra": 1}, "field.unknown"),
])  # fmt: skip
def test_a_malformed_reading_refuses_the_whole_delivery_at_its_place(
    site: Site, office: Program, more: dict[str, Any], fault: str
) -> None:
    answer = office.post("/readings", {"items": [one(), one(**more)]})

    assert answer.status_code == 422
    (told,) = answer.get_json(force=True)["errors"]
    assert (told["pointer"], told["code"]) == (f"/items/1/{next(iter(more))}", fault)
    assert site.world.query("select count(*) from reading") == [(0,)]


def test_another_value_needs_its_reason_and_then_corrects(site: Site, office: Program) -> None:
    office.post("/readings", {"items": [one()]})

    bare = office.post("/readings", {"items": [one(value=51)]}).get_json()
    told = office.post("/readings", {"items": [one(value=51, reason="counted again")]}).get_json()

    assert bare["results"][0]["code"] == "reading.differs"
    assert (told["corrected"], told["results"][0]["status"]) == (1, "kept")
    assert site.world.query("select value, version from reading order by version") == [(50.0, 1), (51.0, 2)]


def test_whoever_hands_in_nothing_is_refused_and_a_token_for_else_too(site: Site) -> None:
    assert code(program(site, "guest").post("/readings", {"items": [one()]})) == (403, "action.forbidden")


def test_a_reading_is_corrected_by_its_number_and_the_series_shows_both(site: Site, office: Program) -> None:
    office.post("/readings", {"items": [one()]})

    answer = office.post("/readings/1/correct", {"value": 52, "reason": "a slip"})

    assert [(line["value"], line["replaced"]) for line in answer.get_json()["items"]] == [(52.0, False), (50.0, True)]
    subject = site.world.subjects["C1"]
    assert office.get(f"/readings?point=1&subject={subject}").get_json()["items"] == answer.get_json()["items"]
    assert code(office.post("/readings/404/correct", {"value": 1, "reason": "x"})) == (404, "reading.not_found")
    assert code(program(site, "far_lead").get(f"/readings?point=1&subject={subject}"))[0] == 404


def test_points_are_listed_and_limits_set_as_they_were_read(site: Site, office: Program) -> None:
    office.post("/readings", {"items": [one(value=40)]})
    (line,) = office.get("/points").get_json()["items"]
    shown = office.get("/points/1")

    set_ = office.post("/points/1/limits", LIMITS, If_Match=shown.headers["ETag"])
    stale = office.post("/points/1/limits", LIMITS, If_Match=shown.headers["ETag"])

    assert (line["key"], line["outside"]) == ("hours", 1)
    assert shown.get_json()["subjects"][0]["severity"] == "minor"
    assert set_.get_json()["dated"][0]["limits"]["lower"] == 60
    assert code(stale) == (412, "version.stale")
    assert code(office.post("/points/1/limits", LIMITS)) == (428, "match.missing")
    assert code(program(site, "lead").post("/points/1/limits", LIMITS, If_Match='"2"'))[0] == 403
    assert code(office.get("/points/404")) == (404, "point.not_found")


def test_a_reading_is_shown_with_its_versions_by_the_number_of_each(site: Site, office: Program) -> None:
    office.post("/readings", {"items": [one(), one(at="2025-09-01T00:31:00Z"), one(subject="C9")]})
    for value, reason in ((51, "a slip"), (52, "another")):
        (newest,) = site.world.query("select max(id) from reading where at = :at and subject_id = :s",
                                     at="2025-09-01T00:30:00.000000Z", s=site.world.subjects["C1"])[0]
        office.post(f"/readings/{newest}/correct", {"value": value, "reason": reason})
    first, middle, last = (number for (number,) in site.world.query(
        "select id from reading where at = (select at from reading where id = 1) and subject_id = (select subject_id "
        "from reading where id = 1) order by version"))  # fmt: skip

    answer = office.get(f"/readings/{middle}")
    told = answer.get_json()

    assert [(v["id"], v["value"], v["reason"], v["replaced"]) for v in told["versions"]] == [
        (last, 52, "another", False), (middle, 51, "a slip", True), (first, 50, "", True)]  # fmt: skip
    assert (told["point"], told["subject"], told["may_give"]) == ("hours", "C1", True)
    assert {name: told[name] for name in told["versions"][1]} == told["versions"][1]
    assert office.get(f"/readings/{first}").get_json()["versions"] == told["versions"] and answer.headers["ETag"]


def test_a_reading_out_of_sight_is_told_as_one_that_is_not_there(site: Site, office: Program) -> None:
    office.post("/readings", {"items": [one()]})
    far = program(site, "far_lead")
    correction = {"value": 1, "reason": "x"}

    hidden, absent = far.get("/readings/1"), far.get("/readings/987654")

    assert code(hidden) == code(absent) == (404, "reading.not_found")
    assert code(far.post("/readings/1/correct", correction)) == (404, "reading.not_found")
    go_elsewhere(site, "office")
    assert code(office.get("/readings/1")) == (404, "reading.not_found")


def test_ten_thousand_readings_are_taken_in_under_two_seconds(site: Site, office: Program) -> None:
    site.world.courses([f"S{n}" for n in range(1000)], "section", "lead")
    items = [one(subject=f"S{n % 1000}", at=(MONDAY - dt.timedelta(days=n // 1000)).isoformat(), value=50 + n % 7)
             for n in range(10_000)]  # fmt: skip

    gc.freeze()  # what earlier tests left is not this request's to walk
    start = time.process_time()
    answer = office.post("/readings", {"items": items})
    spent = time.process_time() - start
    gc.unfreeze()

    assert answer.get_json()["accepted"] == 10_000
    assert spent < 2, spent
