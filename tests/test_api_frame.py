"""The frame of diagnosis over the API: read, kept, taken and replaced by the office, answered in its cycles."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast

import pytest
from browsing import Site
from calling import Program, code, program
from framing import DEPARTMENT, SCHOOL, TEACHING, FrameWorld, framed
from openpyxl import load_workbook
from test_frame import FILE

from qaflow.config import Settings
from qaflow.engine.diagnosis import DEGREES

ANNEX = {"items": 7, "elements": 36, "points": 90, "tasks": 301}
"""What document 003 says of its own tables: annex 1, note 1, and the line below annex 2."""
LIBRARY = "wuhan-software"
PDF = b"%PDF-1.7\nthe minutes"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on document 003's college."""
    yield from framed(settings)


@pytest.fixture
def office(site: Site) -> Program:
    """Return a client of the quality office."""
    return program(site, "office")


def world(site: Site) -> FrameWorld:
    """Return the college."""
    return cast(FrameWorld, site.world)


def part(by: Program, of: str) -> dict[str, Any]:
    """Return a part of the frame by its code."""
    (found,) = [one for one in by.get("/frame").get_json()["parts"] if one["code"] == of]
    return cast(dict[str, Any], found)


def answer(of: str, degree: str = "met", version: int = 0, **more: Any) -> dict[str, Any]:
    """Return an answer as it is sent."""
    return {"code": of, "degree": degree, "version": version, **more}


def faults(told: Any) -> list[tuple[str, str]]:
    """Return where the faults of a refusal are, and their codes."""
    return [(one["pointer"], one["code"]) for one in told.get_json()["errors"]]


def test_the_whole_of_document_003_is_told(office: Program) -> None:
    found = office.get("/frame").get_json()
    table = office.get("/frame/annex3").get_json()

    assert found["counts"] == ANNEX and found["edits"] is True
    levels = [one["level"] for one in found["parts"]]
    assert [levels.count(one) for one in ("item", "element", "point")] == [7, 36, 90]
    assert len(table["lines"]) == 90 and sum(len(one["tasks"]) for one in table["lines"]) == 301


@pytest.mark.parametrize(("language", "heading"), [("en", "Diagnosis item"), ("zh", "诊断项目")])
def test_the_workbook_of_annex_3_is_the_page_s_own_in_the_language_that_is_named(
    site: Site, office: Program, language: str, heading: str
) -> None:
    def rows(data: bytes) -> list[tuple[Any, ...]]:
        return list(load_workbook(BytesIO(data)).worksheets[0].iter_rows(values_only=True))

    handed = office.get(f"/frame/annex3.xlsx?language={language}")

    assert handed.headers["Content-Disposition"].startswith('attachment; filename="annex3.xlsx"')
    assert rows(handed.data) == rows(site.browser("office", language).get("/frame/annex3.xlsx").data)
    assert (rows(handed.data)[1][0], len(rows(handed.data))) == (heading, 90 + 2)
    same = rows(office.get("/frame/annex3.xlsx").data) == rows(handed.data)
    assert same is (office.get("/me").get_json()["language"] == language)
    assert office.get("/frame/annex3.xlsx?language=fr").status_code == 422


def test_the_kind_of_the_college_leaves_points_out(office: Program) -> None:
    asked = {}
    for kind in ("new", "ordinary", "demonstration"):
        assert office.post("/frame/kind", {"kind": kind}).status_code == 200
        asked[kind] = office.get("/frame").get_json()["asked"]

    assert asked == {"new": 84, "ordinary": 87, "demonstration": 90}


def test_a_part_is_reworded_as_it_was_read_and_what_is_not_named_stays(office: Program) -> None:
    before = part(office, "1.1.1")
    path = f"/frame/parts/{before['id']}"
    tag = office.get(path).headers["ETag"]

    after = office.ask("PATCH", path, {"name": {"en": "Own goals"}, "requirement": {"zh": "要求"},
                                       "indicators": [{"zh": "指标", "en": "Indicator"}, {"zh": "同"}]},
                       If_Match=tag)  # fmt: skip

    assert after.status_code == 200, after.text
    told = after.get_json()
    assert told["name"] == {"zh": before["name"]["zh"], "en": "Own goals"}
    assert told["indicators"] == [{"zh": "指标", "en": "Indicator"}, {"zh": "同", "en": "同"}]
    assert {told[name] == before[name] for name in ("star", "platform", "code", "parent", "tasks")} == {True}
    assert after.headers["ETag"] == '"2"' and office.get(path).get_json() == told
    again = office.ask("PATCH", path, {"name": {"en": "Slower"}}, If_Match=tag)
    assert code(again) == (412, "version.stale") and again.get_json()["current"] == "2"
    assert code(office.ask("PATCH", path, {"star": "*"})) == (428, "match.missing")
    none = office.ask("PATCH", path, {"requirement": None}, If_Match='"2"').get_json()
    assert none["requirement"] is None and none["name"]["en"] == "Own goals"


@pytest.mark.parametrize(("sent", "fault"), [
    ({"name": {"zh": " ", "en": " "}}, ("/name/zh", "text.blank")),
    ({"name": {"zh": "a\x07"}}, ("/name/zh", "text.control_character")),
    ({"indicators": [{"zh": ""}]}, ("/indicators", "text.blank")),
    ({"star": "***"}, ("/star", "value.unknown")),
    ({"name": {"zh": "x" * 201}}, ("/name/zh", "text.too_long")),
    ({"level": "item"}, ("/level", "field.unknown")),
])  # fmt: skip
def test_words_that_do_not_fit_are_told_at_their_field(
    office: Program, sent: dict[str, Any], fault: tuple[str, str]
) -> None:
    before = part(office, "1.1.1")

    refused = office.ask("PATCH", f"/frame/parts/{before['id']}", sent, If_Match="*")

    assert refused.status_code == 422 and fault in faults(refused)
    assert part(office, "1.1.1") == before


def test_a_part_of_the_college_s_own_is_added_dropped_and_asked_again(office: Program) -> None:
    sent = {"code": "1.1.9", "parent": "1.1", "name": {"zh": "校本", "en": "Own"}, "star": ""}

    taken = office.post("/frame/parts", sent | {"code": "1.1.1"})
    astray = office.post("/frame/parts", sent | {"parent": "1.1.1"})
    made = office.post("/frame/parts", sent)

    assert faults(taken) == [("/code", "frame.code_taken")] and faults(astray) == [("/parent", "frame.parent")]
    assert made.status_code == 201, made.text
    path = made.headers["Location"].removeprefix("/api/v1")
    assert office.get("/frame").get_json()["counts"]["points"] == 91
    dropped = office.post(f"{path}/drop", None, If_Match=made.headers["ETag"])
    assert (dropped.get_json()["dropped"], dropped.get_json()["asked"]) == (True, False)
    assert office.get("/frame").get_json()["counts"]["points"] == 90
    assert code(office.post(f"{path}/restore", None, If_Match='"1"')) == (412, "version.stale")
    assert office.post(f"{path}/restore", None, If_Match='"2"').get_json()["asked"] is True


def test_taking_is_told_first_and_done_only_as_told(office: Program) -> None:
    number = part(office, "1.1.1")["id"]
    office.ask("PATCH", f"/frame/parts/{number}", {"name": {"zh": "自拟", "en": "Own"}}, If_Match="*")
    (library,) = office.get("/frame/libraries").get_json()["items"]
    assert library["key"] == LIBRARY and library["counts"] == ANNEX
    sent = {"library": LIBRARY, "parts": ["1"]}

    plan = office.post("/frame/take/plan", sent)

    (changed,) = plan.get_json()["changed"]
    assert (changed["before"]["name"]["en"], changed["after"]["code"]) == ("Own", "1.1.1")
    assert part(office, "1.1.1")["name"]["en"] == "Own"
    assert code(office.post("/frame/take", sent, If_Match='"' + "0" * 64 + '"')) == (412, "preview.changed")
    assert code(office.post("/frame/take", sent | {"parts": ["2"]}, If_Match=plan.headers["ETag"]))[0] == 412
    assert office.post("/frame/take", sent, If_Match=plan.headers["ETag"]).status_code == 200
    assert part(office, "1.1.1")["name"] == changed["after"]["name"]
    assert faults(office.post("/frame/take/plan", sent | {"parts": ["x"]})) == [("/parts", "frame.nothing_chosen")]
    assert code(office.post("/frame/take/plan", sent | {"library": "x"})) == (404, "frame.no_library")


def test_a_file_is_checked_and_replaces_the_frame_only_as_told(office: Program) -> None:
    bad = office.post("/frame/replace/plan", {"text": FILE.replace('"1.1.7"', '"1.1.1"')})
    good = office.post("/frame/replace/plan", {"text": FILE})

    assert (bad.get_json()["sound"], bad.get_json()["change"]) == (False, None) and "ETag" not in bad.headers
    assert "def.duplicate_id" in {one["code"] for one in bad.get_json()["faults"]}
    assert good.get_json()["change"]["digest"] == good.headers["ETag"].strip('"')
    assert office.get("/frame").get_json()["counts"] == ANNEX
    assert code(office.post("/frame/replace", {"text": FILE}, If_Match='"x"')) == (412, "preview.changed")
    assert code(office.post("/frame/replace", {"text": FILE}, If_Match="*")) == (412, "preview.changed")
    other = office.post("/frame/replace", {"text": "kind: points"}, If_Match=good.headers["ETag"])
    assert faults(other) == [("/text", "frame.file")]
    done = office.post("/frame/replace", {"text": FILE}, If_Match=good.headers["ETag"])
    assert done.get_json() == good.get_json()["change"]
    assert office.get("/frame").get_json()["counts"] != ANNEX


def test_who_is_not_the_office_reads_the_frame_and_changes_nothing(site: Site, office: Program) -> None:
    dept, before = program(site, "dept"), office.get("/frame").get_json()
    number = part(office, "1.1.1")["id"]

    refused = [
        dept.post("/frame/kind", {"kind": "new"}), dept.post("/frame/parts", {"code": "9", "name": {"zh": "x"}}),
        dept.ask("PATCH", f"/frame/parts/{number}", {"star": "*"}, If_Match="*"), dept.get("/frame/libraries"),
        dept.post(f"/frame/parts/{number}/drop", None, If_Match="*"),
        dept.post("/frame/take/plan", {"library": LIBRARY, "parts": ["1"]}),
        dept.post("/frame/replace/plan", {"text": FILE}), dept.post("/frame/replace", {"text": "x"}, If_Match="*"),
    ]  # fmt: skip

    assert {one.status_code for one in refused} == {403}
    assert dept.get("/frame").get_json() == before | {"edits": False}
    assert office.get("/frame").get_json() == before


def test_points_are_answered_all_or_none_and_a_later_answer_names_the_one_before(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    first, second, *_ = w.points(cycle, "dept")
    dept, path = program(site, "dept"), f"/cycles/{cycle}/frame"

    faulty = dept.post(path, {"answers": [answer(first), answer(second, "not")]})
    assert faults(faulty) == [("/answers/1/problems", "frame.problems")]
    unasked = dept.post(path, {"answers": [answer(first), answer("9.9.9")]})
    assert faults(unasked) == [("/answers/1/code", "frame.not_asked")]
    assert w.rows("select count(*) from frame_answer") == [(0,)]

    sent = {"answers": [answer(first), answer(second, "not", problems="缺", evidence="纪要", causes="人少")]}
    kept = [dept.post(path, sent) for _ in range(2)]
    told = [{"code": of, "place": 0, "version": 1} for of in (first, second)]
    assert [one.get_json() for one in kept] == [{"answers": told}] * 2
    assert code(dept.post(path, {"answers": [answer(first, "mostly")]})) == (412, "frame.answer_stale")
    assert dept.post(path, {"answers": [answer(first, "mostly", 1)]}).status_code == 200

    found = dept.get(path).get_json()
    one, two = found["points"][:2]
    assert [(said["version"], said["degree"]) for said in one["answers"]] == [(2, "mostly"), (1, "met")]
    assert [two["answers"][0][name] for name in ("problems", "evidence", "causes")] == ["缺", "纪要", "人少"]
    assert (found["progress"]["answered"], found["progress"]["asked"]) == (2, len(found["points"]))
    assert [place["mine"] for place in found["places"] if place["number"] == 0] == [True]


def test_an_answer_names_evidence_of_its_own_cycle_alone(site: Site) -> None:
    w = world(site)
    cycle, other = w.diagnose(DEPARTMENT), w.diagnose(TEACHING)
    dept, unit = program(site, "dept"), program(site, "unit")
    mine, foreign = (by.post(f"/cycles/{of}/files?name=a.pdf", PDF + b" %d" % of,
                             Content_Type="application/pdf").get_json()["hash"]
                     for by, of in ((dept, cycle), (unit, other)))  # fmt: skip

    for files in ([foreign], ["0" * 64], [mine, foreign]):
        refused = dept.post(f"/cycles/{cycle}/frame", {"answers": [answer("1.1.1", files=files)]})
        assert faults(refused) == [("/answers/0/files", "frame.file_unknown")]
    assert dept.post(f"/cycles/{cycle}/frame", {"answers": [answer("1.1.1", files=[mine])]}).status_code == 200

    (point,) = [p for p in dept.get(f"/cycles/{cycle}/frame").get_json()["points"] if p["code"] == "1.1.1"]
    assert point["answers"][0]["files"] == [mine]


def test_who_sees_a_diagnosis_reads_it_and_only_its_people_answer(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    path, sent = f"/cycles/{cycle}/frame", {"answers": [answer("1.1.1")]}

    for login, seen, done in (("office", 200, 403), ("vice", 200, 403), ("unit", 404, 404)):
        by = program(site, login)
        assert (by.get(path).status_code, by.post(path, sent).status_code) == (seen, done)
    assert w.rows("select count(*) from frame_answer") == [(0,)]


def test_each_number_of_the_coverage_opens_a_list_of_that_many(site: Site, office: Program) -> None:
    w = world(site)
    for subject in (SCHOOL, TEACHING, DEPARTMENT):
        w.diagnose(subject)
    cycle = w.cycles[DEPARTMENT]
    points = w.points(cycle, "dept")
    sent = [answer(of, degree, problems="缺") for of, degree in zip(points, (*DEGREES, "met"), strict=False)]
    assert program(site, "dept").post(f"/cycles/{cycle}/frame", {"answers": sent}).status_code == 200

    found = office.get("/frame/coverage?term=all").get_json()

    (own,) = [one["progress"] for one in found["cycles"] if one["id"] == cycle]
    assert {one["degree"]: one["count"] for one in own["degrees"]} == dict.fromkeys(DEGREES, 1) | {"met": 2}
    assert own["answered"] == len(sent) and own["asked"] == len(points)
    assert found["total"]["asked"] == sum(one["progress"]["asked"] for one in found["cycles"])
    numbers = [("what=asked", found["total"]["asked"]), ("what=missing", found["total"]["missing"]),
               (f"what=answered&cycle={cycle}", own["answered"]), ("what=met", 2)]  # fmt: skip
    numbers += [(f"what=asked&part={one['code']}", one["progress"]["asked"]) for one in found["items"]]
    for query, number in numbers:
        lines, after = 0, ""
        while after is not None:
            onward = f"&after={after}" if after else ""
            page = office.get(f"/frame/coverage/list?term=all&{query}{onward}").get_json()
            lines, after = lines + len(page["items"]), page["next"]
        assert lines == number, query


def test_coverage_and_annex_tell_only_what_one_may_see(site: Site) -> None:
    w = world(site)
    for subject in (SCHOOL, TEACHING, DEPARTMENT):
        w.diagnose(subject)
    (number,) = w.rows("select id from subject where layer = 'school' and code = :c", c=TEACHING)[0]

    dept = program(site, "dept")

    assert [one["id"] for one in dept.get("/frame/coverage?term=all").get_json()["cycles"]] == [w.cycles[DEPARTMENT]]
    assert dept.get(f"/frame/coverage/list?term=all&cycle={w.cycles[TEACHING]}").get_json()["items"] == []
    for path in ("annex3", "annex3.xlsx"):
        assert code(dept.get(f"/frame/{path}?subject={number}")) == (404, "subject.not_found")
    assert len(program(site, "unit").get(f"/frame/annex3?subject={number}").get_json()["lines"]) == 71 - 3
