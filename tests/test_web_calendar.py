"""The college calendar on the web: what an edit moves is shown first, done as shown, and outlives a new loading."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from browsing import Browser, Site
from browsing import site as made
from test_web_organisation import plain

from qaflow.config import Settings
from qaflow.engine.loader import Folder
from qaflow.services.places import adopting as calendars_adopt
from qaflow.store.db import db

PATH = "/organisation/calendar"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, with one term."""
    found = made(settings)
    found.world.query("insert into term (college_id, key, name_zh, name_en, starts, ends) values (:c, 'a', '秋', "
                      "'Autumn', '2025-09-01', '2026-01-20') returning key", c=found.world.college)  # fmt: skip
    found.world.query("update college set config_no = config_no + 1 returning id")
    yield found
    db.session.remove()
    db.engine.dispose()


def shown(browser: Browser, path: str = f"{PATH}/days", **data: str) -> tuple[str, str]:
    """Ask what an edit moves; returns the page as text and the digest of what it shows."""
    answer = browser.post(path, **data)
    found = re.search(r'name="agreed" value="([0-9a-f]+)"', answer.text)
    assert answer.status_code == 200 and found, answer.text
    return plain(answer.text), found[1]


def due(site: Site) -> str:
    """Return the day on which the one work item is due."""
    ((found,),) = site.world.query("select due from work_item where state = 'open'")
    return str(found)


def edits(site: Site) -> list[str]:
    """Return the calendar's facts in the college's stream."""
    rows = site.world.query("select kind from journal where stream = 'college:tiny' and kind like 'Calendar%'")
    return [kind for (kind,) in rows]


@pytest.mark.parametrize("login", ["admin", "office"])
def test_a_day_off_moves_what_it_was_shown_to_move(site: Site, login: str) -> None:
    cycle = site.world.start()
    before = due(site)
    browser = site.browser(login, "en")

    text, digest = shown(browser, first=before, how="off", name="Sports day")

    assert "1 deadline moves" in text and "C1" in text and "Sports day" in text
    assert due(site) == before and edits(site) == [] and site.world.query("select count(*) from calendar_day") == [(0,)]
    done = browser.post(f"{PATH}/days", first=before, how="off", name="Sports day", agreed=digest)
    again = browser.post(f"{PATH}/days", first=before, how="off", name="Sports day", agreed=digest)
    assert done.status_code == again.status_code == 303
    assert date.fromisoformat(due(site)) > date.fromisoformat(before)
    assert edits(site) == ["CalendarChanged"] and site.world.audit()["findings"] == []
    moves = [k for k in site.world.kinds(cycle) if "Deadline" in k or "Recalendar" in k or "Moved" in k]
    assert len(moves) == 1, site.world.kinds(cycle)
    assert "own off" in plain(browser.get(f"{PATH}?year={before[:4]}").text)


def test_an_edit_that_would_move_something_else_by_now_is_shown_again(site: Site) -> None:
    browser = site.browser("office", "en")
    site.world.start("C1")
    day = due(site)
    _, digest = shown(browser, first=day, how="off")
    site.world.start("C9")

    answer = browser.post(f"{PATH}/days", first=day, how="off", agreed=digest)

    assert answer.status_code == 200 and "2 deadlines move" in plain(answer.text) and edits(site) == []


def test_a_day_is_given_back_and_everything_stands_as_before(site: Site) -> None:
    site.world.fire(site.world.start(), "submit", "lead", content={"note": "x"})
    browser, before = site.browser("admin", "en"), due(site)
    for how in ("off", "state"):
        _, digest = shown(browser, first=before, how=how)
        browser.post(f"{PATH}/days", first=before, how=how, agreed=digest)

    assert due(site) == before and site.world.query("select count(*) from calendar_day") == [(0,)]


def test_a_weekend_is_made_to_work_and_a_holiday_is_kept_apart_from_own_days(site: Site) -> None:
    browser = site.browser("admin", "en")
    _, digest = shown(browser, first="2025-10-11", last="2025-10-12", how="working")
    browser.post(f"{PATH}/days", first="2025-10-11", last="2025-10-12", how="working", agreed=digest)

    assert site.world.within(lambda d: site.world.view(d).calendar.is_working(date(2025, 10, 12)))
    assert plain(browser.get(f"{PATH}?year=2025").text).count("own work") >= 3  # two days and the legend


def test_a_term_gets_other_days_after_a_look(site: Site) -> None:
    browser = site.browser("office", "en")
    data = {"term": "a", "first": "2025-09-08", "last": "2026-01-25"}
    text, digest = shown(browser, f"{PATH}/terms", **data)

    assert "8 Sep to 25 Jan 2026" in text
    assert browser.post(f"{PATH}/terms", agreed=digest, **data).status_code == 303
    assert site.world.query("select starts, ends from term") == [("2025-09-08", "2026-01-25")]
    assert browser.post(f"{PATH}/terms", **data | {"term": "none"}).status_code == 404
    assert browser.post(f"{PATH}/terms", **data | {"last": "2025-09-01"}).status_code == 422


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [({"first": "2040-01-01"}, 409, "has not been adopted"), ({"first": "2025-09-31"}, 422, "Not a valid date"),
     ({"first": ""}, 422, "Write it as"), ({"last": "2025-01-01"}, 422, "lies before the first"),
     ({"last": "2026-09-01"}, 422, "out of range"), ({"how": "x"}, 422, "Not a valid choice"),
     ({"name": "x" * 300}, 422, "too long")],
)  # fmt: skip
def test_an_edit_that_cannot_be_is_told_at_its_field(site: Site, data: dict[str, str], status: int, told: str) -> None:
    answer = site.browser("admin", "en").post(f"{PATH}/days", **{"first": "2025-09-10", "how": "off"} | data)

    assert answer.status_code == status and told in answer.text and edits(site) == []


def test_others_may_not_edit_and_a_flagged_year_says_so(site: Site) -> None:
    site.world.query("update calendar_year set published = false where year = 2026 returning year")
    office = site.browser("office", "en")

    assert "not published yet" in plain(office.get(f"{PATH}?year=2026").text)
    assert "not published yet" not in plain(office.get(f"{PATH}?year=2025").text)
    assert "not adopted" in plain(office.get(f"{PATH}?year=2031").text)
    assert office.get(f"{PATH}?year=2099").status_code == 404
    assert site.browser("lead").post(f"{PATH}/days", first="2025-09-10", how="off").status_code == 403


def test_teaching_weeks_and_term_edges_stand_in_the_months(site: Site) -> None:
    text = plain(site.browser("office", "en").get(f"{PATH}?year=2025").text)

    assert "term begins" in text and "22 working days" in text  # September 2025 of the tiny college


def test_days_set_on_the_page_outlive_a_new_loading_of_the_files(site: Site) -> None:
    browser = site.browser("admin", "en")
    for day, how in (("2025-11-10", "off"), ("2025-11-11", "working")):
        _, digest = shown(browser, first=day, how=how)
        browser.post(f"{PATH}/days", first=day, how=how, agreed=digest)
    years = [{"working": [], "free": ["2025-11-11", "2025-11-12"], "breaks": [], "terms": [
        {"key": "a", "starts": "2025-09-01", "ends": "2026-01-20"}]}]  # fmt: skip
    folder = Folder.__new__(Folder)
    object.__setattr__(folder, "calendar", {"years": years})

    adoption = site.world.within(lambda d: calendars_adopt.wanted(d, site.world.college, folder, {"2025-11-11"}))

    assert adoption.days.keys() & {"2025-11-10", "2025-11-11"} == set()
    assert adoption.days["2025-11-12"] == (False, "校历休息日", "college")
    assert not {"2025-11-10", "2025-11-11"} & set(adoption.gone)
