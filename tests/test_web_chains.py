"""The pages of the chains: numbers that open their lists, forms that keep what was typed, nobody else's goals."""

import re
from html import unescape

import pytest
from browsing import Browser, Site

PAGES = ("/chains", "/chains/goals", "/chains/standards", "/chains/findings", "/chains/matrix", "/chains/tasks",
         "/chains/year")  # fmt: skip
GOAL = {"layer": "course", "text": "提高到课率", "indicator": "到课率", "unit": "%", "target": "95"}
COUNT = re.compile(r'<a class="q-count[^"]*" href="(/chains/[^"]*)"[^>]*>([\d,]+)</a>')
CELL = re.compile(r'<a href="(/chains/[^"]*)">([\d,]+) (?:goal|standard|task)s?</a>')


def add(browser: Browser, what: str = "goals", **fields: str) -> str:
    """Enter a goal or a standard; returns its address."""
    answer = browser.post(f"/chains/{what}/new", **GOAL | fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_a_goal_is_entered_found_in_the_tree_and_shown(site: Site) -> None:
    office = site.browser("office", "en")

    address = add(office, weight="40", owner="head", starts="2025-09-01", ends="2026-08-31", attained="76")

    shown = office.get(address).text
    assert all(text in shown for text in ("提高到课率", "95%", "80%", "head", "Goals without a standard"))
    assert "提高到课率" in office.get("/chains").text
    assert "提高到课率" in office.get("/chains/year?year=2025").text
    assert "提高到课率" not in office.get("/chains?kind=key").text


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_say_what_comes_next_where_there_is_nothing(site: Site, path: str) -> None:
    assert site.browser("head", "en").get(path).status_code == 200
    assert site.browser("head", "zh").get(path).status_code == 200
    for login in ("admin", "guest"):
        assert site.browser(login).get(path).status_code == 403


def test_a_form_with_faults_keeps_what_was_typed_and_tells_each_at_its_field(site: Site) -> None:
    answer = site.browser("office", "en").post("/chains/goals/new", **GOAL | {"target": "viel", "owner": "nobody"})

    assert answer.status_code == 422
    assert 'value="viel"' in answer.text and 'value="提高到课率"' in answer.text
    assert "This is not a number." in answer.text and "Nobody in your college has this login or name." in answer.text


def test_a_form_that_is_stale_is_shown_again_with_its_text_and_can_be_sent_once_more(site: Site) -> None:
    office, head = site.browser("office", "en"), site.browser("qhead", "en")
    address = add(office)
    office.post(f"{address}/change", **GOAL | {"version": "1", "target": "90"})

    answer = head.post(f"{address}/change", **GOAL | {"version": "1", "target": "85"})

    assert answer.status_code == 412 and 'value="85"' in answer.text
    assert "Somebody changed this in the meantime." in answer.text and 'name="version" type="hidden" value="2"' in (
        answer.text)  # fmt: skip
    assert head.post(f"{address}/change", **GOAL | {"version": "2", "target": "85"}).status_code == 303
    assert "85%" in office.get(address).text


def test_a_goal_is_parted_and_retired_in_the_browser(site: Site) -> None:
    office = site.browser("office", "en")
    address = add(office)
    rows = {"version": "1", "0-owner_unit": "teaching", "0-weight": "60", "2-owner": "head", "2-weight": "x"}

    wrong = office.post(f"{address}/decompose", **rows)
    assert wrong.status_code == 422 and 'id="f2-weight"' in wrong.text and 'value="60"' in wrong.text
    assert office.post(f"{address}/decompose", **rows | {"2-weight": "40"}).status_code == 303

    shown = office.get(address).text
    assert "carries 60%" in shown and "carries 40%" in shown and "2 goals directly under it" in shown
    assert office.post(f"{address}/retire", version="1").status_code == 303  # stale: it was parted since
    assert "Retired on" not in office.get(address).text
    office.post(f"{address}/retire", version="2")
    assert "Retired on" in office.get(address).text


def test_each_finding_and_cell_opens_a_list_of_as_many_lines(site: Site) -> None:
    office = site.browser("office", "en")
    top = add(office, target="95")
    key = re.search(r"goal-\d+", office.get(top).text)
    assert key
    add(office, text="分", target="90", parent=key[0])
    add(office, "standards", text="标准", indicator="", goal=key[0])

    found = COUNT.findall(office.get("/chains/findings").text) + CELL.findall(office.get("/chains/matrix").text)

    assert len(found) >= 8
    for address, number in found:
        answer = office.get(unescape(address))
        assert (answer.status_code, answer.text.partition("<tbody>")[2].count("<tr>")) == (200, int(number)), address


def test_who_keeps_nothing_gets_no_button_and_no_form(site: Site) -> None:
    address = add(site.browser("office", "en"))
    major = site.browser("major", "en")

    assert "Add a goal" not in major.get("/chains").text and "Retire it" not in major.get(address).text
    for path in ("/chains/goals/new", f"{address}/change", f"{address}/decompose"):
        assert major.get(path).status_code == 403
    assert major.post(f"{address}/retire", version="1").status_code == 403


def test_another_s_goal_is_not_there(site: Site) -> None:
    address = add(site.browser("lead", "en"), subject="course/C1")
    far = site.browser("far_lead", "en")

    for path in (address, f"{address}/change", f"{address}/decompose"):
        assert far.get(path).status_code == 404
    assert all("提高到课率" not in far.get(path).text for path in PAGES)
    assert "1 line" in site.browser("lead", "en").get("/chains/goals").text
