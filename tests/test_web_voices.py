"""Self-tests and incidents in the browser: one question a screen, faults at their fields, numbers that are links."""

import re
from collections.abc import Iterator
from html import unescape

import asking
import pytest
from browsing import Browser, Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.store.db import db

FORM = {"title": "no teacher came", "account": "room 204", "category": "teaching", "occurred_on": "2025-09-01"}
GRADED = {"category": "safety", "grade": "serious", "handler": "major", "due": ""}


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, which has a self-test."""
    found = made(settings)
    asking.known(found.world)
    yield found
    db.session.remove()
    db.engine.dispose()


def opened(site: Site) -> tuple[str, Browser]:
    """Open the self-test; return the address of lead's own, and lead's browser."""
    number = asking.opened(site.world)
    return f"/selftest/{number}/of/{site.world.subjects['C1']}", site.browser("lead", "en")


def test_a_student_goes_from_question_to_question_hands_in_and_sees_the_result(site: Site) -> None:
    own, browser = opened(site)
    first = browser.get(own)
    assert (first.status_code, first.headers["Location"]) == (303, f"{own}/1")

    for place in range(1, 9):
        text = browser.get(f"{own}/{place}").text
        assert f"Question {place} of 8" in text and text.count('type="radio"') == 5
        answer = browser.post(f"{own}/{place}", grade=str(1 + place % 5))
        assert answer.headers["Location"] == (f"{own}/{place + 1}" if place < 8 else f"{own}/check")
    done = browser.post(f"{own}/hand-in")
    page = browser.get(own).text

    assert (done.status_code, done.headers["Location"]) == (303, own)
    # grades 2 3 4 5 | 1 2 3 4: elements 2.5 4.5 1.5 3.5, dimensions 3.5 2.5
    assert [re.findall(r"<b>(\d\.\d)</b>", page)] == [["3.5", "2.5", "2.5", "4.5", "1.5", "3.5"]]
    assert "fewer than five" not in page and "shown after the last day" in page
    assert browser.get(f"{own}/1").headers["Location"] == own


def test_no_answer_chosen_stays_at_the_question_and_says_so(site: Site) -> None:
    own, browser = opened(site)

    for grade in ("", "0", "6", "5 ", "x"):
        answer = browser.post(f"{own}/1", grade=grade)
        assert answer.status_code == 422 and 'id="grade-fault"' in answer.text

    assert "0 of 8 answered" in browser.get(f"{own}/check").text


def test_what_was_answered_is_chosen_when_one_comes_back(site: Site) -> None:
    own, browser = opened(site)
    browser.post(f"{own}/1", grade="4")

    page = browser.get(f"{own}/1").text

    assert re.findall(r'value="(\d)" checked', page) == ["4"]
    assert browser.get(own).headers["Location"] == f"{own}/2"
    assert "1 of 8 answered" in browser.get("/selftest").text


def test_handing_in_too_early_names_the_open_questions_and_twice_is_once(site: Site) -> None:
    own, browser = opened(site)
    early = browser.post(f"{own}/hand-in")
    assert early.status_code == 422 and "Answer the open questions first" in early.text

    for place in range(1, 9):
        browser.post(f"{own}/{place}", grade="3")

    assert [browser.post(f"{own}/hand-in").status_code for _ in range(2)] == [303, 303]
    assert site.world.query("select count(*) from journal where kind = 'SelfTestHandedIn'") == [(1,)]
    assert browser.post(f"{own}/1", grade="5").status_code == 409


@pytest.mark.parametrize("path", ["/0", "/9", "/99999999999999999999"])
def test_a_question_that_there_is_not_is_not_found(site: Site, path: str) -> None:
    own, browser = opened(site)

    assert browser.get(own + path).status_code == 404


def test_after_the_last_day_the_page_says_that_it_is_closed(site: Site) -> None:
    own, browser = opened(site)
    browser.post(f"{own}/1", grade="4")
    site.later(days=12)
    browser = site.browser("lead", "en")

    assert "It closed on 12 Sept and was not handed in" in browser.get(own).text.replace("Sep ", "Sept ")
    assert browser.post(f"{own}/2", grade="4").status_code == 409


def test_the_office_opens_a_self_test_and_faults_stand_at_their_fields(site: Site) -> None:
    browser = site.browser("office", "en")
    good = {"key": "growth", "term": asking.TERM, "opens": "2025-09-01", "closes": "2025-09-30"}

    bad = browser.post("/selftest", **(good | {"closes": "2025-08-01"}))
    blank = browser.post("/selftest", **(good | {"opens": ""}))
    done = browser.post("/selftest", **good)
    other = browser.post("/selftest", **(good | {"closes": "2025-10-01"}))

    assert bad.status_code == 422 and 'id="closes-fault"' in bad.text and 'value="2025-08-01"' in bad.text
    assert blank.status_code == 422 and 'id="opens-fault"' in blank.text
    assert done.status_code == 303
    assert other.status_code == 409 and 'id="term-fault"' in other.text
    assert "0 of 2, 0 %" in browser.get(done.headers["Location"]).text


def test_a_closed_self_test_shows_a_radar_with_its_table_and_as_a_picture(site: Site) -> None:
    number = asking.opened(site.world)
    for login, code in asking.crowd(site.world, "section", 6, "p"):
        asking.fill(site.world, number, login, code, 4)
    site.later(days=20)
    browser = site.browser("p0", "en")
    own = f"/selftest/{number}/of/{site.world.subjects['P0']}"

    page = browser.get(own).text

    assert 'id="chart-radar"' in page and "Class mean" in page
    picture = browser.get(f"{own}?form=svg&chart=radar")
    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    office = site.browser("office", "en").get(f"/selftest/{number}").text
    assert "6 of 8, 75 %" in office and 'id="chart-radar"' in office


def test_nobody_is_named_and_ranked_in_the_overview(site: Site) -> None:
    number = asking.opened(site.world)
    for n, (login, code) in enumerate(asking.crowd(site.world, "section", 6, "pupil")):
        asking.fill(site.world, number, login, code, 1 + n % 5)
    site.later(days=20)

    for login in ("office", "major", "head"):
        assert "pupil" not in site.browser(login).get(f"/selftest/{number}").text.lower()


def report(site: Site, browser: Browser, **more: str) -> str:
    """Report an incident; return its address."""
    answer = browser.post("/incidents/report", **({"unit": str(site.world.units["section"])} | FORM | more))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_an_incident_is_reported_graded_handled_answered_and_closed_in_the_browser(site: Site) -> None:
    lead, office, major = (site.browser(login, "en") for login in ("lead", "office", "major"))
    path = report(site, lead)

    assert "room 204" in office.get(path).text
    assert office.post(f"{path}/grade", version="1", **GRADED).status_code == 303
    assert "10 working days left" in major.get(path).text
    for browser, action, version in ((major, "handle", 2), (office, "answer", 3), (office, "close", 4)):
        assert browser.post(f"{path}/{action}", version=str(version), text=f"words of {action}").status_code == 303

    page = lead.get(path).text
    assert "words of answer" in page and "words of handle" not in page and "words of close" not in page
    assert "Next step" not in office.get(path).text


@pytest.mark.parametrize(("changes", "field"), [
    ({"title": " "}, "title"), ({"account": ""}, "account"), ({"occurred_on": "2025-09-02"}, "occurred_on"),
    ({"occurred_on": "yesterday"}, "occurred_on"), ({"category": "none"}, "category"), ({"unit": "987654"}, "unit"),
    ({"title": "x" * 201}, "title"),
])  # fmt: skip
def test_a_fault_of_a_report_stands_at_its_field_and_nothing_entered_is_lost(
    site: Site, changes: dict[str, str], field: str
) -> None:
    browser = site.browser("lead", "en")
    sent = {"unit": str(site.world.units["section"])} | FORM | {"account": "a long account"} | changes

    answer = browser.post("/incidents/report", **sent)

    assert answer.status_code == 422
    assert re.search(rf'id="{field}-fault"|name="{field}"[^>]*is-invalid|is-invalid[^>]*name="{field}"', answer.text)
    assert sent["account"] in answer.text
    assert site.world.query("select count(*) from quality_incident") == [(0,)]


def test_a_stale_grading_is_refused_and_keeps_what_was_entered(site: Site) -> None:
    office = site.browser("office", "en")
    path = report(site, site.browser("lead"))
    office.post(f"{path}/grade", version="1", **GRADED)

    stale = office.post(f"{path}/grade", version="1", **(GRADED | {"handler": "head"}))

    assert stale.status_code == 412 and 'value="head"' in stale.text
    assert "Somebody changed this in the meantime" in stale.text
    again = re.search(r'id="grade-version" name="version" type="hidden" value="(\d)"', stale.text)
    assert again and again[1] == "2"
    assert office.post(f"{path}/grade", version="2", **(GRADED | {"handler": "head"})).status_code == 303


def test_an_unknown_handler_or_an_empty_answer_is_told_at_its_field(site: Site) -> None:
    office = site.browser("office", "en")
    path = report(site, site.browser("lead"))

    nobody = office.post(f"{path}/grade", version="1", **(GRADED | {"handler": "nobody at all"}))
    office.post(f"{path}/grade", version="1", **GRADED)
    empty = site.browser("major", "en").post(f"{path}/handle", version="2", text="  ")

    assert nobody.status_code == 422 and 'id="grade-handler-fault"' in nobody.text
    assert empty.status_code == 422 and "Something must be entered here" in empty.text


def test_each_number_of_the_analysis_opens_a_list_of_that_many_lines(site: Site) -> None:
    lead = site.browser("lead")
    for n in range(3):
        report(site, lead, title=f"t{n}", category=("teaching", "safety")[n % 2], complaint="y" if n else "")
    office = site.browser("office", "en")
    office.post("/incidents/1/grade", version="1", **GRADED)

    page = office.get("/incidents/analysis").text
    links = re.findall(r'<a href="(/incidents\?[^"]+)"[^>]*>(\d+)</a>', page)

    assert len(links) > 8
    for address, many in links:
        answer = office.get(unescape(address))
        assert (answer.status_code, answer.text.count('class="q-item q-case"')) == (200, int(many)), address


@pytest.mark.parametrize("query", ["year=x", "year=0", "state=%00", "grade=none", "unit=999999999999", "took=9",
                                   "took=none", "month=13", "late=2", "page=0", "page=99999999"])  # fmt: skip
def test_what_an_address_of_the_list_cannot_mean_is_answered_calmly(site: Site, query: str) -> None:
    browser = site.browser("office")
    report(site, site.browser("lead"))

    assert browser.get(f"/incidents?{query}").status_code == 200
    assert browser.get(f"/incidents/analysis?{query}").status_code == 200


def test_a_warning_s_page_leads_to_a_report_about_it(site: Site) -> None:
    site.world.start("C1", from_stage="implement")
    site.world.fire(1, "warn", "diag", reason="seen")
    browser = site.browser("lead", "en")

    page = browser.get("/warnings/1.1").text
    assert 'href="/incidents/report?warning=1.1"' in page
    path = report(site, browser, warning="1.1")

    assert site.world.query("select cycle_id, warning_id from quality_incident") == [(1, "1.1")]
    assert 'href="/warnings/1.1"' in site.browser("office").get(path).text


def test_empty_pages_say_what_comes_next(site: Site) -> None:
    guest = site.browser("guest", "en")

    assert "The quality office opens one in each term" in guest.get("/selftest").text
    assert "What you report, handle or look after appears here" in guest.get("/incidents").text
    assert "No incident happened in this year" in site.browser("office", "en").get("/incidents/analysis").text


def test_the_bar_offers_both_to_students_and_the_office(site: Site) -> None:
    for login in ("guest", "office", "major"):
        page = site.browser(login, "en").get("/me").text
        assert 'href="/selftest"' in page and 'href="/incidents"' in page
    assert 'href="/selftest"' not in site.browser("admin", "en").get("/me").text


def test_a_report_is_told_to_the_reporter_by_number_without_a_word_of_it(site: Site) -> None:
    path = report(site, site.browser("lead"), title="secret matter")
    office = site.browser("office")
    office.post(f"{path}/grade", version="1", **GRADED)
    site.later(minutes=1)

    told = site.world.query("select payload from outbox where kind = 'IncidentGraded'")

    assert told == [('{"incident": 1, "kind": "IncidentGraded"}',)]


def test_the_office_sees_in_the_audit_that_a_self_test_was_handed_in_but_no_answer(site: Site) -> None:
    number = asking.opened(site.world)
    asking.fill(site.world, number, "lead", "C1", 4)
    site.later(hours=1)

    page = site.browser("office", "en").get("/audit?kind=voices").text

    assert "Self-test handed in" in page and "a1x" not in page
