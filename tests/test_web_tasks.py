"""The tasks' pages: numbers that are links, what a form keeps, files out and in, nothing of what is not one's own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import unescape

import pytest
from browsing import Browser, Site
from browsing import site as made
from tasking import act, planned, row
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.store.db import db

TALLY = re.compile(r'<a class="(?:q-late)?" href="(/tasks[^"]*state=(\w+)[^"]*)"[^>]*>[^<]*?([\d,]+)</a>')
HIDDEN = re.compile(r'<input type="hidden" name="(name|digest|content|encoding)" value="([^"]*)">')
LINES = re.compile(r'<tr><th scope="row"><a href="/tasks/\d+">')


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with a task of each state."""
    found = made(settings)
    world = found.world
    ids = {name: planned(world, f"{name} one", **more) for name, more in {
        "late": {"due": "2025-08-29", "kind": "key"}, "planned": {"cost": "1000"}, "going": {}, "done": {"cost": "500"},
        "dropped": {"lead": "far", "owner": "far_lead"},
    }.items()}  # fmt: skip
    act(world, "report", "lead", ids["going"], "2025-09", "going")
    act(world, "finish", "lead", ids["done"], "All of it.")
    act(world, "drop", "office", ids["dropped"], "No money.")
    found.ids = ids  # type: ignore[attr-defined]
    yield found
    db.session.remove()
    db.engine.dispose()


def task(site: Site, name: str) -> int:
    """Return the number of a task."""
    found: int = site.ids[name]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("path", ["/tasks", "/tasks/grid"])
@pytest.mark.parametrize("login", ["office", "head", "lead", "far_head"])
def test_each_number_opens_a_list_of_that_many_tasks(site: Site, path: str, login: str) -> None:
    browser = site.browser(login, "en")

    found = TALLY.findall(browser.get(path).text)

    assert {state for _, state, _ in found} == ({"dropped"} if login == "far_head" else
                                                {"done", "going", "late", "planned"} | ({"dropped"} if login == "office"
                                                                                        else set()))  # fmt: skip
    for address, _, number in found:
        listed = unescape(address).replace("/tasks/grid", "/tasks")
        assert len(LINES.findall(browser.get(listed).text)) == int(number), address


def test_who_sees_no_task_is_told_what_comes_next(site: Site) -> None:
    for path in ("/tasks", "/tasks/grid", "/tasks/onepage"):
        page = site.browser("guest", "en").get(path)
        assert page.status_code == 200 and "Tasks appear here once they are planned" in page.text
        assert " one</a>" not in page.text


def test_the_grid_shows_shapes_with_words_and_tints_the_present_month(site: Site) -> None:
    page = site.browser("office", "en").get("/tasks/grid").text

    assert page.count('aria-current="date"') == 1
    heading = page.partition('aria-current="date"')[2]
    assert heading.startswith('><abbr title="2025-09">')
    for word in ("completed", "going on", "late", "planned"):
        assert f'<span class="visually-hidden">{word}</span>' in page


def test_one_page_crosses_units_and_sums_the_cost(site: Site) -> None:
    page = site.browser("office", "en").get("/tasks/onepage").text

    assert "500 / 1,500" in page and "Progress 25%" in page and "1 late" in page
    assert re.search(r"<b>leads</b>", page)


def test_a_task_is_planned_in_the_browser_and_what_is_wrong_is_told_at_its_field(site: Site) -> None:
    browser = site.browser("head", "en")
    section = str(site.world.units["section"])
    fields = {
        "title_zh": "新任务",
        "kind": "key",
        "origin": "school",
        "lead": section,
        "due": "2025-11-28",
        "cost": "12",
    }

    wrong = browser.post("/tasks/new", "/tasks/new", **(fields | {"owner": "nobody", "cost": "many"}))
    assert wrong.status_code == 422 and "Nobody in your college has this login or name." in wrong.text
    assert 'value="新任务"' in wrong.text and 'value="many"' in wrong.text
    right = browser.post("/tasks/new", "/tasks/new", **(fields | {"owner": "lead"}))
    assert right.status_code == 303
    assert "新任务" in browser.get(right.location).text
    assert f'<option value="{site.world.units["far"]}">' not in browser.get("/tasks/new").text.split("assisting")[0]


def test_a_form_that_somebody_overtook_keeps_what_was_entered_and_shows_what_stands(site: Site) -> None:
    number, browser = task(site, "planned"), site.browser("office", "en")
    fields = {"title_zh": "mine", "kind": "key", "origin": "school", "lead": str(site.world.units["section"])}
    act(site.world, "report", "lead", number, "2025-09", "going")

    stale = browser.post(f"/tasks/{number}/change", f"/tasks/{number}/change", **fields, version="1")

    assert stale.status_code == 409 and row(site.world, number)["title_zh"] == "planned one"
    assert 'value="mine"' in stale.text and "Meanwhile it reads as follows" in stale.text
    assert re.search(r'name="version"[^>]*value="2"', stale.text)
    again = browser.post(f"/tasks/{number}/change", f"/tasks/{number}/change", **fields, version="2")
    assert again.status_code == 303 and row(site.world, number)["title_zh"] == "mine"


@pytest.mark.parametrize("what", ["finish", "drop"])
def test_an_act_on_a_task_that_was_changed_meanwhile_keeps_its_words(site: Site, what: str) -> None:
    number = task(site, "planned")
    act(site.world, "report", "lead", number, "2025-09", "going")

    answer = site.browser("office", "en").post(f"/tasks/{number}/{what}", text="my long words", version="1")

    assert answer.status_code == 409 and "my long words" in answer.text
    assert row(site.world, number)["state"] == "going"


def test_a_month_is_noted_and_the_task_finished_on_its_page(site: Site) -> None:
    number, browser = task(site, "planned"), site.browser("lead", "en")

    assert browser.post(f"/tasks/{number}/report", month="2025-10", state="done", version="1").status_code == 422
    assert browser.post(f"/tasks/{number}/report", month="2025-09", state="done", version="1").status_code == 303
    assert browser.post(f"/tasks/{number}/finish", text=" ", version="2").status_code == 422
    assert browser.post(f"/tasks/{number}/finish", text="See the archive.", version="2").status_code == 303
    page = browser.get(f"/tasks/{number}").text
    assert "See the archive." in page and "Finish with a result" not in page and "Drop the task" not in page


def sent(browser: Browser, data: bytes, name: str = "tasks.csv", kind: str = "tasks") -> TestResponse:
    """Rehearse a file; returns the page."""
    form = {"csrf_token": browser.token("/imports"), "file": (io.BytesIO(data), name)}
    return browser.client.post(f"/imports/{kind}", data=form, headers={"Accept": "text/html"})


@pytest.mark.parametrize("kind", ["grid", "tasks"])
@pytest.mark.parametrize(("lang", "form"), [("zh", "csv"), ("en", "csv"), ("zh", "xlsx"), ("en", "xlsx")])
def test_a_file_that_comes_back_unchanged_would_change_nothing(site: Site, kind: str, lang: str, form: str) -> None:
    browser = site.browser("office", lang)

    answer = browser.get(f"/tasks/{kind}.{form}?year=2025")

    assert answer.headers["Content-Disposition"].startswith("attachment")
    page = sent(browser, answer.data, f"tasks.{form}").text
    assert re.findall(r"<dd>(\d+)</dd>", page) == ["5", "0", "0", "5"]
    assert 'name="digest"' not in page


def test_a_task_of_next_year_with_work_in_this_one_comes_back_in_either_grid_unchanged(site: Site) -> None:
    number = planned(site.world, "over the turn", due="2026-03-02")
    act(site.world, "report", "lead", number, "2025-09", "going")
    browser = site.browser("office", "en")

    for year in (2025, 2026):
        data = browser.get(f"/tasks/grid.csv?year={year}").data
        assert b"over the turn" in data
        assert re.findall(r"<dd>(\d+)</dd>", sent(browser, data).text)[1:3] == ["0", "0"]


def test_an_edited_file_is_rehearsed_then_brought_in_just_as_shown(site: Site) -> None:
    browser = site.browser("office", "en")
    data = browser.get("/tasks/grid.csv?year=2025").data.replace(b"planned one", b"renamed one")

    page = sent(browser, data).text
    assert re.findall(r"<dd>(\d+)</dd>", page) == ["5", "0", "1", "4"]
    assert row(site.world, task(site, "planned"))["version"] == 1
    shown = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert browser.post("/imports/tasks/take", "/imports", **(shown | {"digest": "0"})).status_code == 412
    assert browser.post("/imports/tasks/take", "/imports", **shown).status_code == 303
    assert row(site.world, task(site, "planned"))["title_zh"] == "renamed one"


def test_a_faulty_file_names_line_and_column_and_changes_nothing(site: Site) -> None:
    browser = site.browser("office", "en")
    before = site.world.query("select * from plan_task order by id")

    answer = sent(browser, b"no,title_zh,due,m9\n1,Fine,2025-10-01,\n2,,1.1.2025,late\nx,Third,,\n")

    assert answer.status_code == 422
    assert set(re.findall(r"tasks\.csv:\d:\d", answer.text)) >= {"tasks.csv:3:2", "tasks.csv:3:3", "tasks.csv:4:1"}
    assert site.world.query("select * from plan_task order by id") == before


def test_tasks_are_the_office_s_to_bring_in_and_units_are_not(site: Site) -> None:
    text = b"code,kind,name_zh\nu9,teaching,x\n"

    assert sent(site.browser("office"), text, "units.csv", "units").status_code == 403
    assert sent(site.browser("admin"), b"no,title_zh\n1,x\n").status_code == 403
    assert site.browser("head").get("/imports").status_code == 403


def test_a_file_holds_only_what_whoever_asks_may_see(site: Site) -> None:
    text = site.browser("far_head", "en").get("/tasks/tasks.csv?year=2025").data.decode()

    assert "dropped one" in text and "planned one" not in text
    assert site.browser("office").get("/tasks/tasks.pdf").status_code == 404
