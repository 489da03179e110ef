"""Diagnosis points in the browser: tree, coverage with the lists behind it, annex 3, answers, the office's forms."""

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any, cast

import pytest
from browsing import Browser, Site
from framing import DEPARTMENT, SCHOOL, TEACHING, FrameWorld, framed
from openpyxl import load_workbook
from test_frame import FILE

from qaflow.config import Settings
from qaflow.engine.diagnosis import DEGREES
from qaflow.services.frame import edits as frame_edits

LEVEL = re.compile(r'data-level="(\w+)"')
LINK = re.compile(r'<a class="q-n[^"]*" href="(/frame/list[^"]*)">([\d,]+)</a>')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
ANNEX = {"item": 7, "element": 36, "point": 90, "task": 301}
"""What document 003 says of its own tables: annex 1, note 1, and the line below annex 2."""
HEADINGS = ("诊断项目", "诊断要素", "诊断点", "主要工作", "诊断标准", "测量数据内涵", "预警值", "测量结果", "表现形式")
ASKED_OF_NONE_BUT_DEMONSTRATION = ("对外合作", "现代学徒制", "系统培养")


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on document 003's college."""
    yield from framed(settings)


def world(site: Site) -> FrameWorld:
    """Return the college."""
    return cast(FrameWorld, site.world)


def levels(text: str) -> dict[str, int]:
    """Return how many parts of each level a page shows."""
    found = LEVEL.findall(text)
    return {level: found.count(level) for level in ANNEX}


def sheet(browser: Browser, path: str) -> list[list[Any]]:
    """Return the rows of a workbook that the program gives, headings first."""
    answer = browser.get(path)
    assert answer.status_code == 200 and zipfile.is_zipfile(BytesIO(answer.data))
    rows = [list(row) for row in load_workbook(BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True)]
    return rows[1:]  # the first line names college and subject


def hidden(text: str, action: str) -> dict[str, Any]:
    """Return what the form of an action holds and does not show."""
    form = text.partition(f'<form method="post" action="{action}">')[2].partition("</form>")[0]
    found: dict[str, Any] = {}
    for name, value in HIDDEN.findall(form):
        if name != "csrf_token":
            found.setdefault(name, []).append(unescape(value))
    return found


@pytest.mark.parametrize("path", ["/frame", "/frame/annex3"])
def test_the_whole_of_document_003_stands_on_the_page(site: Site, path: str) -> None:
    assert levels(site.browser("office").get(path).text) == ANNEX


def test_the_workbook_of_annex_3_holds_it_too_under_the_source_s_headings(site: Site) -> None:
    headings, *rows = sheet(site.browser("office", "zh"), "/frame/annex3.xlsx")

    assert tuple(headings) == HEADINGS
    tasks = [line for row in rows for line in str(row[3] or "").split("\n") if line]
    assert (len({r[0] for r in rows}), len({r[1] for r in rows}), len(rows), len(tasks)) == tuple(ANNEX.values())
    assert sorted(int(line.partition(".")[0]) for line in tasks) == list(range(1, 302))


@pytest.mark.parametrize(("kind", "shown"), [("new", 6), ("ordinary", 3), ("demonstration", 0)])
def test_points_that_this_kind_of_college_is_not_asked_are_marked(site: Site, kind: str, shown: int) -> None:
    browser = site.browser("office", "en")

    assert browser.post("/frame/kind", kind=kind).status_code == 303

    for path in ("/frame", "/frame/annex3"):
        text = browser.get(path).text
        marked = [line for line in text.splitlines() if "not asked of this kind of college" in line]
        assert len(marked) == shown, path
        if kind == "ordinary":
            assert all("**" in line for line in marked)


def test_a_reading_within_sight_stands_in_annex_3_with_its_warning_value(site: Site) -> None:
    from qaflow.services.points import monitoring

    w = world(site)
    reading = monitoring.NewReading("student-teacher-ratio", "school", SCHOOL, w.now, 17.5, "test")
    monitoring.accept(w.session, w.origin(), 1, [reading])

    for login, seen in (("office", True), ("dept", False)):
        browser = site.browser(login, "en")
        text = browser.get("/frame/annex3").text
        assert ("17.5 :1" in text) is seen
    row = next(r for r in sheet(site.browser("office", "en"), "/frame/annex3.xlsx") if str(r[2]).startswith("2.2.1 "))
    assert "above 18" in row[6] and row[7].startswith("17.5 :1 (")


def test_the_warning_value_of_annex_3_is_that_in_force_today(site: Site) -> None:
    from qaflow.services.work import transact
    from qaflow.store import limits

    w = world(site)
    (point,) = w.rows("select id from control_point where key = 'student-teacher-ratio'")[0]
    row = {"point_id": point, "subject_id": None, "direction": "lower", "target": 15.0, "warn_lower": None,
           "alarm_lower": None, "alarm_upper": None, "reason": "0" * 64, "set_at": "2025-08-01T00:00:00.000000Z",
           "set_by": w.people["office"]}  # fmt: skip
    days = [
        row | {"valid_from": "2025-08-01", "warn_upper": 17.0},
        row | {"valid_from": "2026-01-01", "warn_upper": 9.0},
    ]
    transact(w.session, lambda d: limits.put(d, 1, days))

    rows = sheet(site.browser("office", "en"), "/frame/annex3.xlsx")

    assert "above 17" in next(r for r in rows if str(r[2]).startswith("2.2.1 "))[6].split("\n")


def test_another_unit_s_subject_is_not_there_in_annex_3(site: Site) -> None:
    (number,) = world(site).rows("select id from subject where layer = 'school' and code = :c", c=TEACHING)[0]

    answers = {
        login: site.browser(login).get(f"/frame/annex3?subject={number}") for login in ("unit", "dept", "office")
    }

    assert {login: one.status_code for login, one in answers.items()} == {"unit": 200, "dept": 404, "office": 200}
    assert levels(answers["unit"].text)["point"] == 71 - 3


def test_each_number_of_the_coverage_opens_a_list_of_that_many_lines(site: Site) -> None:
    w = world(site)
    for code in (SCHOOL, TEACHING, DEPARTMENT):
        w.diagnose(code)
    points = w.points(w.cycles[DEPARTMENT], "dept")
    for code, degree in zip(points, (*DEGREES, "met"), strict=False):
        w.answer(w.cycles[DEPARTMENT], "dept", code, degree, problems="缺")
    browser = site.browser("office", "en")

    found = LINK.findall(browser.get("/frame/coverage?term=all").text)

    assert len(found) > 20
    for address, number in found:
        lines, page = 0, 1
        while lines < int(number):
            answer = browser.get(f"{unescape(address)}&page={page}")
            assert answer.status_code == 200
            lines, page = lines + answer.text.partition("<tbody>")[2].count("<tr>"), page + 1
        assert (lines, page - 1) == (int(number), -(-int(number) // 100)), address


def test_coverage_counts_only_diagnoses_that_one_may_see(site: Site) -> None:
    w = world(site)
    for code in (SCHOOL, TEACHING, DEPARTMENT):
        w.diagnose(code)
    mine = len(w.points(w.cycles[DEPARTMENT], "dept"))
    browser = site.browser("dept", "en")

    text = browser.get("/frame/coverage?term=all").text

    assert {number for address, number in LINK.findall(text) if "part=" not in address} == {str(mine)}
    foreign = browser.get(f"/frame/list?term=all&cycle={w.cycles[TEACHING]}").text
    assert "<tbody>" not in foreign and browser.get(f"/cycles/{w.cycles[TEACHING]}/frame").status_code == 404
    assert "<tbody>" not in site.browser("leader", "en").get("/frame/coverage?term=all").text


@pytest.mark.parametrize("query", ["term=x", "what=asked&page=999", "what=secret", "unit=-1", "cycle=" + "9" * 30,
                                   "part=%00", "page=0"])  # fmt: skip
def test_what_an_address_cannot_mean_is_answered_calmly(site: Site, query: str) -> None:
    assert site.browser("office").get(f"/frame/list?{query}").status_code in (200, 422)


def test_points_are_answered_one_after_the_other(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    first, second, *_ = w.points(cycle, "dept")
    browser = site.browser("dept", "en")
    page = browser.get(f"/cycles/{cycle}/frame?point=next")
    assert f'name="code" type="hidden" value="{first}"' in page.text

    sent = {"code": first, "sheet": "0", "version": "0", "degree": "partly", "problems": "<b>gap</b>"}
    answer = browser.post(f"/cycles/{cycle}/frame", **sent)

    assert answer.status_code == 303 and f"point={second}" in answer.headers["Location"]
    shown = browser.get(f"/cycles/{cycle}/frame").text
    assert "&lt;b&gt;gap&lt;/b&gt;" in shown and "1 of 25 answered" in shown
    assert "1 of 25 answered" in browser.get(f"/cycles/{cycle}").text
    assert "&lt;b&gt;gap&lt;/b&gt;" in browser.get(f"/cycles/{cycle}/frame/report").text


def test_an_answer_names_evidence_files_of_its_cycle_alone(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    browser = site.browser("dept", "en")
    browser.post(f"/cycles/{cycle}/files", file=(BytesIO(b"%PDF-1.7\nthe minutes"), "minutes.pdf"))
    ((digest, number),) = w.rows("select hash, id from evidence")
    assert "minutes.pdf" in browser.get(f"/cycles/{cycle}/frame?point=next").text

    sent = {"code": "1.1.1", "sheet": "0", "version": "0", "degree": "met", "files": [digest]}
    foreign = browser.post(f"/cycles/{cycle}/frame", **(sent | {"files": ["0" * 64]}))
    kept = browser.post(f"/cycles/{cycle}/frame", **sent)

    assert (foreign.status_code, kept.status_code) == (422, 303)
    shown = browser.get(f"/cycles/{cycle}/frame").text
    assert f"/cycles/{cycle}/files/{number}" in shown.partition('id="p-1.1.1"')[2].partition('id="p-1.1.2"')[0]


def test_a_fault_stands_at_its_field_and_nothing_entered_is_lost(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    browser = site.browser("dept", "en")
    sent = {"code": "1.1.1", "sheet": "0", "version": "0", "degree": "not", "evidence": "kept words"}

    lacking = browser.post(f"/cycles/{cycle}/frame", **sent)
    w.answer(cycle, "dept", "1.1.1", "met", evidence="faster")
    stale = browser.post(f"/cycles/{cycle}/frame", **(sent | {"problems": "slow"}))

    assert lacking.status_code == 422 and 'id="problems-fault"' in lacking.text and "kept words" in lacking.text
    assert (
        stale.status_code == 412
        and "kept words" in stale.text
        and 'name="version" type="hidden" value="1"' in stale.text
    )
    again = dict(sent, problems="slow", version="1")
    assert browser.post(f"/cycles/{cycle}/frame", **again).status_code == 303
    assert browser.post(f"/cycles/{cycle}/frame", **(again | {"version": "2", "degree": ""})).status_code == 422


def test_who_may_see_reads_and_finds_no_form(site: Site) -> None:
    w = world(site)
    cycle = w.diagnose(DEPARTMENT)
    sent = {"code": "1.1.1", "sheet": "0", "version": "0", "degree": "met"}

    for login in ("office", "vice", "diag"):
        browser = site.browser(login, "en")
        page = browser.get(f"/cycles/{cycle}/frame?point=1.1.1")
        assert page.status_code == 200 and "q-answer" not in page.text
        assert browser.post(f"/cycles/{cycle}/frame", **sent).status_code == 403
    assert site.browser("unit").post(f"/cycles/{cycle}/frame", **sent).status_code == 404
    assert w.rows("select count(*) from frame_answer") == [(0,)]


def test_the_office_sees_what_taking_changes_before_it_takes(site: Site) -> None:
    w, browser = world(site), site.browser("office", "en")
    (number,) = w.rows("select id from frame where code = '1.1.1'")[0]
    changed = {"name_zh": "自拟目标", "name_en": "Own goals", "star": "", "version": "1"}
    assert browser.post(f"/frame/parts/{number}", **changed).status_code == 303

    shown = browser.post("/frame/take", library="wuhan-software", part=["1"])
    assert "Own goals → Quality goals and positioning" in shown.text
    assert "Own goals" in browser.get("/frame").text
    assert browser.post("/frame/take", **hidden(shown.text, "/frame/take")).status_code == 303

    assert "Own goals" not in browser.get("/frame").text
    assert browser.post("/frame/take", library="wuhan-software").status_code == 422
    assert browser.post("/frame/take", library="none", part=["1"]).status_code == 404


def test_a_file_is_checked_shown_and_then_replaces_the_frame(site: Site) -> None:
    browser = site.browser("office", "en")

    bad = browser.post("/frame/replace", file=(BytesIO(FILE.replace('"1.1.7"', '"1.1.1"').encode()), "own.yaml"))
    good = browser.post("/frame/replace", file=(BytesIO(FILE.encode()), "own.yaml"))

    assert bad.status_code == 422 and "def.duplicate_id" in bad.text and "Do just this" not in bad.text
    assert good.status_code == 200 and levels(browser.get("/frame").text) == ANNEX
    agreed = hidden(good.text, "/frame/replace/agreed")
    assert browser.post("/frame/replace/agreed", **(agreed | {"digest": "0" * 64})).status_code == 412
    assert browser.post("/frame/replace/agreed", **agreed).status_code == 303
    assert "Running the college" in browser.get("/frame").text
    assert browser.post("/frame/replace").status_code == 422


def test_a_part_is_dropped_and_asked_again(site: Site) -> None:
    w, browser = world(site), site.browser("office", "en")
    (number,) = w.rows("select id from frame where code = '2.1'")[0]

    assert browser.post(f"/frame/parts/{number}/drop", on="no", version="1").status_code == 303
    assert levels(browser.get("/frame/annex3").text)["point"] == 87
    assert browser.post(f"/frame/parts/{number}/drop", on="yes", version="1").status_code == 412
    assert browser.post(f"/frame/parts/{number}/drop", on="yes", version="2").status_code == 303
    assert levels(browser.get("/frame/annex3").text) == ANNEX


def test_a_part_of_the_college_s_own_is_added_with_faults_at_their_fields(site: Site) -> None:
    browser = site.browser("office", "en")
    sent = {"code": "1.1.1", "parent": "1.1", "name_zh": "校本", "name_en": "Own", "star": "*"}

    taken = browser.post("/frame/new", **sent)
    assert taken.status_code == 422 and 'id="code-fault"' in taken.text and 'value="校本"' in taken.text
    assert browser.post("/frame/new", **(sent | {"code": "1.1.9"})).status_code == 303

    assert levels(browser.get("/frame").text)["point"] == 91


def test_names_that_look_like_formulas_stay_texts_in_the_workbook(site: Site) -> None:
    w = world(site)
    (number,) = w.rows("select id from frame where code = '1.1.1'")[0]
    wanted = frame_edits.Wanted(name_zh="=1+1", name_en="=1+1", requirement_zh="@SUM(A1)", requirement_en="@SUM(A1)")
    frame_edits.reword(w.session, w.origin("office"), w.me("office"), number, 1, wanted)

    answer = site.browser("office", "en").get("/frame/annex3.xlsx")

    book = load_workbook(BytesIO(answer.data)).worksheets[0]
    cells = [cell for row in book.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(cell.value == "@SUM(A1)" for cell in cells)


def test_an_empty_frame_says_what_comes_next(site: Site) -> None:
    from qaflow.services.work import transact
    from qaflow.store.db import Sql

    transact(world(site).session, lambda d: d.run(Sql("delete from frame")))

    office, other = site.browser("office", "en"), site.browser("vice", "en")
    assert "Take the frame of the library" in office.get("/frame").text
    assert "The quality office takes one" in other.get("/frame").text
    for path in ("/frame/coverage", "/frame/annex3", "/frame/annex3.xlsx", "/frame/list"):
        assert office.get(path).status_code == 200
