"""Warnings: who sees which, by layer and age; one warning's life, figure and acts; nothing of others shows."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import pairwise

import pytest
from browsing import Browser, Site, plain
from browsing import site as made
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.engine import calendar as calendars
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles import warnings
from qaflow.services.cycles.warnings import AGES, CLOSED, LINES, Chosen, Listed, around, youngest
from qaflow.store import sight
from qaflow.store.db import Driver, Sql, db, instant
from qaflow.testing import World
from qaflow.web.figures import chart

EVERYBODY = ("lead", "far_lead", "major", "far_major", "head", "far_head", "vp", "office", "qhead", "diag", "admin",
             "deputy", "guest")  # fmt: skip
MOST_STATEMENTS = 8  # configuration, deputies, grants, units, facets, page, steps, names of units
VALUES = (52.0, 49.0, 47.5, 44.0, 43.0, 30.0)


@dataclass
class Watch:
    """Warnings as a person's browser and as the service give them."""

    site: Site
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.site.world

    def me(self, login: str) -> SignedIn:
        """Return a person as signed in."""
        return SignedIn(session="", person=self.world.persons[login], college=self.world.college, login=login,
                        name=login, language="en", device="", kinds=frozenset(), titles=())  # fmt: skip

    def listed(self, login: str, **chosen: object) -> Listed:
        """Return a list as the service gives it."""
        origin = self.world.origin(login)
        return warnings.listed(db.session, origin, self.me(login), Chosen(**chosen))  # type: ignore[arg-type]

    def ids(self, login: str, **chosen: object) -> list[str]:
        """Return the warnings of a list."""
        return [line.row.id for line in self.listed(login, **chosen).lines]

    def story(self, login: str, warning: str, whole: bool = False) -> warnings.Story:
        """Return one warning as the service gives it."""
        return warnings.look(db.session, self.world.origin(login), self.me(login), warning, whole)

    def page(self, login: str, path: str = "", lang: str = "en") -> str:
        """Return a page as one line of text."""
        return plain(self.site.browser(login, lang).get(f"/warnings{path}").text)

    def breach(self, course: str = "C1", point: str = "hours", value: float = 44.0) -> None:
        """Hand in a reading below the limit."""
        self.world.read(value, point, course)

    def send(self, browser: Browser, warning: str, action: str, at: int | None = None, **data: str) -> TestResponse:
        """Send an act as the warning's page does, or with a revision of one's own."""
        path = f"/warnings/{warning}"
        found = re.search(r'name="revision" value="(\d+)"', browser.get(path).text) if at is None else None
        return browser.post(f"{path}/{action}", revision=found[1] if found else at, **data)


@pytest.fixture
def watch(settings: Settings) -> Iterator[Watch]:
    """Return the program on the tiny college, which measures hours."""
    found = Watch(made(settings))
    found.world.point("hours")
    yield found
    db.session.remove()
    db.engine.dispose()


def second_college(world: World) -> None:
    """Add a college in which the quality office of the first is the quality office too."""
    copies = {"college": ({"id": "2", "key": "'other'"}, "id = 1"),
              "role_grant": ({"id": "id + 1000", "college_id": "2"}, "kind = 'quality_office'")}  # fmt: skip
    for table, (but, where) in copies.items():
        names = [name for (name,) in world.query(f"select name from pragma_table_info('{table}')")]
        values = ", ".join(but.get(name, name) for name in names)
        world.query(f"insert into {table} ({', '.join(names)}) select {values} from {table} where {where} returning id")


def offered(text: str) -> set[str]:
    """Return the acts whose forms stand on a warning's page."""
    return set(re.findall(r'action="/warnings/[^/"]+/([a-z_]+)"', text))


def test_each_sees_the_warnings_of_the_cycles_they_see(watch: Watch) -> None:
    near, far = watch.world.start("C1"), watch.world.start("C9")
    watch.breach("C1")
    watch.breach("C9")

    both = [f"{near}.1", f"{far}.1"]
    seen = {login: watch.ids(login) for login in EVERYBODY}

    assert seen == {
        "lead": both[:1], "major": both[:1], "head": both[:1], "far_lead": both[1:], "far_major": both[1:],
        "far_head": both[1:], "vp": both, "office": both, "qhead": both, "diag": both, "admin": [], "deputy": [],
        "guest": [],
    }  # fmt: skip
    for login in EVERYBODY:
        browser = watch.site.browser(login)
        for warning in both:
            assert (browser.get(f"/warnings/{warning}").status_code == 200) == (warning in seen[login])
    assert "C9" not in watch.page("head") and "C9" in watch.page("office")
    assert watch.listed("head").all == sum(row.many for row in watch.listed("head").across) == 1


def test_a_warning_without_a_cycle_is_seen_by_those_who_see_its_subject(watch: Watch) -> None:
    watch.breach("C9")
    warning = f"s{watch.world.subjects['C9']}.1"

    assert {login for login in EVERYBODY if watch.ids(login) == [warning]} == {
        "far_lead", "far_major", "far_head", "vp", "office", "qhead", "diag"}  # fmt: skip
    story = watch.story("far_lead", warning)
    assert story.page is None and story.acts == () and [e.kind for e in story.life] == ["WarningOpened"]
    assert "no running round" in watch.page("far_lead", f"/{warning}")
    with pytest.raises(Missing) as refused:
        watch.story("lead", warning)
    with pytest.raises(Missing) as absent:
        watch.story("lead", "s999.1")
    assert refused.value.code == absent.value.code == "warning.not_found"
    text = watch.site.browser("lead", "en").get(f"/warnings/{warning}").text
    assert watch.site.browser("lead").get("/warnings/s999.1").status_code == 404 and "There is no such warning" in text


def test_another_colleges_warning_is_not_there(watch: Watch) -> None:
    cycle = watch.world.start("C1")
    watch.breach("C1")
    second_college(watch.world)

    for college in (2, None):
        stranger = replace(watch.me("office"), college=college)
        assert warnings.listed(db.session, watch.world.origin("office"), stranger, Chosen()).all == 0
        with pytest.raises(Missing):
            warnings.look(db.session, watch.world.origin("office"), stranger, f"{cycle}.1")


def test_the_set_wise_sight_is_that_of_each_cycle(watch: Watch) -> None:
    world = watch.world
    near, far = world.start("C1"), world.start("C9")
    world.fire(near, "submit", "lead", content={"note": "x"})
    world.fire(far, "submit", "far_lead", content={"note": "x"})
    world.deputy("lead", "deputy")
    world.deputy("far_major", "guest")
    world.deputy("guest", "new")
    world.person("lead", "diagnostician", "far")
    seen = Sql(f"select c.id from cycle c where c.college_id = :college and {sight.SEEN} order by c.id")

    def body(driver: Driver) -> None:
        day = world.view(driver).calendar.local_day(world.now).isoformat()
        for person in world.persons.values():
            reach = policy.reach(driver, world.college, ["course"], person, day)
            at_once = [row[0] for row in driver.all(seen, {"college": world.college, **reach.params})]
            singly = [one for one in (near, far) if (held := world.hold(driver, one))
                      and policy.may_see(driver, held.scope, held.snap, person, day)]  # fmt: skip
            assert at_once == singly, person

    world.within(body)


def test_both_databases_give_the_same_lists(store_settings: Settings) -> None:
    watch = Watch(made(store_settings))
    watch.world.point("hours")
    cycle = watch.world.start("C1")
    try:
        watch.breach("C1")
        watch.breach("C9")
        watch.world.deputy("lead", "deputy")
        assert watch.ids("lead") == watch.ids("deputy") == [f"{cycle}.1"] and len(watch.ids("office")) == 2
        assert watch.ids("lead", mine=1) == [f"{cycle}.1"] and watch.ids("office", mine=1) == []
        assert watch.ids("office", after=f"{cycle}.1") == [f"s{watch.world.subjects['C9']}.1"]
        watch.world.fire(cycle, "dismiss", "major", reason="wrong")
        assert watch.ids("lead", box=CLOSED) == [f"{cycle}.1"] and watch.ids("lead") == []
        assert len(watch.story("lead", f"{cycle}.1").readings) == 1
    finally:
        db.session.remove()
        db.engine.dispose()


def test_a_warning_goes_its_whole_way_in_the_browser(watch: Watch) -> None:
    world = watch.world
    cycle = world.start()
    world.reach(cycle, "implement")
    watch.breach()
    warning = f"{cycle}.1"
    lead, major = watch.site.browser("lead", "en"), watch.site.browser("major", "en")

    assert offered(lead.get(f"/warnings/{warning}").text) == {"acknowledge"}
    answer = watch.send(lead, warning, "acknowledge", cause="a sick <b>teacher</b>")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/warnings/{warning}")
    assert offered(lead.get(f"/warnings/{warning}").text) == {"correct"}
    assert watch.send(lead, warning, "correct", scope="implementation", measure="two more lessons").status_code == 303
    assert offered(lead.get(f"/warnings/{warning}").text) == {"correct"}  # put right until it is confirmed
    text = major.get(f"/warnings/{warning}").text
    assert offered(text) == {"confirm", "dismiss"} and "a sick &lt;b&gt;teacher&lt;/b&gt;" in text
    assert watch.send(major, warning, "confirm").status_code == 303
    assert "confirmed, readings awaited" in watch.page("lead", f"/{warning}")
    for _ in range(3):
        world.later(1)
        world.read(52.0)

    page = watch.page("lead", f"/{warning}?readings=all")
    assert "closed" in page and watch.ids("lead") == [] and watch.ids("lead", box=CLOSED) == [warning]
    for words in ("Warning opened", "Warning acknowledged", "Correction handed in", "Correction confirmed",
                  "Readings back within the limits", "two more lessons", "implementation"):  # fmt: skip
        assert words in page
    kinds = [e.kind for e in watch.story("lead", warning).life]
    assert kinds == [k for k in world.kinds(cycle) if k in warnings.rows.FACTS]
    assert [e.who for e in watch.story("lead", warning).life] == [None, "lead", "lead", "major", None]


@pytest.mark.parametrize(("action", "login", "status"), [
    ("acknowledge", "guest", 404), ("acknowledge", "far_lead", 404), ("acknowledge", "head", 403),
    ("dismiss", "lead", 403), ("dismiss", "diag", 403), ("confirm", "major", 409), ("submit", "lead", 404),
    ("cancel", "office", 404), ("nothing", "lead", 404),
])  # fmt: skip
def test_what_is_not_theirs_or_not_possible_changes_nothing(watch: Watch, action: str, login: str, status: int) -> None:
    cycle = watch.world.start()
    watch.breach()
    before = watch.world.kinds(cycle)

    answer = watch.send(watch.site.browser(login), f"{cycle}.1", action, 0, cause="c", reason="r", measure="m",
                        scope="design")  # fmt: skip

    assert answer.status_code == status and watch.world.kinds(cycle) == before


def test_only_the_acts_that_one_may_do_are_offered(watch: Watch) -> None:
    cycle = watch.world.start()
    watch.breach()

    found = {login: offered(watch.site.browser(login).get(f"/warnings/{cycle}.1").text) for login in EVERYBODY}

    assert {login: acts for login, acts in found.items() if acts} == {"lead": {"acknowledge"}, "major": {"dismiss"}}


def test_a_proposed_reopening_is_answered_on_the_warnings_page(watch: Watch) -> None:
    world = watch.world
    cycle = world.start()
    world.reach(cycle, "implement")
    watch.breach()
    warning = f"{cycle}.1"
    world.fire(cycle, "acknowledge", "lead", cause="c")
    world.fire(cycle, "correct", "lead", scope="design", measure="m")
    major = watch.site.browser("major", "en")

    text = major.get(f"/warnings/{warning}").text
    assert offered(text) == {"approve", "reject", "dismiss"} and "proposes to reopen design" in unescape(text)
    assert watch.send(major, warning, "reject", reason="").status_code == 422
    assert watch.send(major, warning, "reject", reason="too much").status_code == 303
    assert watch.story("lead", warning).row.state == "acknowledged"
    world.fire(cycle, "correct", "lead", scope="design", measure="m")
    assert watch.send(major, warning, "approve").status_code == 303
    assert world.state(cycle)["stage"] == "design"


def test_a_stale_form_shows_what_stands_now_and_loses_nothing(watch: Watch) -> None:
    cycle = watch.world.start()
    watch.breach()
    watch.world.fire(cycle, "submit", "lead", content={"note": "x"})
    before = watch.world.kinds(cycle)

    answer = watch.send(watch.site.browser("lead", "en"), f"{cycle}.1", "acknowledge", 0, cause="long words")

    assert answer.status_code == 412 and "long words" in answer.text and watch.world.kinds(cycle) == before
    assert watch.send(watch.site.browser("lead"), f"{cycle}.1", "acknowledge", 1, cause="long words").status_code == 303


def test_an_act_sent_twice_is_done_once(watch: Watch) -> None:
    cycle = watch.world.start()
    watch.breach()
    lead = watch.site.browser("lead")

    answers = [watch.send(lead, f"{cycle}.1", "acknowledge", 0, cause="c").status_code for _ in range(2)]

    assert answers == [303, 409] and watch.world.kinds(cycle).count("WarningAcknowledged") == 1


@pytest.mark.parametrize(("cause", "status"), [("", 422), ("   ", 422), ("x" * 2001, 422), ("x" * 2000, 303)])
def test_a_cause_that_is_none_is_told_at_its_field(watch: Watch, cause: str, status: int) -> None:
    cycle = watch.world.start()
    watch.breach()

    answer = watch.send(watch.site.browser("lead", "en"), f"{cycle}.1", "acknowledge", 0, cause=cause)

    assert answer.status_code == status
    assert (cause.strip() in answer.text and "q-fault" in answer.text) or status == 303


def measured(watch: Watch) -> str:
    """Hand in readings week by week, the fourth of which opens a warning; returns it."""
    cycle = watch.world.start()
    for value in VALUES:
        watch.world.read(value)
        watch.site.later(days=7)
    return f"{cycle}.1"


def test_the_figure_shows_the_readings_that_are_stored_and_no_others(watch: Watch) -> None:
    warning = measured(watch)
    watch.breach("C9", value=11.0)
    (first,) = watch.world.query("select id, at from reading order by id limit 1")
    watch.world.query("insert into reading (college_id, point_id, subject_id, at, value, source, version, batch_id, "
                      "replaces) select college_id, point_id, subject_id, at, 51.25, source, 2, batch_id, id from "
                      "reading where id = :id returning id", id=first[0])  # fmt: skip

    stored = watch.world.query("select value from reading where subject_id = :s and id <> :old order by at",
                               s=watch.world.subjects["C1"], old=first[0])  # fmt: skip
    story = watch.story("lead", warning)

    assert [one.value for one in story.readings] == [v for (v,) in stored] == [51.25, *VALUES[1:]]
    assert [one.opening for one in story.readings] == [False, False, False, True, False, False]
    assert [one.severity for one in story.readings] == [None, None, None, "minor", "minor", "major"]
    text = watch.site.browser("lead", "en").get(f"/warnings/{warning}").text
    table = text.partition("q-readings")[2].partition("</table>")[0]
    assert re.findall(r'<td class="q-num">([\d.]+)%', table) == ["30", "43", "44", "47.5", "49", "51.25"]
    drawn = text.partition('<div class="q-chart-wide">')[2].partition("</svg>")[0]
    assert drawn.count("<circle") == 3 and drawn.count('<path class="q-chart-beyond"') == 2
    assert drawn.count('<path class="q-chart-opening"') == 1 and drawn.count('class="q-chart-limit"') == 1
    assert "lower limit 45%" in drawn and "target 50%" in drawn and "44% opened this warning" in drawn
    assert not re.search(r"\sstyle=|<style", text) and text.count("<desc") == 2


@pytest.mark.parametrize("size", [chart.WIDE, chart.PHONE])
def test_places_in_the_figure_follow_the_values(watch: Watch, size: chart.Size) -> None:
    warning = measured(watch)
    story = watch.story("lead", warning)
    with watch.site.app.test_request_context():
        found = chart.chart(story, size)
    assert found is not None

    heights = [(one.value, mark.y) for one, mark in zip(story.readings, found.marks, strict=True)]
    (value_a, y_a), (value_b, y_b) = heights[0], heights[-1]
    scale = (y_b - y_a) / (value_b - value_a)
    assert scale < 0
    for value, y in [*heights, (50.0, found.rules[0].y), (45.0, found.rules[1].y)]:
        assert y == pytest.approx(y_a + (value - value_a) * scale, abs=0.11)
    steps = [b.x - a.x for a, b in pairwise(found.marks)]
    assert max(steps) - min(steps) < 0.21 and found.marks[-1].x < size.width - size.right
    assert found.rules[1].label - found.rules[0].label >= chart.LINE


def test_words_beside_lines_that_lie_together_are_moved_apart() -> None:
    found = chart._rules([(50.0, "limit", "a"), (48.0, "target", "b"), (51.0, "limit", "c")])

    assert [rule.words for rule in found] == ["b", "a", "c"]
    assert [b.label - a.label for a, b in pairwise(found)] == [chart.LINE, chart.LINE]


def test_near_the_opening_stand_some_before_and_the_rest_after() -> None:
    def some(count: int, opening: int | None) -> list[warnings.Measured]:
        return [warnings.Measured(n, "", 1.0, "", None, n == opening) for n in range(count)]

    assert [one.id for one in around(some(100, 50))] == list(range(39, 63))
    assert [one.id for one in around(some(5, 2))] == [0, 1, 2, 3, 4]
    assert [one.id for one in around(some(100, None))][-1] == 99 and around([]) == ()


def test_more_readings_than_the_figure_holds_are_a_link_away(watch: Watch) -> None:
    cycle = watch.world.start()
    for _ in range(30):
        watch.world.read(50.0)
        watch.site.later(days=1)
    watch.breach()

    few, whole = watch.story("lead", f"{cycle}.1"), watch.story("lead", f"{cycle}.1", True)
    assert (len(few.readings), few.many, len(whole.readings)) == (12, 31, 31)
    assert "All 31 readings of this round" in watch.page("lead", f"/{cycle}.1")


@pytest.mark.parametrize(("point", "code"), [
    ("hours", None), ("majors", "ref.unknown_point"), ("nothing", "ref.unknown_point"),
])  # fmt: skip
def test_a_warning_names_a_control_point_of_its_own_layer(watch: Watch, point: str, code: str | None) -> None:
    cycle = watch.world.start()
    watch.world.point("majors")
    watch.world.query("update control_point set layer = 'major' where key = 'majors' returning id")

    if code is None:
        watch.world.fire(cycle, "warn", "diag", point=point, reason="seen")
        assert len(watch.ids("lead")) == 1
    else:
        assert getattr(watch.world.refused(cycle, "warn", "diag", point=point, reason="seen"), "code", "") == code
        assert watch.ids("lead") == []


CALENDAR = calendars.build("Asia/Shanghai", [], [], [2026])


@pytest.mark.parametrize("today", [dt.date(2026, 11, day) for day in range(16, 24)])  # Monday to the next Monday
def test_ages_are_the_working_days_that_the_calendar_counts(today: dt.date) -> None:
    firsts = youngest(CALENDAR, today)

    for back in range(60):
        opened = today - dt.timedelta(days=back)
        days = CALENDAR.working_between(opened, today)
        bucket = next((n for n, first in enumerate(firsts) if opened >= first), len(AGES))
        assert bucket == next((n for n, most in enumerate(AGES) if days <= most), len(AGES)), opened


def test_a_year_without_calendar_still_has_ages() -> None:
    assert youngest(CALENDAR, dt.date(2031, 1, 31))[0] == dt.date(2031, 1, 28)


def many(watch: Watch, count: int, course: str = "C1") -> int:
    """Open many warnings by hand in one cycle, one after another."""
    cycle = watch.world.start(course)
    watch.breach(course)
    columns = ", ".join(name for (name,) in watch.world.query("select name from pragma_table_info('warning')")
                        if name not in ("id", "point_id", "opened_at", "severity"))  # fmt: skip
    watch.world.query(f"with recursive n(i) as (select 2 union all select i + 1 from n where i < :count) insert into "
                      f"warning (id, point_id, opened_at, severity, {columns}) select :cycle || '.' || i, null, "
                      f"'2025-0' || (1 + i % 8) || '-01T00:00:00.000000Z', case when i % 3 = 0 then 'major' else "
                      f"'minor' end, {columns} from n, warning w where w.id = :cycle || '.1' returning id",
                      count=count, cycle=cycle)  # fmt: skip
    return cycle


def test_pages_follow_each_other_without_gap_or_repetition(watch: Watch) -> None:
    many(watch, 2 * LINES + 7)
    seen: list[tuple[int, str, str]] = []
    after = ""

    for _ in range(3):
        found = watch.listed("lead", after=after)
        seen += [(line.row.severity != "major", line.row.opened_at, line.row.id) for line in found.lines]
        after = found.following or ""

    assert after == "" and seen == sorted(set(seen)) and len(seen) == 2 * LINES + 7 == found.total
    browser, rows = watch.site.browser("lead", "en"), 0
    path: str | None = "/warnings"
    while path:
        text = browser.get(path).text
        rows += text.count("data-q-row")
        link = re.search(r'rel="next" href="([^"]+)"', text)
        path = unescape(link[1]) if link else None
    assert rows == 2 * LINES + 7


def test_every_number_opens_a_list_of_as_many(watch: Watch) -> None:
    many(watch, 40)
    watch.breach("C9")
    watch.world.query("update warning set state = 'acknowledged' where severity = 'major' returning id")
    whole = watch.listed("office")

    assert whole.all == whole.total == 41 == sum(row.many for row in whole.across)
    for row in whole.across:
        for age, number in enumerate(row.by_age):
            assert watch.listed("office", layer=row.layer, age=age).total == number
    for name, choices in whole.choices.items():
        for choice in choices:
            if name != "mine" or choice.value:
                assert watch.listed("office", **{name: choice.value}).total == choice.many, (name, choice)
    text = watch.site.browser("office", "en").get("/warnings").text
    links = re.findall(r'<a href="(/warnings\?[^"]+)" aria-label="[^"]*: (\d+)"', text)
    assert len(links) >= 2
    for link, number in links:
        shown = watch.site.browser("office", "en").get(unescape(link)).text
        assert f"{number} in this list" in shown
    assert "Nothing fits these filters" in watch.page("lead", "?layer=nowhere")


def test_a_page_takes_as_many_statements_for_many_rows_as_for_one(watch: Watch) -> None:
    watch.world.start("C9")
    watch.breach("C9")
    many(watch, LINES)

    few, lots = asked(watch, "far_head"), asked(watch, "head")

    assert len(watch.ids("head")) == LINES and len(watch.ids("far_head")) == 1
    assert few == lots <= MOST_STATEMENTS


def asked(watch: Watch, login: str) -> int:
    """Count the statements of a list."""
    said: list[str] = []
    watch.listed(login)
    raw = db.session.connection().connection.dbapi_connection
    db.session.rollback()
    raw.set_trace_callback(said.append)  # type: ignore[union-attr]
    watch.listed(login)
    raw.set_trace_callback(None)  # type: ignore[union-attr]
    return len([text for text in said if text.lstrip().lower().startswith(("select", "with"))])


@pytest.mark.parametrize("path", [
    "?box=nothing", "?unit=x", "?age=99999999999999999999", "?after=x", "?after=1.1%27", "?state=%00", "?mine=7",
    "?kind=' or 1=1 --", "?unit=-1", "?age=9",
])  # fmt: skip
def test_an_address_that_makes_no_sense_shows_a_list_all_the_same(watch: Watch, path: str) -> None:
    watch.world.start()
    watch.breach()

    assert watch.site.browser("lead").get(f"/warnings{path}").status_code == 200


@pytest.mark.parametrize("warning", ["x", "1", "1.1.1", "s.1", "1.%25", "9999999999999999999.1", "1.1%27"])
def test_an_id_that_is_none_is_not_found(watch: Watch, warning: str) -> None:
    assert watch.site.browser("office").get(f"/warnings/{warning}").status_code == 404


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ["按层面与时长", "待认领", "超出限值", "第 1 轮", "今天新增", "共 1 条"]),
    ("en", ["By layer and age", "to be acknowledged", "Limit broken", "round 1", "new today", "1 in this list"]),
])  # fmt: skip
def test_a_list_is_told_in_both_languages(watch: Watch, lang: str, words: list[str]) -> None:
    watch.world.start()
    watch.breach()

    page = watch.page("lead", lang=lang)

    assert [word for word in words if word not in page] == []
    assert ("没有未结预警" if lang == "zh" else "No warning is open") in watch.page("guest", lang=lang)
    assert ("近一年没有已结预警" if lang == "zh" else "Nothing was settled") in watch.page("guest", "?box=closed", lang)


def test_what_was_settled_long_ago_is_left_out(watch: Watch) -> None:
    cycle = watch.world.start()
    watch.breach()
    watch.world.fire(cycle, "dismiss", "major", reason="wrong")

    assert watch.ids("lead", box=CLOSED) == [f"{cycle}.1"]
    watch.site.later(days=367)
    assert watch.ids("lead", box=CLOSED) == []


def test_a_warning_that_passes_to_the_next_round_keeps_its_life(watch: Watch) -> None:
    world = watch.world
    cycle = world.start()
    world.reach(cycle, "improve")
    watch.breach()
    world.pass_stage(cycle)
    assert world.state(cycle)["status"] == "closed"
    (row,) = world.query("select cycle_id, state from warning")
    assert row == (None, "opened")

    story = watch.story("lead", f"{cycle}.1")

    assert story.page is None and [e.kind for e in story.life] == ["WarningOpened", "WarningsPassed"]
    assert instant(story.life[0].at) == instant(story.row.opened_at)
