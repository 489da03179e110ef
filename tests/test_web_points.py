"""Control points in the browser: numbers that are links, limits from a day on, readings and their corrections."""

import io
import re
from collections.abc import Iterator
from html import unescape

import badbooks
import pytest
from browsing import Browser, Site, plain
from browsing import site as made

from qaflow.config import Settings
from qaflow.store.db import db

COUNT = re.compile(r'<a class="q-count[^"]*" href="([^"]*)"[^>]*>([\d,]+)</a>')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
LIMIT = {"valid_from": "2025-09-02", "direction": "higher", "target": "70", "warn_lower": "60", "warn_upper": "",
         "alarm_lower": "20", "alarm_upper": "", "subject": "", "reason": "the plan of the year"}  # fmt: skip


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with a point, a cycle and a breach of each course."""
    found = made(settings)
    found.world.point()
    found.world.start("C1")
    found.world.read(40)
    found.world.read(44, course="C9")
    yield found
    db.session.remove()
    db.engine.dispose()


@pytest.mark.parametrize(("login", "numbers"), [("office", ["2"]), ("lead", ["1"]), ("far_lead", ["1"]), ("guest", [])])
def test_each_number_opens_a_list_of_that_many_and_holds_only_what_one_sees(
    site: Site, login: str, numbers: list[str]
) -> None:
    browser = site.browser(login, "en")

    found = COUNT.findall(browser.get("/points").text)

    assert [number for _, number in found] == numbers
    for address, number in found:
        answer = browser.get(unescape(address))
        assert answer.text.rpartition("<tbody>")[2].count("<tr>") == int(number)


def test_the_office_sets_limits_from_a_day_on_and_the_page_shows_them_over_time(site: Site) -> None:
    office = site.browser("office", "en")

    answer = office.post("/points/1/limits", "/points/1", **LIMIT, version="1")
    again = office.post("/points/1/limits", "/points/1", **LIMIT | {"reason": "once more"}, version="1")
    page = office.get("/points/1").text

    assert (answer.status_code, again.status_code) == (303, 409)
    assert "once more" in again.text and "Somebody changed this in the meantime" in again.text
    assert "≥ 60 (≥ 20)" in page and "the plan of the year" in page
    assert site.world.query("select valid_from, warn_lower from point_limit") == [("2025-09-02", 60.0)]


@pytest.mark.parametrize(("change", "told"), [
    ({"target": ""}, "This is not a number"),
    ({"target": "１２"}, "This is not a number"),
    ({"warn_lower": "80"}, "must follow one another"),
    ({"valid_from": "2025-08-31"}, "from today or later"),
    ({"subject": "nobody"}, "This subject does not exist"),
    ({"reason": ""}, "must not be blank"),
])  # fmt: skip
def test_limits_that_do_not_fit_are_told_at_their_field_and_the_rest_is_kept(
    site: Site, change: dict[str, str], told: str
) -> None:
    office = site.browser("office", "en")

    answer = office.post("/points/1/limits", "/points/1", **LIMIT | change, version="1")

    assert answer.status_code == 422
    assert answer.text.count('class="q-fault"') == 1
    assert 'value="2025-09-02"' in answer.text or "valid_from" in change
    assert site.world.query("select count(*) from point_limit") == [(0,)]
    assert told in unescape(answer.text) or "blank" in told


def test_who_may_not_set_limits_has_no_form_and_is_refused(site: Site) -> None:
    lead = site.browser("lead", "en")

    assert "New limits" not in lead.get("/points/1").text
    for data in (LIMIT, LIMIT | {"target": ""}):
        assert lead.post("/points/1/limits", "/points", **data, version="1").status_code == 403
    assert site.world.query("select count(*) from point_limit") == [(0,)]


def test_a_responsible_person_enters_a_reading_and_corrects_it_with_both_values_before_them(site: Site) -> None:
    lead, here = site.browser("lead", "en"), "/points/1/subjects/1"
    site.later(hours=1)

    entered = lead.post(here, here, when="2025-09-01T09:30", value="48")
    twice = lead.post(here, here, when="2025-09-01T09:30", value="48")
    other = lead.post(here, here, when="2025-09-01T09:30", value="49")
    ((number,),) = site.world.query("select id from reading where source = 'form'")
    form = lead.get(f"/points/readings/{number}/correction")
    right = lead.post(f"/points/readings/{number}/correction", value="49", reason="counted anew")
    stale = lead.post(f"/points/readings/{number}/correction", value="50", reason="again")

    assert [a.status_code for a in (entered, twice, other, form, right, stale)] == [303, 303, 422, 200, 303, 409]
    assert "Another value stands there already" in other.text and 'value="49"' in other.text
    assert "48%" in form.text
    page = lead.get(here).text
    assert "<del>48%</del>" in page and "counted anew" in page


def test_what_is_another_s_is_not_there(site: Site) -> None:
    lead = site.browser("lead", "en")
    ((foreign,),) = site.world.query("select r.id from reading r join subject s on s.id = r.subject_id "
                                     "where s.code = 'C9'")  # fmt: skip
    ((subject,),) = site.world.query("select id from subject where code = 'C9'")

    answers = [lead.get(f"/points/1/subjects/{subject}"), lead.get("/points/1/subjects/987654"),
               lead.post(f"/points/1/subjects/{subject}", when="2025-09-01T09:00", value="1"),
               lead.get(f"/points/readings/{foreign}/correction"),
               lead.post(f"/points/readings/{foreign}/correction", value="1", reason="r")]  # fmt: skip

    assert [one.status_code for one in answers] == [404] * 5
    assert "C9" not in " ".join(plain(one.text) for one in answers)
    assert site.world.query("select count(*) from reading") == [(2,)]


def test_readings_are_exported_within_sight_and_taken_back_as_known(site: Site) -> None:
    for login, rows in (("office", 2), ("lead", 1)):
        browser = site.browser(login, "en")
        answer = browser.get("/points/export/readings.xlsx")
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
        sheet = badbooks.parts(answer.data)["xl/worksheets/sheet1.xml"]
        assert sheet.count(b"<row ") == rows + 1


def rehearsed(browser: Browser, data: bytes) -> str:
    """Return the page that a file of readings leads to."""
    proof = browser.token("/imports")
    file = (io.BytesIO(data), "r.xlsx")
    answer = browser.client.post("/imports/readings", data={"csrf_token": proof, "file": file, "encoding": ""},
                                 headers={"Accept": "text/html"})  # fmt: skip
    return answer.text


def test_a_quality_administrator_tries_a_file_first_and_takes_it_over_as_shown(site: Site) -> None:
    site.world.person("collector", "quality_administrator", "section")
    browser = site.browser("collector", "en")
    rows = [("point", "subject", "at", "value"), ("hours", "C1", "2025-09-01 08:30", 50)]

    page = rehearsed(browser, badbooks.xlsx(rows))
    before = site.world.query("select count(*) from reading")
    form = page.partition('action="/imports/readings/take">')[2].partition("</form>")[0]
    taken = browser.post("/imports/readings/take", **{n: unescape(v) for n, v in HIDDEN.findall(form)})
    foreign = rehearsed(browser, badbooks.xlsx([rows[0], ("hours", "C9", "2025-09-01 08:30", 50)]))

    assert (before, taken.status_code) == ([(2,)], 303)
    assert site.world.query("select count(*) from reading") == [(3,)]
    assert "r.xlsx:Sheet1!B2" in foreign
    assert "Control points and their limits" not in page
