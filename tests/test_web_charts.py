"""Charts and causes on their pages: readings as they were taken, what the reader sees and no more, pictures as well."""

import datetime as dt
import json
import math
import re
import statistics
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from browsing import Browser, Site
from browsing import site as made
from flask import Flask

from qaflow.config import Settings
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.figures import analysis, strata
from qaflow.services.points import monitoring
from qaflow.services.points.monitoring import NewReading
from qaflow.store.db import Sql, db
from qaflow.testing import MONDAY, World

WANDER = (52.0, 51.0, 49.0, 50.0, 51.5, 48.5, 50.5, 49.5, 51.0, 50.0, 49.0, 60.0)
SPEC = re.compile(r"data-spec='([^']*)'")
TABLE = re.compile(r'id="chart-(\w+)">.*?<tbody>(.*?)</tbody>', re.DOTALL)
FAR = ("C9", "C10", "C11", "C12", "C13")
NEAR = ("C1", "C2", "C3", "C4", "C5")


def fill(world: World, values: dict[str, list[float]], start: dt.datetime = MONDAY) -> int:
    """Take a reading a week of each course; returns the control point."""
    point = world.points.get("hours") or world.point()
    given = [NewReading("hours", "course", code, start + dt.timedelta(weeks=n), value, "test")
             for code, of in values.items() for n, value in enumerate(of)]  # fmt: skip
    last = max(one.at for one in given)
    monitoring.accept(world.session, replace(world.origin(), now=last, recorded=last), world.college, given)
    return point


def courses(world: World) -> None:
    """Add courses until each unit has five."""
    for codes, unit, login in ((NEAR, "section", "lead"), (FAR, "far", "far_lead")):
        for code in codes[1:]:
            world.course(code, unit, login)


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with twelve readings of each of its two courses."""
    found = made(settings)
    fill(found.world, {"C1": list(WANDER), "C9": [value + 5 for value in WANDER]})
    found.later(weeks=14)
    yield found
    db.session.remove()
    db.engine.dispose()


def study(site: Site, course: str = "C1") -> str:
    """Return the address of a course's charts."""
    return f"/charts/points/{site.world.points['hours']}/{site.world.subjects[course]}"


def specs(browser: Browser, path: str) -> list[dict[str, object]]:
    """Return the descriptions that a page holds."""
    return [json.loads(unescape(found)) for found in SPEC.findall(browser.get(path).text)]


def test_a_subjects_page_holds_its_readings_in_four_charts_and_tables(site: Site) -> None:
    browser = site.browser("lead", "en")
    text = browser.get(study(site)).text

    tables = dict(TABLE.findall(text))
    assert list(tables) == ["time", "control", "ranges", "histogram"]
    assert [tables[key].count("<tr>") for key in ("time", "control", "ranges")] == [12, 12, 11]
    assert re.findall(r"<td>([\d.]+)</td><td>50</td><td>45</td>", tables["time"]) == [f"{v:.6g}" for v in WANDER]
    assert f"<dd>{statistics.fmean(WANDER):.5g}</dd>" in text and f"<dd>{statistics.stdev(WANDER):.5g}</dd>" in text
    assert len(specs(browser, study(site))) == 4
    chinese = site.browser("lead", "zh").get(study(site)).text
    assert "组下限" in chinese and "原期限" not in chinese


def test_findings_are_told_in_words_with_their_day(site: Site) -> None:
    text = site.browser("office", "en").get(study(site)).text

    assert '<b>Nelson 1</b>: one point beyond three standard deviations</span><span class="q-mute">17 Nov' in text
    assert "<b>Western Electric 1</b>" in text


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_the_same_address_gives_each_chart_as_a_picture(site: Site, form: str, begins: bytes) -> None:
    browser = site.browser("lead")
    for key in ("time", "control", "ranges", "histogram"):
        answer = browser.get(f"{study(site)}?form={form}&chart={key}")
        assert answer.status_code == 200 and answer.data.startswith(begins), key
        assert answer.headers["Content-Type"].startswith("image/")
        assert f'filename="{key}.{form}"' in answer.headers["Content-Disposition"]
    assert "随时间" in browser.get(f"{study(site)}?form=svg").text
    for asked in ("form=gif", "form=svg&chart=none"):
        assert browser.get(f"{study(site)}?{asked}").status_code == 404


def test_a_page_names_the_pictures_that_it_has(site: Site) -> None:
    browser = site.browser("lead")
    links = [unescape(a) for a in re.findall(r'href="([^"]*form=[^"]*)"', browser.get(study(site)).text)]

    assert len(links) == 8
    assert {browser.get(link).status_code for link in links} == {200}


def test_what_is_not_in_sight_is_not_there_under_any_form(site: Site) -> None:
    browser = site.browser("far_lead")
    for path in (study(site), f"{study(site)}?form=svg", f"/charts/points/{site.world.points['hours']}/987654",
                 "/charts/points/987654", "/charts/points/987654/compare", "/charts/points/987654/1"):  # fmt: skip
        assert browser.get(path).status_code == 404, path
    assert browser.get(study(site, "C9")).status_code == 200
    guest = site.browser("guest")
    assert guest.get(f"/charts/points/{site.world.points['hours']}").status_code == 404
    assert guest.get("/charts").status_code == 200 and "hours" not in guest.get("/charts").text


def test_lists_hold_what_the_reader_sees_and_no_more(site: Site) -> None:
    path = f"/charts/points/{site.world.points['hours']}"

    assert re.findall(r">(C\d+)</a>", site.browser("far_lead").get(path).text) == ["C9"]
    assert re.findall(r">(C\d+)</a>", site.browser("office").get(path).text) == ["C1", "C9"]
    assert f'href="{path}"' in site.browser("lead").get("/charts").text


def test_too_few_readings_say_how_many_are_needed(site: Site) -> None:
    site.world.course("C2", "section", "lead")
    assert "No reading yet" in site.browser("lead", "en").get(study(site, "C2")).text

    fill(site.world, {"C2": [50.0, 51.0]})

    text = site.browser("lead", "en").get(study(site, "C2")).text
    assert "8 readings are needed." in text and 'id="chart-control"' not in text and 'id="chart-time"' in text


def test_groups_under_five_are_hidden_and_their_figures_are_in_no_sum(site: Site) -> None:
    courses(site.world)
    fill(site.world, {code: [40.0 + n] for n, code in enumerate(NEAR)} | {code: [70.0] for code in FAR[:4]},
         MONDAY + dt.timedelta(weeks=13))  # fmt: skip
    path = f"/charts/points/{site.world.points['hours']}/compare"
    four = site.browser("office", "en").get(path).text
    fill(site.world, {FAR[4]: [72.5]}, MONDAY + dt.timedelta(weeks=13))
    five = site.browser("office", "en").get(path).text

    assert "1 group of fewer than five" in four and '<th scope="row">far</th>' not in four
    assert '<th scope="row">section</th><td>5</td><td>42</td>' in four and "<td>5</td><td>42</td><td colspan" in four
    assert '"label": "far"' not in unescape(four)
    assert '<th scope="row">far</th><td>5</td><td>70.5</td>' in five and "group of fewer" not in five


def test_a_comparison_shows_each_reader_their_own_part(site: Site) -> None:
    courses(site.world)
    fill(site.world, {code: [50.0] for code in NEAR} | {code: [70.0] for code in FAR}, MONDAY + dt.timedelta(weeks=13))
    text = site.browser("head", "en").get(f"/charts/points/{site.world.points['hours']}/compare").text

    assert '<th scope="row">section</th><td>5</td><td>50</td>' in text and "far<" not in text


def warn(world: World, course: str, category: str | None, cause: str = "found") -> None:
    """Let a course's reading break its limit, and its responsible person name the cause."""
    world.read(30.0, course=course)
    (cycle,) = world.query("select max(id) from cycle where subject_id = :s", s=world.subjects[course])[0]
    login = "lead" if course in NEAR else "far_lead"
    more = {"category": category} if category else {}
    world.fire(cycle, "acknowledge", login, cause=cause, **more)


@pytest.fixture
def warned(site: Site) -> Site:
    """Return the college with six acknowledged warnings: three kinds of cause, one not named, two courses far away."""
    courses(site.world)
    for code in (*NEAR[:4], *FAR[:2]):
        site.world.start(code)
    for code, category in zip((*NEAR[:4], *FAR[:2]), ("method", "method", "people", None, "equipment", "method"),
                              strict=True):  # fmt: skip
        warn(site.world, code, category, f"cause of {code}")
    return site


def figures(text: str) -> list[int]:
    """Return the numbers of the kinds of cause as the page counts them."""
    return [int(n) for n in re.findall(r'class="q-n[^"]*"[^>]*>(\d+)<', text.partition('id="kinds"')[2])]


def test_causes_are_counted_by_kind_and_each_number_opens_its_list(warned: Site) -> None:
    browser = warned.browser("office", "en")
    text = browser.get("/charts/causes").text

    assert figures(text) == [1, 1, 0, 3, 0, 0, 1]
    for address, number in re.findall(r'<a class="q-n" href="([^"]+)"[^>]*>(\d+)</a>', text):
        listed = browser.get(unescape(address)).text.partition('id="list"')[2]
        assert listed.count('href="/warnings/') == int(number), address
    rows = dict(TABLE.findall(text))["pareto"]
    assert re.findall(r"<td>([\d.]+)</td><td>([\d.]+)</td>", rows) == [("3", "60"), ("1", "80"), ("1", "100")]


def test_causes_of_others_are_neither_counted_nor_told(warned: Site) -> None:
    text = warned.browser("far_lead", "en").get("/charts/causes").text

    assert figures(text) == [0, 1, 0, 1, 0, 0, 0]
    assert "cause of C9" in text and "cause of C1<" not in text and "cause of C2" not in text


def test_causes_narrow_by_unit_and_term(warned: Site) -> None:
    browser = warned.browser("office", "en")

    assert figures(browser.get(f"/charts/causes?unit={warned.world.units['far']}").text) == [0, 1, 0, 1, 0, 0, 0]
    assert figures(browser.get(f"/charts/causes?unit={warned.world.units['teaching']}").text) == [1, 0, 0, 2, 0, 0, 1]
    assert sum(figures(browser.get("/charts/causes?unit=987654").text)) == 0


def test_a_false_alarm_is_no_cause(warned: Site) -> None:
    before = figures(warned.browser("office", "en").get("/charts/causes").text)
    (cycle,) = warned.world.query("select cycle_id from warning where category = 'people'")[0]
    warned.world.fire(cycle, "dismiss", "major", reason="false alarm")

    after = figures(warned.browser("office", "en").get("/charts/causes").text)
    assert (before[0], after[0]) == (1, 0)


def test_the_pages_of_a_warning_ask_for_the_kind_of_cause_and_show_it(site: Site) -> None:
    site.world.start("C1")
    site.world.read(30.0)
    ((name,),) = site.world.query("select id from warning where cycle_id is not null")
    browser = site.browser("lead", "en")
    assert '<select class="form-select" id="acknowledge' in browser.get(f"/warnings/{name}").text

    said = {"revision": site.world.state(1)["revision"], "cause": "why"}
    bad = browser.post(f"/warnings/{name}/acknowledge", category="weather", **said)
    good = browser.post(f"/warnings/{name}/acknowledge", category="environment", **said)

    assert (bad.status_code, good.status_code) == (422, 303)
    assert "This kind of cause does not exist." in bad.text and ">why</textarea>" in bad.text
    assert "<dt>Kind of cause</dt><dd>environment</dd>" in browser.get(f"/warnings/{name}").text
    assert "<dt>Kind of cause</dt><dd>environment</dd>" in browser.get("/cycles/1").text


def someone(world: World, login: str) -> SignedIn:
    """Return a person as the pages know them."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def test_statistics_are_read_alike_from_both_databases(store_app: Flask) -> None:
    world = World(db.session)
    point = fill(world, {"C1": list(WANDER), "C9": [value + 5 for value in WANDER]})
    courses(world)
    fill(world, {code: [40.0 + n] for n, code in enumerate(NEAR)} | {code: [70.0] for code in FAR},
         MONDAY + dt.timedelta(weeks=13))  # fmt: skip
    world.later(120)
    session, origin, me = world.session, world.origin("office"), someone(world, "office")

    found = analysis.study(session, origin, me, point, world.subjects["C1"])
    groups = strata.comparison(session, origin, me, point, "unit", "")
    majors = strata.comparison(session, origin, me, point, "major", "")

    assert [value for _, value in found.readings] == [*WANDER, 40.0]
    assert found.panels[0].centre[0] == pytest.approx(statistics.fmean([*WANDER, 40.0]))
    assert [(one.n, one.mean) for _, one in groups.strata.groups] == [(5, 42.0), (5, 70.0)]
    assert groups.months == (("2025-12", 5, 10, 10),)  # the months before have readings of two subjects only
    assert (majors.strata.n, majors.apart) == (0, 10)


def test_months_are_drawn_as_p_u_and_mean_and_range_charts(site: Site) -> None:
    courses(site.world)
    for week, values in ((13, (40.0, 50.0, 60.0, 44.0, 52.0)), (18, (50.0, 51.0, 52.0, 53.0, 54.0))):
        fill(site.world, {code: [v] for code, v in zip(NEAR, values, strict=True)}, MONDAY + dt.timedelta(weeks=week))
    site.later(weeks=8)
    text = site.browser("head", "en").get(f"/charts/points/{site.world.points['hours']}/compare").text

    rows = {key: re.findall(r"<tr><th scope=\"row\">([\d-]+)</th><td>([\d.]+)</td><td>([\d.]+)</td>", table)
            for key, table in TABLE.findall(text)}  # fmt: skip
    assert rows["p"] == [("2025-12", "0.4", "0.2"), ("2026-01", "0", "0.2")]
    assert rows["u"] == [("2025-12", "0.4", "0.2"), ("2026-01", "0", "0.2")]
    assert rows["Xbar"] == [("2025-12", "49.2", "50.6"), ("2026-01", "52", "50.6")]
    assert rows["R"] == [("2025-12", "20", "12"), ("2026-01", "4", "12")]


def test_only_the_last_version_of_a_reading_counts(store_app: Flask) -> None:
    world = World(db.session)
    point = fill(world, {"C1": [50.0, 51.0]})
    columns = "college_id, point_id, subject_id, at, value, source, version, batch_id"
    world.within(lambda d: d.run(Sql(
        f"insert into reading (id, {columns}) select 900, college_id, point_id, subject_id, at, 47.0, source, 2, "
        "batch_id from reading where value = 51.0")))  # fmt: skip
    world.later(30)
    me = someone(world, "lead")

    found = analysis.study(world.session, world.origin("lead"), me, point, world.subjects["C1"])
    months = strata.comparison(world.session, world.origin("lead"), me, point, "unit", "").months

    assert [value for _, value in found.readings] == [50.0, 47.0]
    assert months == ()  # fewer than five


def test_limits_of_a_day_are_those_that_stood_then(site: Site) -> None:
    world, point = site.world, site.world.points["hours"]
    columns = ("id", "college_id", "point_id", "subject_id", "valid_from", "direction", "target", "warn_lower",
               "warn_upper", "reason", "set_at", "set_by")  # fmt: skip
    rows = [(1, None, "2025-10-06", "higher", 55.0, 50.0, None), (2, world.subjects["C1"], "2025-11-03", "higher", 58.0,
                                                                  54.0, None),
            (3, world.subjects["C9"], "2025-11-03", "higher", 9.0, 8.0, None)]  # fmt: skip
    at = "2025-09-01T00:00:00.000000Z"
    world.within(lambda d: d.insert_rows("point_limit", columns, [
        (i, world.college, point, subject, day, direction, target, low, up, "why", at, 1)
        for i, subject, day, direction, target, low, up in rows]))  # fmt: skip

    table = dict(TABLE.findall(site.browser("lead", "en").get(study(site)).text))["time"]

    lower = [float(low) for low in re.findall(r"</th><td>[\d.]+</td><td>[\d.]+</td><td>([\d.]+)</td>", table)]
    assert lower == [45.0] * 5 + [50.0] * 4 + [54.0] * 3
    assert math.isclose(sum(lower), 45 * 5 + 50 * 4 + 54 * 3)


def test_a_comparison_begins_with_the_last_term_that_began(site: Site) -> None:
    courses(site.world)
    for weeks, low in ((1, 40.0), (9, 60.0)):
        fill(site.world, {code: [low + n] for n, code in enumerate(NEAR)}, MONDAY + dt.timedelta(weeks=weeks, hours=1))
    terms = [("t1", "一", "one", "2025-09-01", "2025-10-31"), ("t2", "二", "two", "2026-02-23", "2026-07-10")]
    site.world.within(lambda d: d.insert_rows(
        "term", ("college_id", "key", "name_zh", "name_en", "starts", "ends"),
        [(site.world.college, *term) for term in terms]))  # fmt: skip
    site.world.within(lambda d: d.run(Sql("update college set config_no = config_no + 1")))
    path, browser = f"/charts/points/{site.world.points['hours']}/compare", site.browser("head", "en")
    row = '<th scope="row">section</th><td>5</td><td>{}</td>'.format

    first, whole = browser.get(path).text, browser.get(f"{path}?term=all").text

    assert '<option value="t1" selected>' in first and row("44.2") in first  # C1 was read on 27 October last: 51
    assert '<option value="all" selected>' in whole and row("62") in whole  # and on 17 November: 60
